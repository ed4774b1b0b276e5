/**
 * A report: what is shown of a file's facts, to whom, in full or as a summary. Pure.
 *
 * What must stay true: the same issue gives the same document for ever, by the renderer of its
 * version; members stand in the order of their names (RFC 8785), so that JSON.stringify writes
 * canonical JSON, which a property test compares; a document names no identity, and to an
 * enquirer neither another enquirer nor what a rule keeps from display.
 * Source: domain facts 1.3, 1.4, 1.9, 5.3, 8.2.
 */
import { agreementsOf } from './agreement.ts';
import {
  type AccountFacts,
  type FileFacts,
  type LookKind,
  type MonthFacts,
  newestOf,
} from './file-facts.ts';
import { type FileSummary, summaryOf } from './file-summary.ts';
import { type Grid, type GridScale, gridOf } from './grid.ts';
import { dayMonthsBefore } from './period.ts';
import { type ReportAgreement, reportAgreement, sortedGrid } from './report-agreement.ts';

/** The form of the document. */
const REPORT_VERSION = 1;
/** Raised when the same facts give other bytes; older renderers stay, for reports of their day. */
export const RENDERER_VERSION = 2;

export const REPORT_FORMS = ['full', 'summary'] as const;
export type ReportForm = (typeof REPORT_FORMS)[number];
export type Audience = 'enquirer' | 'subject' | 'operator';

/** Fewer months than either make a file thin. */
export interface ThinBelow {
  readonly months_open: number;
  readonly months_shown: number;
}

/** Everything a report is made of; kept sealed, so that it can be made again. */
export interface Issue {
  readonly audience: Audience;
  /** Days within which looks of one enquirer for one purpose count once. */
  readonly counts_once_days: number;
  readonly enquiry: {
    readonly authorisation_id: string;
    readonly enquiry_id: string;
    readonly kind: LookKind;
    readonly purpose: string;
  } | null;
  readonly facts: FileFacts;
  readonly form: ReportForm;
  readonly grid: GridScale;
  /** ISO 8601, UTC, milliseconds. */
  readonly issued_at: string;
  readonly profile: { readonly name: string; readonly sha256: string };
  readonly renderer_version: number;
  readonly report_id: string;
  readonly thin: ThinBelow;
}

export type FileStatus = 'no_hit' | 'thin' | 'full' | 'suppressed';
export type StatusReason =
  | 'frozen'
  | 'banned'
  | 'disputed'
  | 'hidden'
  | 'young_accounts'
  | 'few_months';

/**
 * What the file is good for. `no_hit`: no account is known. `suppressed`: the person holds
 * enquirers off or disputes a field, or accounts are known and none may be shown. `thin`: no
 * account open for so long, or too few months. Never a low number for the unknown.
 */
export function statusOf(
  facts: FileFacts,
  thin: ThinBelow,
): { readonly status: FileStatus; readonly reasons: readonly StatusReason[] } {
  if (facts.known_accounts === 0 && facts.accounts.length === 0)
    return { status: 'no_hit', reasons: [] };
  const holds = (kind: string) => facts.blocks.some((block) => block.kind === kind);
  const isDisputed = facts.accounts.some((account) => account.claims.length > 0);
  const suppressed: [boolean, StatusReason][] = [
    [holds('credit_ban'), 'banned'],
    [isDisputed || facts.claims.length > 0, 'disputed'],
    [holds('freeze'), 'frozen'],
    [facts.accounts.length === 0, 'hidden'],
  ];
  const why = suppressed.filter(([isSo]) => isSo).map(([, reason]) => reason);
  if (why.length > 0) return { status: 'suppressed', reasons: why };
  const openBefore = dayMonthsBefore(facts.at.slice(0, 10), thin.months_open);
  const isYoung = !facts.accounts.some(
    ({ opened_on }) => opened_on !== null && opened_on <= openBefore,
  );
  const months = Math.max(...facts.accounts.map((account) => account.months.length));
  const lacks: [boolean, StatusReason][] = [
    [months < thin.months_shown, 'few_months'],
    [isYoung, 'young_accounts'],
  ];
  const reasons = lacks.filter(([isSo]) => isSo).map(([, reason]) => reason);
  return { status: reasons.length > 0 ? 'thin' : 'full', reasons };
}

export interface ReportAccount extends AccountFacts {
  readonly grid: Grid | null;
  /** The newest month that is shown: what is owed, and as of which day. */
  readonly newest: MonthFacts | null;
}

/** The first renderer did not count agreements. */
export type ReportSummary = Omit<FileSummary, 'agreements' | 'agreements_open'> &
  Partial<Pick<FileSummary, 'agreements' | 'agreements_open'>>;

