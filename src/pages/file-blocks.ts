/**
 * A report as blocks of text, from which the page and the printed form are both drawn: what one
 * says the other says.
 *
 * What must stay true: every figure has its day; both the lender and the name the person knows it
 * by are said; a mark stands beside what it marks. Source: domain facts 1.3, 8.2.
 */
import type { Grid } from '../model/grid.ts';
import { formatMoney } from '../model/money.ts';
import type { Language } from '../model/notice.ts';
import type { ReportAgreement } from '../model/report-agreement.ts';
import type { ReportAccount, ReportDocument, ReportSummary } from '../model/report-document.ts';
import { FILE_WORDS, letterTone, letterWords } from './file-words.ts';
import { dateWords, timeWords } from './words.ts';

export interface GridCell {
  readonly letter: string;
  readonly meaning: string;
  readonly tone: ReturnType<typeof letterTone>;
}

export type Block =
  | { readonly is: 'heading'; readonly level: 2 | 3; readonly text: string }
  | { readonly is: 'text'; readonly text: string; readonly tone: 'plain' | 'note' | 'mark' }
  | { readonly is: 'facts'; readonly pairs: readonly (readonly [string, string])[] }
  | {
      readonly is: 'table';
      readonly caption: string;
      readonly head: readonly string[];
      readonly rows: readonly (readonly string[])[];
    }
  | {
      readonly is: 'grid';
      readonly caption: string;
      /** Twelve cells for each year, January first; null: outside of the grid. */
      readonly years: readonly {
        readonly year: string;
        readonly cells: readonly (GridCell | null)[];
      }[];
    }
  | { readonly is: 'legend'; readonly entries: readonly GridCell[] };

/** Who the report is about, as held; the document by its end alone. */
export interface Identity {
  readonly name: string | null;
  readonly kind: string;
  readonly number_end: string;
  readonly birth_date: string | null;
}

export interface ReportView {
  readonly language: Language;
  readonly document: ReportDocument;
  readonly identity: Identity | null;
}

const LOCALES: Readonly<Record<Language, string>> = { en: 'en-GB', zh: 'zh-CN' };

/** An amount with its currency; a dash where none is known. */
export function moneyWords(language: Language, minor: number | null, currency: string): string {
  if (minor === null) return FILE_WORDS[language].none;
  return formatMoney(minor, currency, LOCALES[language]);
}

const utc = (language: Language) => ({ language, time_zone: 'UTC' });
export const dayWords = (language: Language, day: string | null): string =>
  day === null
    ? FILE_WORDS[language].none
    : dateWords(utc(language), `${day.slice(0, 10)}T00:00:00Z`);

const text = (value: string, tone: 'plain' | 'note' | 'mark' = 'plain'): Block => ({
  is: 'text',
  text: value,
  tone,
});
const heading = (level: 2 | 3, value: string): Block => ({ is: 'heading', level, text: value });

/** The name by which a person tells accounts apart. */
export const accountName = ({ brand, lender }: Pick<ReportAccount, 'brand' | 'lender'>): string =>
  brand ?? lender.name;

function facts(pairs: readonly (readonly [string, string | null])[]): Block {
  return {
    is: 'facts',
    pairs: pairs.filter((pair): pair is readonly [string, string] => pair[1] !== null),
  };
}

function cellOf(language: Language, grid: Grid, letter: string): GridCell {
  return {
    letter,
    meaning: letterWords(language, grid.scale, letter),
    tone: letterTone(grid.scale, letter),
  };
}

