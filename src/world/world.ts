/**
 * A made-up world for the first run: two lenders, their tapes and their borrowers' answers.
 *
 * What must stay true: pure and seeded; every row is right but for the spoilt ones, whose number
 * is known.
 */
import { createHash } from 'node:crypto';
import { addMonths, firstDay, lastDay } from '../model/period.ts';
import { ACCOUNT_FIELDS, IDENTITY_FIELDS, MONTH_FIELDS } from '../model/record.ts';
import { makePerson, type Person } from './people.ts';
import { type Seeded, seeded } from './seeded.ts';

export interface Lender {
  readonly name: string;
  readonly brand: string | null;
  readonly kind: 'revolving_line' | 'instalment_loan';
  /** CSV with a header, columns named like the fields. */
  readonly tape: string;
  readonly authorisations: string;
  /** Rows spoilt on purpose, by the rule they break. */
  readonly spoilt: Readonly<Record<string, number>>;
}

export interface WorldOptions {
  readonly seed: number;
  readonly borrowers: number;
  readonly months: number;
  /** `YYYY-MM` */
  readonly last_period: string;
  /** The day of the world: some borrowers were asked shortly before it and have not answered. */
  readonly made_at: Date;
}

const COLUMNS = [
  ...new Set([...IDENTITY_FIELDS, ...ACCOUNT_FIELDS, ...MONTH_FIELDS].map((field) => field.name)),
];
type Row = Record<string, string | number>;

function line(row: Row): string {
  return `${COLUMNS.map((column) => row[column] ?? '').join(',')}\n`;
}

interface Borrower {
  readonly ref: string;
  readonly person: Person;
}

interface Arrears {
  days: number;
  since: string;
}

/** One more month of being late, or of being cured. */
function nextArrears(
  random: Seeded,
  arrears: Arrears | null,
  period: string,
  worst: boolean,
): Arrears | null {
  const days = Number(lastDay(period).slice(8));
  if (!arrears) {
    if (!random.chance(worst ? 0.08 : 0.004)) return null;
    const late = random.between(1, days - 1);
    return { days: late, since: `${period}-${String(days - late).padStart(2, '0')}` };
  }
  return random.chance(worst ? 0.35 : 0.7)
    ? null
    : { days: arrears.days + days, since: arrears.since };
}

function grade(days: number): number {
  if (days > 360) return 5;
  if (days > 270) return 4;
  return days > 90 ? 3 : days > 0 ? 2 : 1;
}

interface AccountPlan {
  readonly borrower: Borrower;
  readonly account_ref: string;
  readonly kind: Lender['kind'];
  readonly brand: string | null;
  readonly first: string;
  /** Months the account lives; the last one is the closing month of a loan. */
  readonly length: number;
  readonly amount: number;
  readonly agreement: Row;
}

/** Of every second borrower with loans: they draw them under one agreement (PBOC R4). */
const hasAgreement = ({ ref }: Borrower) => Number(ref) % 2 === 0;

/** One limit for all that was drawn, wide enough for the two largest at once. */
function withAgreement(plans: readonly AccountPlan[]): AccountPlan[] {
  const [first] = plans;
  if (!first || !hasAgreement(first.borrower)) return [...plans];
  const [largest = 0, next = 0] = plans.map(({ amount }) => amount).sort((a, b) => b - a);
  const agreement = {
    agreement_ref: `A${first.borrower.ref}`,
    agreement_limit_minor: largest + next,
    agreement_opened_on: `${first.first}-01`,
  };
  return plans.map((plan) => ({ ...plan, agreement }));
}

function accountColumns(plan: AccountPlan): Row {
  const { person, ref } = plan.borrower;
  return {
    subject_ref: ref,
    identity_kind: 'cn_resident_id',
    identity_number: person.number,
    name: person.name,
    birth_date: person.birth_date,
    account_ref: plan.account_ref,
    kind: plan.kind,
    brand: plan.brand ?? '',
    currency: 'CNY',
    opened_on: `${plan.first}-01`,
    original_amount_minor: plan.kind === 'instalment_loan' ? plan.amount : '',
    term_months: plan.kind === 'instalment_loan' ? plan.length - 1 : '',
    ...plan.agreement,
  };
}

