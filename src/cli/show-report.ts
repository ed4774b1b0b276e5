/** A report as text for people: what the file comes to, then each account with its grid. */
import type { BlockFacts, StatementFacts } from '../model/file-facts.ts';
import { GRID_MONTHS } from '../model/grid.ts';
import { formatMoney } from '../model/money.ts';
import type { ReportAgreement } from '../model/report-agreement.ts';
import type { ReportAccount, ReportDocument } from '../model/report-document.ts';
import { table } from './print.ts';

const YEAR = 12;

/** One line a year, oldest first, so that a letter is found by its column. */
function gridLines({ grid }: Pick<ReportAccount, 'grid'>): string[] {
  if (!grid) return ['no month is shown'];
  const lines: string[] = [];
  for (let at = 0; at < GRID_MONTHS; at += YEAR)
    lines.push([...grid.letters.slice(at, at + YEAR)].join(' '));
  return [`${grid.from} to ${grid.to} (${grid.scale})`, ...lines];
}

const amount = (minor: number | null, currency: string) =>
  minor === null ? '' : formatMoney(minor, currency, 'en');

function accountText(account: ReportAccount): string {
  const { brand, currency, kind, lender, newest, opened_on, claims } = account;
  const name = brand ? `${brand} (${lender.name})` : lender.name;
  const disputed = claims.map(({ field, period }) => `${field}${period ? ` of ${period}` : ''}`);
  const figures = newest
    ? [
        `as of ${newest.as_of}: ${newest.status}, owes ${amount(newest.balance_minor, currency)}`,
        newest.limit_minor === null ? '' : `of ${amount(newest.limit_minor, currency)}`,
        newest.days_past_due > 0
          ? `, ${newest.days_past_due} days late with ${amount(newest.past_due_minor, currency)}`
          : ', not late',
      ].join(' ')
    : 'no figures';
  return [
    `${name}: ${kind}, opened ${opened_on ?? 'on a day not known'}`,
    `  ${figures.replace(/ ,/, ',').replace(/ +/g, ' ')}`,
    ...(disputed.length > 0 ? [`  disputed by the person: ${disputed.join(', ')}`] : []),
    ...gridLines(account).map((line) => `  ${line}`),
  ].join('\n');
}

function agreementText(agreement: ReportAgreement, accounts: readonly ReportAccount[]): string {
  const { account_ids, brand, currency, limit_minor, ends_on, lender, opened_on } = agreement;
  const name = brand ? `${brand} (${lender.name})` : lender.name;
  const limit = limit_minor === null ? '' : ` of ${amount(limit_minor, currency)}`;
  const draws = accounts.filter(({ account_id }) => account_ids.includes(account_id));
  return [
    `${name}: agreement …${agreement.agreement_id.slice(-8)}, ${opened_on ?? '?'} to ${ends_on ?? 'no agreed end'}`,
    `  as of ${agreement.as_of_to ?? '?'}: used ${amount(agreement.used_minor, currency)}${limit}, due a month ${amount(agreement.due_per_month_minor, currency)}, late ${amount(agreement.past_due_minor, currency)}`,
    `  ${agreement.accounts_open} draws open, ${agreement.accounts_closed} closed, worst ${agreement.worst_status ?? 'not known'}, ${agreement.worst_days_past_due} days late`,
    ...gridLines(agreement).map((line) => `  ${line}`),
    ...draws.flatMap((draw) => accountText(draw).split('\n')).map((line) => `  ${line}`),
  ].join('\n');
}

/** Accounts that stand alone, and each agreement with what was drawn under it. */
function accountTexts({ accounts, agreements }: ReportDocument): string[] {
  const drawn = new Set((agreements ?? []).flatMap(({ account_ids }) => account_ids));
  const alone = (accounts ?? []).filter(({ account_id }) => !drawn.has(account_id));
  const gathered = (agreements ?? []).map((each) => agreementText(each, accounts ?? []));
  return [...gathered, ...alone.map(accountText)];
}

function summaryText({ summary }: ReportDocument): string {
  const { amounts, enquiries, lenders, accounts_open, worst_days_past_due: worst } = summary;
  const money = amounts.map((each) => [
    each.currency,
    each.accounts_open,
    amount(each.limit_minor, each.currency),
    amount(each.used_minor, each.currency),
    amount(each.balance_minor, each.currency),
    amount(each.due_per_month_minor, each.currency),
    amount(each.past_due_minor, each.currency),
    each.as_of_from === each.as_of_to ? each.as_of_to : `${each.as_of_from} to ${each.as_of_to}`,
  ]);
  const head = ['currency', 'open', 'limits', 'used', 'owed', 'due a month', 'late', 'as of'];
  const looks = enquiries.new_credit;
  return [
    `${lenders} lenders, ${accounts_open} open accounts of ${summary.accounts}${
      summary.agreements ? `, ${summary.agreements} credit agreements` : ''
    }`,
    table(head, money),
    `worst days late in 3, 6, 12, 24, 60 months: ${[worst.m3, worst.m6, worst.m12, worst.m24, worst.m60].join(', ')}`,
    `enquiries for new credit in 1, 3, 6, 12, 24 months: ${[looks.m1, looks.m3, looks.m6, looks.m12, looks.m24].join(', ')}`,
  ].join('\n');
}

const blockText = ({ kind, placed_at }: BlockFacts) =>
  `${kind.replace('_', ' ')} since ${placed_at.slice(0, 10)}`;
const statementText = ({ text, made_at }: StatementFacts) =>
  `the person says (${made_at.slice(0, 10)}): ${text}`;

/** The whole report. It names no identity. */
export function showReport(report: ReportDocument): string {
  const reasons = report.status_reasons.length > 0 ? ` (${report.status_reasons.join(', ')})` : '';
  return [
    `report ${report.report_id} of ${report.issued_at}: ${report.status}${reasons}`,
    ...(report.remark === null ? [] : [report.remark]),
    ...report.blocks.map(blockText),
    ...report.statements.map(statementText),
    ...report.hidden.map(({ period, rule }) => `${period} is not displayed (${rule})`),
    summaryText(report),
    ...accountTexts(report),
  ].join('\n');
}