/** The grid by years, and what its letters mean; years before the opening are left out. */
export function gridBlocks(language: Language, grid: Grid, caption: string): Block[] {
  const begin = Number(grid.from.slice(0, 4)) * 12 + Number(grid.from.slice(5)) - 1;
  const years = new Map<string, (GridCell | null)[]>();
  [...grid.letters].forEach((letter, index) => {
    const month = begin + index;
    const year = String(Math.floor(month / 12));
    const cells = years.get(year) ?? Array.from({ length: 12 }, () => null);
    cells[month % 12] = cellOf(language, grid, letter);
    years.set(year, cells);
  });
  const before = letterWords(
    language,
    grid.scale,
    grid.scale === 'metro2' ? 'B' : grid.scale === 'pboc' ? '/' : '.',
  );
  const shown = [...years]
    .filter(([, cells]) => cells.some((cell) => cell !== null && cell.meaning !== before))
    .map(([year, cells]) => ({ year, cells }))
    .reverse();
  const letters = shown.flatMap(({ cells }) => cells.flatMap((cell) => cell?.letter ?? []));
  const used = [...new Set(letters)].sort();
  return [
    { is: 'grid', caption, years: shown },
    { is: 'legend', entries: used.map((letter) => cellOf(language, grid, letter)) },
  ];
}

/** The figures of each month, newest first. */
export function monthsTable(language: Language, account: ReportAccount): Block {
  const words = FILE_WORDS[language];
  const money = (minor: number | null) => moneyWords(language, minor, account.currency);
  return {
    is: 'table',
    caption: words.monthsOf(accountName(account)),
    head: [words.period, words.daysLate, words.owed, words.due, words.paid, words.pastDue],
    rows: account.months
      .toReversed()
      .map((month) => [
        month.period,
        String(month.days_past_due),
        money(month.balance_minor),
        money(month.due_minor),
        money(month.paid_minor),
        money(month.past_due_minor),
      ]),
  };
}

/** So much of an id as a person needs to tell it from others. */
const endOf = (id: string) => `…${id.slice(-8)}`;

type Due = Pick<ReportAgreement, 'currency' | 'due_estimated' | 'due_per_month_minor'>;

function dueWords(language: Language, due: Due): string {
  const { estimated } = FILE_WORDS[language];
  const of = due.due_estimated > 0 ? ` (${estimated(due.due_estimated)})` : '';
  return `${moneyWords(language, due.due_per_month_minor, due.currency)}${of}`;
}

function accountFacts(language: Language, account: ReportAccount): Block {
  const words = FILE_WORDS[language];
  const { newest } = account;
  const money = (minor: number | null) => moneyWords(language, minor, account.currency);
  const isLine = account.kind === 'revolving_line';
  return facts([
    [words.lender, account.brand === null ? null : account.lender.name],
    [words.kind, words.kinds[account.kind] ?? account.kind],
    [words.standing, newest ? (words.standings[newest.status] ?? newest.status) : null],
    [words.opened, account.opened_on && dayWords(language, account.opened_on)],
    [words.closed, account.closed_on && dayWords(language, account.closed_on)],
    [words.limit, isLine && newest ? money(newest.limit_minor) : null],
    [words.original, isLine ? null : money(account.original_amount_minor)],
    [words.term, account.term_months === null ? null : words.months(account.term_months)],
    [words.owed, newest && money(newest.balance_minor)],
    [words.pastDue, newest && money(newest.past_due_minor ?? 0)],
    [words.daysLate, newest && String(newest.days_past_due)],
    [words.asOf, newest && dayWords(language, newest.as_of)],
    [words.accountNumber, endOf(account.account_id)],
    [words.agreementNumber, account.agreement_id ? endOf(account.agreement_id) : null],
  ]);
}

/** An agreement: what everything that was drawn under it comes to, and its months together. */
function agreementBlocks(language: Language, agreement: ReportAgreement): Block[] {
  const words = FILE_WORDS[language];
  const money = (minor: number) => moneyWords(language, minor, agreement.currency);
  const { as_of_to, brand, ends_on, lender, limit_minor, opened_on, unused_minor } = agreement;
  const status = agreement.worst_status;
  return [
    facts([
      [words.lender, brand === null ? null : lender.name],
      [words.opened, opened_on && dayWords(language, opened_on)],
      [words.agreementEnds, ends_on && dayWords(language, ends_on)],
      [words.agreementLimit, limit_minor === null ? null : money(limit_minor)],
      [words.agreementUsed, money(agreement.used_minor)],
      [words.agreementUnused, unused_minor === null ? null : money(unused_minor)],
      [words.draws, `${agreement.accounts_open} / ${agreement.accounts_closed}`],
      [words.dueMonthly, dueWords(language, agreement)],
      [words.pastDue, money(agreement.past_due_minor)],
      [words.worstStanding, status && (words.standings[status] ?? status)],
      [words.worstLate, String(agreement.worst_days_past_due)],
      [words.asOf, as_of_to && dayWords(language, as_of_to)],
      [words.agreementNumber, endOf(agreement.agreement_id)],
    ]),
    ...(agreement.grid
      ? gridBlocks(
          language,
          agreement.grid,
          words.gridOf(words.agreementOf(accountName(agreement))),
        )
      : []),
    text(words.drawsLead, 'note'),
  ];
}