/** The months of one account that fall into the tape. */
function monthRows(random: Seeded, plan: AccountPlan, periods: readonly string[]): Row[] {
  const rows: Row[] = [];
  const isLoan = plan.kind === 'instalment_loan';
  const worst = random.chance(0.06);
  let arrears: Arrears | null = null;
  for (let index = 0; index < plan.length; index++) {
    const period = addMonths(plan.first, index);
    if (!periods.includes(period)) continue;
    const isClosing = isLoan && index === plan.length - 1;
    arrears = isClosing ? null : nextArrears(random, arrears, period, worst);
    const share = isLoan ? Math.max(0, 1 - (index + 1) / plan.length) : random.unit() * 0.8;
    const balance = isClosing ? 0 : Math.max(arrears ? 100 : 0, Math.round(plan.amount * share));
    const due = isClosing
      ? 0
      : isLoan
        ? Math.round(plan.amount / plan.length)
        : Math.round(balance / 10);
    rows.push({
      ...accountColumns(plan),
      period,
      as_of: lastDay(period),
      status: isClosing ? 'closed' : 'open',
      limit_minor: isLoan ? '' : plan.amount,
      borrowed_minor: isLoan ? (index === 0 ? plan.amount : 0) : Math.round(balance * 0.6),
      balance_minor: balance,
      due_minor: due,
      paid_minor: arrears ? 0 : due,
      days_past_due: arrears?.days ?? 0,
      past_due_minor: arrears ? Math.max(100, Math.min(balance, due)) : 0,
      first_delinquency_on: arrears?.since ?? '',
      adverse_notice_on: arrears?.since ?? '',
      last_paid_on: arrears ? '' : firstDay(period),
      five_class: grade(arrears?.days ?? 0),
      closed_on: isClosing ? lastDay(period) : '',
    });
  }
  const closedOn = rows.at(-1)?.['closed_on'] ?? '';
  return rows.map((row) => ({ ...row, closed_on: closedOn }));
}

/** Breaks some rows in ways a rule must find. */
function spoil(rows: Row[]): { rows: Row[]; spoilt: Record<string, number> } {
  const last = rows.length - 1;
  const at = (share: number) => Math.floor(last * share);
  const change = (index: number, columns: Row) => {
    rows[index] = { ...rows[index], ...columns };
  };
  change(at(0.1), { balance_minor: 'n/a' });
  change(at(0.2), { as_of: '2026-02-30' });
  change(at(0.3), { account_ref: '' });
  change(at(0.4), {
    days_past_due: 12,
    past_due_minor: 0,
    first_delinquency_on: '',
    five_class: 2,
  });
  change(at(0.5), { status: 'closed', balance_minor: 5000 });
  const twin = { ...rows[at(0.6)] };
  const rival = { ...rows[at(0.7)], balance_minor: 123456 };
  return {
    rows: [...rows, twin as Row, rival as Row],
    spoilt: { T04: 1, T03: 1, T02: 1, V05: 1, V06: 1, V13_SAME: 1, V13_CONFLICT: 2 },
  };
}

const AUTHORISATION_COLUMNS = [
  'authorisation_id',
  'subject_ref',
  'event',
  'event_at',
  'event_reason',
  'arrangement_id',
  'supersedes',
  'purpose',
  'products',
  'accounts',
  'range_from',
  'range_to',
  'fetch',
  'starts_at',
  'expires_at',
  'notice_id',
  'notice_version',
  'notice_sha256',
  'language',
  'channel',
  'evidence_method',
  'evidence_sha256',
  'service_conditional',
  'necessity_text',
  'alternative_offered',
];

/** What the borrower was shown. */
export const NOTICE_TEXT =
  '您是否同意将您在本产品的借款与还款记录报送至信用登记机构？拒绝不影响您使用本产品。' +
  ' Do you agree that your borrowing and repayment record is handed to the credit registry? Refusing does not affect your use of the product.';

type Step = readonly [event: string, at: string];
const ASKED: Step = ['requested', '2024-01-05T02:00:00.000Z'];
const GIVEN: Step = ['given', '2024-01-06T02:00:00.000Z'];
const LATER = '2026-05-10T02:00:00.000Z';
/** Young enough to wait under every law. */
const WAITING_DAYS = 20;

/** The oldest version of the notice that still counts: some borrowers answered to the one before. */
export const NOTICES = { furnish: 2 } as const;

/** Share in percent of borrowers, what happened, and what their records say. */
type Answer = readonly [share: number, steps: readonly Step[], over: Row];

/** What borrowers answer; what is left over was never asked. */
function answersOf(madeAt: Date): readonly Answer[] {
  const waits = new Date(madeAt.getTime() - WAITING_DAYS * 86_400_000).toISOString();
  return [
    [45, [ASKED, GIVEN], { purpose: 'F1' }],
    [4, [ASKED, GIVEN], { purpose: 'F2' }],
    [6, [['requested', waits]], { purpose: 'F1', starts_at: waits }],
    // The sweep lets this one lapse, the next one lapsed at the lender.
    [2, [ASKED], { purpose: 'F1' }],
    [2, [ASKED, ['lapsed', '2024-04-07T02:00:00.000Z']], { purpose: 'F1' }],
    [8, [ASKED, ['refused', '2024-01-07T02:00:00.000Z']], { purpose: 'F1' }],
    [6, [ASKED, GIVEN, ['withdrawn', LATER]], { purpose: 'F1' }],
    [2, [ASKED, GIVEN], { purpose: 'F1', expires_at: '2026-01-01T00:00:00.000Z' }],
    [2, [ASKED, GIVEN, ['paused', LATER]], { purpose: 'F1' }],
    [2, [ASKED, GIVEN, ['revoked', LATER]], { purpose: 'F1' }],
    [2, [ASKED, GIVEN, ['invalidated', LATER]], { purpose: 'F1' }],
    [2, [ASKED, GIVEN], { purpose: 'F1', service_conditional: 'true' }],
    [2, [ASKED, GIVEN], { purpose: 'F1', range_from: '2026-01' }],
    [2, [ASKED, GIVEN], { purpose: 'F1', fetch: 'ONETIME' }],
    [2, [ASKED, GIVEN], { purpose: 'F1', notice_version: NOTICES.furnish - 1 }],
  ];
}

