/**
 * A made-up lender of any size for the benches: one tape a period in the canonical columns, and
 * the approvals of its borrowers. Streams; nothing is held. All of it is valid.
 */
import { createHash } from 'node:crypto';
import { AUTHORISATION_COLUMNS } from '../src/authorisation/from-columns.ts';
import { firstDay, lastDay } from '../src/model/period.ts';
import { ACCOUNT_FIELDS, IDENTITY_FIELDS, MONTH_FIELDS } from '../src/model/record.ts';

const COLUMNS = [
  ...new Set([...IDENTITY_FIELDS, ...ACCOUNT_FIELDS, ...MONTH_FIELDS].map((field) => field.name)),
];
const LINES_PER_CHUNK = 2_000;

type Row = Readonly<Record<string, string | number>>;

async function* chunked(columns: readonly string[], rows: Iterable<Row>) {
  let text = `${columns.join(',')}\n`;
  let lines = 0;
  for (const row of rows) {
    text += `${columns.map((column) => row[column] ?? '').join(',')}\n`;
    if (++lines % LINES_PER_CHUNK === 0) {
      yield Buffer.from(text);
      text = '';
    }
  }
  yield Buffer.from(text);
}

function* monthRows(accounts: number, period: string): Generator<Row> {
  const index = Number(period.slice(5));
  for (let account = 1; account <= accounts; account++) {
    const isLate = account % 50 === 0;
    yield {
      subject_ref: `c${account}`,
      identity_kind: 'furnisher_reference',
      identity_number: `c${account}`,
      account_ref: `a${account}`,
      kind: 'revolving_line',
      currency: 'CNY',
      opened_on: '2019-05-17',
      period,
      as_of: lastDay(period),
      status: 'open',
      limit_minor: 2_000_000,
      balance_minor: 100_000 + ((account * 7919 + index * 104_729) % 900_000),
      due_minor: 10_000,
      paid_minor: isLate ? 0 : 10_000,
      days_past_due: isLate ? 5 : 0,
      past_due_minor: isLate ? 10_000 : 0,
      first_delinquency_on: isLate ? `${period}-24` : '',
    };
  }
}

/** One period of the book: `accounts` rows. @param period `YYYY-MM` */
export const tapeOf = (accounts: number, period: string) =>
  chunked(COLUMNS, monthRows(accounts, period));

function uuidOf(account: number): string {
  const hex = createHash('md5').update(`approval ${account}`).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`;
}

function* approvalRows(accounts: number): Generator<Row> {
  for (let account = 1; account <= accounts; account++) {
    yield {
      authorisation_id: uuidOf(account),
      subject_ref: `c${account}`,
      event: 'given',
      event_at: '2020-01-02T00:00:00Z',
      purpose: 'F1',
      products: 'revolving_line',
      accounts: 'ALL',
      fetch: 'PERIODIC',
      starts_at: firstDay('2020-01').concat('T00:00:00Z'),
      notice_id: 'n',
      notice_version: 1,
      notice_sha256: 'a'.repeat(64),
      language: 'zh',
      channel: 'app',
      evidence_method: 'click',
      evidence_sha256: 'b'.repeat(64),
      service_conditional: 'false',
    };
  }
}

/** Approvals of every borrower, one line each. */
export const approvalsOf = (accounts: number) =>
  chunked(AUTHORISATION_COLUMNS, approvalRows(accounts));