/** What belongs together: an agreement with its draws, or an account on its own. */
export interface AccountGroup {
  readonly agreement: ReportAgreement | null;
  readonly accounts: readonly ReportAccount[];
}

/** The accounts of a report in its order, draws under one agreement together. */
export function accountGroups(document: ReportDocument): AccountGroup[] {
  const groups = new Map<object, ReportAccount[]>();
  const agreements = document.agreements ?? [];
  for (const account of document.accounts ?? []) {
    const key =
      agreements.find(({ account_ids }) => account_ids.includes(account.account_id)) ?? account;
    groups.set(key, [...(groups.get(key) ?? []), account]);
  }
  return [...groups].map(([key, accounts]) => ({
    agreement: agreements.find((each) => each === key) ?? null,
    accounts,
  }));
}

/** An account: what it is, marks, grid; the figures of every month with `withMonths`. */
export function accountBlocks(
  language: Language,
  account: ReportAccount,
  withMonths: boolean,
): Block[] {
  const words = FILE_WORDS[language];
  const name = accountName(account);
  const marks = account.claims.map(({ field, period }) =>
    text(words.inDispute(words.fields[field] ?? field, period), 'mark'),
  );
  return [
    accountFacts(language, account),
    ...marks,
    ...(account.grid ? gridBlocks(language, account.grid, words.gridOf(name)) : []),
    ...(withMonths && account.months.length > 0 ? [monthsTable(language, account)] : []),
  ];
}

/** What the whole file comes to. */
export function summaryBlocks(language: Language, summary: ReportSummary): Block[] {
  const words = FILE_WORDS[language];
  const perCurrency = summary.amounts.map((sum) => {
    const money = (minor: number) => moneyWords(language, minor, sum.currency);
    return facts([
      [words.owed, money(sum.balance_minor)],
      [words.limit, money(sum.limit_minor)],
      [words.dueMonthly, dueWords(language, sum)],
      [words.pastDue, money(sum.past_due_minor)],
      [words.asOf, sum.as_of_to && dayWords(language, sum.as_of_to)],
    ]);
  });
  return [
    facts([
      [words.lenders, String(summary.lenders)],
      [words.accountsOpen, `${summary.accounts_open} / ${summary.accounts}`],
      [
        words.agreementsOpen,
        summary.agreements ? `${summary.agreements_open} / ${summary.agreements}` : null,
      ],
      [words.lateMonths, String(summary.months_late.m24)],
      [words.newCreditLooks, String(summary.enquiries.new_credit.m12)],
    ]),
    ...perCurrency,
  ];
}

/** How the file stands, in sentences. */
export function statusBlocks({ language, document }: ReportView): Block[] {
  const words = FILE_WORDS[language];
  const sentences = [
    words.statuses[document.status] ?? document.status,
    ...document.status_reasons.map((reason) => words.reasons[reason] ?? reason),
  ];
  const since = document.incomplete_since;
  return [
    text(sentences.join(language === 'zh' ? '' : ' ')),
    ...(since === null ? [] : [text(words.incomplete(dayWords(language, since)), 'note')]),
    ...document.claims.map(({ field, period }) =>
      text(words.inDispute(words.fields[field] ?? field, period), 'mark'),
    ),
  ];
}