function authorisationLines(
  random: Seeded,
  borrower: Borrower,
  kind: Lender['kind'],
  answers: readonly Answer[],
): string {
  let draw = random.unit() * 100;
  const answer = answers.find(([share]) => {
    draw -= share;
    return draw < 0;
  });
  if (!answer) return '';
  const [, steps, over] = answer;
  const sha256 = createHash('sha256').update(NOTICE_TEXT).digest('hex');
  const id = random.uuid();
  const record: Row = {
    arrangement_id: random.uuid(),
    products: kind,
    accounts: 'ALL',
    fetch: 'PERIODIC',
    starts_at: GIVEN[1],
    notice_id: 'furnish',
    notice_version: NOTICES.furnish,
    notice_sha256: sha256,
    language: 'zh',
    channel: 'app',
    evidence_method: 'click',
    evidence_sha256: createHash('sha256').update(id).digest('hex'),
    service_conditional: 'false',
    alternative_offered: '',
    ...over,
  };
  return steps
    .map(([event, event_at], index) => {
      const row: Row = {
        ...(index === 0 ? record : {}),
        authorisation_id: id,
        subject_ref: borrower.ref,
        event,
        event_at,
      };
      return `${AUTHORISATION_COLUMNS.map((column) => row[column] ?? '').join(',')}\n`;
    })
    .join('');
}

function plansOf(
  random: Seeded,
  borrower: Borrower,
  lender: { kind: Lender['kind']; brand: string | null },
  periods: readonly string[],
): AccountPlan[] {
  const start = periods[0] ?? '';
  if (lender.kind === 'revolving_line') {
    const first = addMonths(start, random.between(0, 6));
    return [
      {
        borrower,
        ...lender,
        account_ref: `L${borrower.ref}`,
        first,
        length: 999,
        amount: random.between(5, 600) * 10_000,
        agreement: {},
      },
    ];
  }
  const plans: AccountPlan[] = [];
  for (let offset = random.between(0, 5); offset < periods.length; ) {
    const term = random.pick([3, 6, 12]);
    plans.push({
      borrower,
      ...lender,
      account_ref: `D${borrower.ref}-${plans.length + 1}`,
      first: addMonths(start, offset),
      length: term + 1,
      amount: random.between(10, 500) * 10_000,
      agreement: {},
    });
    // Under an agreement the next is drawn before the last is paid off.
    offset += random.between(1, 6) + (hasAgreement(borrower) ? Math.ceil(term / 2) : term);
  }
  return withAgreement(plans);
}

function makeLender(
  random: Seeded,
  lender: Pick<Lender, 'name' | 'brand' | 'kind'>,
  borrowers: readonly Borrower[],
  {
    periods,
    answers,
  }: { readonly periods: readonly string[]; readonly answers: readonly Answer[] },
): Lender {
  const good = borrowers.flatMap((borrower) =>
    plansOf(random, borrower, lender, periods).flatMap((plan) =>
      monthRows(random, { ...plan, length: Math.min(plan.length, 600) }, periods),
    ),
  );
  const { rows, spoilt } = spoil(good);
  return {
    ...lender,
    spoilt,
    tape: `${COLUMNS.join(',')}\n${rows.map(line).join('')}`,
    authorisations: `${AUTHORISATION_COLUMNS.join(',')}\n${borrowers.map((borrower) => authorisationLines(random, borrower, lender.kind, answers)).join('')}`,
  };
}

/** Makes the world. Three borrowers of ten bank with both lenders; one of two hundred is a minor. */
export function makeWorld(options: WorldOptions): readonly [Lender, Lender] {
  const random = seeded(options.seed);
  const periods = Array.from({ length: options.months }, (_, index) =>
    addMonths(options.last_period, index + 1 - options.months),
  );
  const times = { periods, answers: answersOf(options.made_at) };
  const people = Array.from({ length: options.borrowers }, (_, index) =>
    makePerson(random, index, index % 200 === 7),
  );
  const borrowersOf = (prefix: string, from: number, to: number) =>
    people
      .slice(Math.floor(from * people.length), Math.floor(to * people.length))
      .map((person, index) => ({ ref: `${prefix}${100_000 + index}`, person }));
  return [
    makeLender(
      random,
      { name: 'Lotus Consumer Finance', brand: 'Lotus Pay Later', kind: 'revolving_line' },
      borrowersOf('1', 0, 0.65),
      times,
    ),
    makeLender(
      random,
      { name: 'Reed Micro-loans', brand: null, kind: 'instalment_loan' },
      borrowersOf('2', 0.35, 1),
      times,
    ),
  ];
}