export interface ReportDocument {
  /** Null in a summary. */
  readonly accounts: readonly ReportAccount[] | null;
  /** Null in a summary; absent from reports of the first renderer. */
  readonly agreements?: readonly ReportAgreement[] | null;
  readonly audience: Audience;
  readonly blocks: FileFacts['blocks'];
  readonly claims: FileFacts['claims'];
  /** Null in a summary. To an enquirer: looks for new credit alone, and nobody's name. */
  readonly enquiries: readonly Readonly<Record<string, string>>[] | null;
  readonly enquiry: Issue['enquiry'];
  readonly facts_at: string;
  readonly form: ReportForm;
  readonly hidden: FileFacts['hidden'];
  readonly incomplete_since: string | null;
  readonly issued_at: string;
  readonly profile: Issue['profile'];
  readonly remark: string | null;
  readonly renderer_version: number;
  readonly report_id: string;
  readonly report_version: number;
  readonly statements: FileFacts['statements'];
  readonly status: FileStatus;
  readonly status_reasons: readonly StatusReason[];
  readonly summary: ReportSummary;
}

function reportAccount(account: AccountFacts, scale: GridScale): ReportAccount {
  const { account_id, brand, claims, closed_on, currency, kind, lender, months } = account;
  return {
    account_id,
    brand,
    claims,
    closed_on,
    currency,
    grid: sortedGrid(gridOf(scale, account.opened_on, months)),
    kind,
    lender,
    months,
    newest: newestOf(account),
    opened_on: account.opened_on,
    original_amount_minor: account.original_amount_minor,
    term_months: account.term_months,
  };
}

/** With what the second renderer says of an account besides, in the order of the names. */
function drawnAccount(account: AccountFacts, scale: GridScale): ReportAccount {
  const { account_id, ...others } = reportAccount(account, scale);
  return {
    account_id,
    agreement_ends_on: account.agreement_ends_on ?? null,
    agreement_id: account.agreement_id ?? null,
    agreement_limit_minor: account.agreement_limit_minor ?? null,
    agreement_opened_on: account.agreement_opened_on ?? null,
    ...others,
  };
}

function enquiriesFor(audience: Audience, { looks }: FileFacts) {
  if (audience !== 'enquirer') return looks.map((look) => ({ ...look }));
  return looks
    .filter(({ kind }) => kind === 'new_credit')
    .map(({ at, kind, purpose }) => ({ at: at.slice(0, 10), kind, purpose }));
}

/** What both renderers say alike: everything after `audience`, in the order of the names. */
function remainderOf(issue: Issue, summary: ReportSummary) {
  const { audience, facts, form } = issue;
  const { status, reasons } = statusOf(facts, issue.thin);
  const since = facts.incomplete_since;
  return {
    blocks: facts.blocks,
    claims: facts.claims,
    enquiries: form === 'full' ? enquiriesFor(audience, facts) : null,
    enquiry: issue.enquiry,
    facts_at: facts.at,
    form,
    hidden: audience === 'enquirer' ? [] : facts.hidden,
    incomplete_since: since,
    issued_at: issue.issued_at,
    profile: issue.profile,
    remark: since === null ? null : `history incomplete by choice of the subject since ${since}`,
    renderer_version: issue.renderer_version,
    report_id: issue.report_id,
    report_version: REPORT_VERSION,
    statements: facts.statements,
    status,
    status_reasons: reasons,
    summary,
  };
}

/** Draws under one agreement were not gathered yet. */
function renderFirst(issue: Issue): ReportDocument {
  const { audience, facts, form, grid } = issue;
  const { agreements, agreements_open, ...summary } = summaryOf(facts, issue.counts_once_days);
  return {
    accounts: form === 'full' ? facts.accounts.map((each) => reportAccount(each, grid)) : null,
    audience,
    ...remainderOf(issue, summary),
  };
}

function renderSecond(issue: Issue): ReportDocument {
  const { audience, facts, form, grid } = issue;
  const day = facts.at.slice(0, 10);
  const isFull = form === 'full';
  return {
    accounts: isFull ? facts.accounts.map((each) => drawnAccount(each, grid)) : null,
    agreements: isFull
      ? agreementsOf(facts.accounts).map((each) => reportAgreement(each, grid, day))
      : null,
    audience,
    ...remainderOf(issue, summaryOf(facts, issue.counts_once_days)),
  };
}

/** One renderer for each version that ever issued a report. */
const RENDERERS: Readonly<Record<number, (issue: Issue) => ReportDocument>> = {
  1: renderFirst,
  2: renderSecond,
};

/** The report of an issue. @throws RangeError: of a renderer that this release does not know */
export function reportDocument(issue: Issue): ReportDocument {
  const render = RENDERERS[issue.renderer_version];
  if (!render) throw new RangeError(`no renderer ${issue.renderer_version}`);
  return render(issue);
}

/** The bytes that go out: canonical JSON (RFC 8785). @throws RangeError: as `reportDocument` */
export const reportText = (issue: Issue): string => JSON.stringify(reportDocument(issue));