function blocksInForce({ language, document }: ReportView): Block[] {
  const words = FILE_WORDS[language];
  if (document.blocks.length === 0) return [];
  const lines = document.blocks.map((block) =>
    text(
      words.blockSince(
        words.blockKinds[block.kind] ?? block.kind,
        dayWords(language, block.placed_at),
        block.expires_at && dayWords(language, block.expires_at),
      ),
      'mark',
    ),
  );
  return [heading(2, words.blocks), ...lines];
}

function statementBlocks({ language, document }: ReportView): Block[] {
  const words = FILE_WORDS[language];
  if (document.statements.length === 0) return [];
  const names = new Map(
    (document.accounts ?? []).map((each) => [each.account_id, accountName(each)]),
  );
  const said = document.statements.flatMap((statement) => {
    const about = statement.account_id === null ? undefined : names.get(statement.account_id);
    const when = dayWords(language, statement.made_at);
    return [text(statement.text), text(about ? `${about}${words.comma}${when}` : when, 'note')];
  });
  return [heading(2, words.statements), ...said];
}

function lookBlocks({ language, document }: ReportView): Block[] {
  const words = FILE_WORDS[language];
  const rows = (document.enquiries ?? [])
    .filter((look) => look['kind'] !== 'own')
    .map((look) => [
      look['enquirer'] ?? words.none,
      dayWords(language, look['at'] ?? null),
      `${words.lookKinds[look['kind'] ?? ''] ?? words.none}${words.code(look['purpose'] ?? '')}`,
    ]);
  if (rows.length === 0) return [heading(2, words.looks), text(words.noLooks)];
  const head = [words.who, words.when, words.why];
  return [heading(2, words.looks), { is: 'table', caption: words.looks, head, rows }];
}

/** Who the file is about. */
export function identityFacts(language: Language, identity: Identity): Block {
  const words = FILE_WORDS[language];
  const kind = words.documents[identity.kind] ?? identity.kind;
  return facts([
    [words.name, identity.name],
    [words.document, `${kind}${words.comma}${words.ending(identity.number_end)}`],
    [words.birth, identity.birth_date && dayWords(language, identity.birth_date)],
  ]);
}

function identityBlocks({ language, identity }: ReportView): Block[] {
  if (identity === null) return [];
  return [heading(2, FILE_WORDS[language].identity), identityFacts(language, identity)];
}

function groupBlocks(language: Language, group: AccountGroup, withMonths: boolean): Block[] {
  const { agreement } = group;
  const draws = group.accounts.flatMap((account) => [
    heading(3, accountName(account)),
    ...accountBlocks(language, account, withMonths),
  ]);
  if (agreement === null) return draws;
  const title = FILE_WORDS[language].agreementOf(accountName(agreement));
  return [heading(3, title), ...agreementBlocks(language, agreement), ...draws];
}

/** What stands at the head of a report: which one, as of when, under which rules. */
export function headBlocks({ language, document }: ReportView): Block[] {
  const words = FILE_WORDS[language];
  return [
    facts([
      [words.stoodAt, timeWords(utc(language), document.facts_at)],
      [words.reportNumber, document.report_id || null],
      [words.underLaw, document.profile.name],
    ]),
  ];
}

/** A whole report. @param withMonths the figures of every month too */
export function reportBlocks(view: ReportView, withMonths: boolean): Block[] {
  const { language, document } = view;
  const words = FILE_WORDS[language];
  const accounts = document.accounts ?? [];
  return [
    ...headBlocks(view),
    ...identityBlocks(view),
    heading(2, words.status),
    ...statusBlocks(view),
    heading(2, words.summary),
    ...summaryBlocks(language, document.summary),
    ...blocksInForce(view),
    ...statementBlocks(view),
    heading(2, words.accounts),
    ...(accounts.length === 0 ? [text(words.noAccounts)] : []),
    ...accountGroups(document).flatMap((group) => groupBlocks(language, group, withMonths)),
    ...(document.hidden.length > 0
      ? [heading(2, words.hidden), text(words.hiddenLead(document.hidden.length))]
      : []),
    ...lookBlocks(view),
  ];
}
