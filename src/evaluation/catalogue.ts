/**
 * The characteristics that the registry computes of a person's file: what a scorecard may read.
 *
 * What must stay true: every one is an integer or null, where null says that there is nothing to
 * compute it from; none is, or stands in for, a protected attribute, a name, a place or a lender;
 * none reads whether somebody refused or withdrew an authorisation. The statement that computes
 * them (registry/characteristics.ts) names the same ids in the same order.
 * Source: domain facts 5.1, 5.5; C15, U11 (what a score may not read).
 */

import type { Direction } from './card.ts';

/** Basis points are hundredths of a per cent: 10,000 is the whole. */
export type Unit = 'count' | 'days' | 'months' | 'basis_points';
/** The newest month of an account is current while it is at most so much older than the day. */
export const CURRENT_MONTHS = 3;

interface Words {
  readonly en: string;
  readonly zh: string;
}

export interface CatalogueEntry {
  readonly id: string;
  readonly unit: Unit;
  readonly direction: Direction;
  /** The rows it is computed from. */
  readonly source: 'months' | 'accounts' | 'enquiries';
  readonly meaning: Words;
  /** Said to a person who lost points by it. */
  readonly reason: Words;
  /** What would win the points back; null where only time does. */
  readonly improve: Words | null;
}

const TIME: Words = {
  en: 'Nothing to do: it gains weight as time passes with payments on time.',
  zh: '无需操作:按时还款,随时间推移会逐步改善。',
};
const PAY: Words = {
  en: 'Pay what is due on time; the older a late payment, the less it weighs.',
  zh: '按时足额还款;逾期记录越久远,影响越小。',
};
const LESS: Words = {
  en: 'Owe a smaller share of the limits.',
  zh: '降低授信额度的使用比例。',
};
const WAIT: Words = {
  en: 'Apply for new credit only when it is needed.',
  zh: '仅在需要时申请新的信贷。',
};

type Row = [string, Unit, Direction, CatalogueEntry['source'], Words, Words, Words | null];
const w = (en: string, zh: string): Words => ({ en, zh });

/** Worst lateness and months late within a window of the newest so many months. */
function lateness(months: number): Row[] {
  const span = w(`in the last ${months} months`, `近${months}个月`);
  return [
    [
      `worst_days_past_due_${months}m`,
      'days',
      'more_is_worse',
      'months',
      w(`most days past due ${span.en}`, `${span.zh}最长逾期天数`),
      w(`A payment was late ${span.en}`, `${span.zh}内有逾期`),
      PAY,
    ],
  ];
}

const ROWS: readonly Row[] = [
  [
    'days_past_due_now',
    'days',
    'more_is_worse',
    'months',
    w('most days past due in the newest month of any account', '各账户最新月份的最长逾期天数'),
    w('A payment is late now', '目前有逾期'),
    PAY,
  ],
  ...[3, 6, 12, 24, 60].flatMap(lateness),
  [
    'late_months_12m',
    'count',
    'more_is_worse',
    'months',
    w('account months that were late, last 12 months', '近12个月逾期的账户月数'),
    w('Payments were late several times in the last 12 months', '近12个月内多次逾期'),
    PAY,
  ],
  [
    'late_months_24m',
    'count',
    'more_is_worse',
    'months',
    w('account months that were late, last 24 months', '近24个月逾期的账户月数'),
    w('Payments were late several times in the last 24 months', '近24个月内多次逾期'),
    PAY,
  ],
  [
    'months_30_days_late_24m',
    'count',
    'more_is_worse',
    'months',
    w('account months at least 30 days late, last 24 months', '近24个月逾期30天以上的账户月数'),
    w('Payments were a month late or more', '有逾期一个月以上的记录'),
    PAY,
  ],
  [
    'months_since_late',
    'months',
    'more_is_better',
    'months',
    w('months since the newest late month', '距最近一次逾期的月数'),
    w('The last late payment is recent', '最近一次逾期距今较近'),
    PAY,
  ],
  [
    'past_due_share',
    'basis_points',
    'more_is_worse',
    'months',
    w('amount past due as a share of the balance now', '当前逾期金额占余额的比例'),
    w('A large part of what is owed is past due', '欠款中逾期部分比例较高'),
    PAY,
  ],
  [
    'utilisation',
    'basis_points',
    'more_is_worse',
    'months',
    w('balance as a share of the limits of open lines now', '当前循环额度使用率'),
    w('Much of the credit limits is used', '循环额度使用率较高'),
    LESS,
  ],
  [
    'utilisation_highest',
    'basis_points',
    'more_is_worse',
    'months',
    w('highest share used of one open line now', '单一循环额度的最高使用率'),
    w('One credit line is nearly used up', '有循环额度接近用满'),
    LESS,
  ],
  [
    'utilisation_6m',
    'basis_points',
    'more_is_worse',
    'months',
    w('balances as a share of limits, last 6 months', '近6个月平均额度使用率'),
    w('Much of the credit limits was used over six months', '近6个月额度使用率较高'),
    LESS,
  ],
  [
    'utilisation_trend',
    'basis_points',
    'more_is_worse',
    'months',
    w('utilisation of the last 3 months less that of the 9 before', '近3个月与此前9个月使用率之差'),
    w('The share of the limits that is used has risen', '额度使用率上升'),
    LESS,
  ],
  [
    'loan_left',
    'basis_points',
    'more_is_worse',
    'accounts',
    w('balance of open loans as a share of what was lent', '未结清贷款余额占原始金额比例'),
    w('Little of the loans has been repaid so far', '贷款已还比例较低'),
    w('Repaying the loans as agreed lowers it month by month.', '按约还款会逐月降低该比例。'),
  ],
  [
    'balance_trend',
    'basis_points',
    'more_is_worse',
    'months',
    w(
      'mean balance of the last 3 months as a share of the 3 before',
      '近3个月平均余额与前3个月之比',
    ),
    w('What is owed has grown', '欠款余额增加'),
    LESS,
  ],
  [
    'paid_to_due_3m',
    'basis_points',
    'more_is_better',
    'months',
    w('paid as a share of due, last 3 months', '近3个月还款额与应还额之比'),
    w('Less was paid than was due in the last three months', '近3个月还款少于应还'),
    PAY,
  ],
  [
    'paid_to_due_12m',
    'basis_points',
    'more_is_better',
    'months',
    w('paid as a share of due, last 12 months', '近12个月还款额与应还额之比'),
    w('Less was paid than was due in the last year', '近12个月还款少于应还'),
    PAY,
  ],
  [
    'unpaid_months_6m',
    'count',
    'more_is_worse',
    'months',
    w('account months with something due and nothing paid, last 6', '近6个月应还未还的账户月数'),
    w('Months passed without any payment', '有整月未还款'),
    PAY,
  ],
  [
    'lenders',
    'count',
    'free',
    'accounts',
    w('lenders with an open account', '有未结清账户的机构数'),
    w('Credit is open with many lenders', '在多家机构有未结清信贷'),
    w('Closing accounts that are not used lowers it.', '结清不用的账户可降低该数。'),
  ],
  [
    'accounts_open',
    'count',
    'free',
    'accounts',
    w('open accounts', '未结清账户数'),
    w('Many accounts are open', '未结清账户较多'),
    w('Closing accounts that are not used lowers it.', '结清不用的账户可降低该数。'),
  ],
  [
    'accounts_ended_well',
    'count',
    'more_is_better',
    'accounts',
    w('accounts closed without being late in their last year', '正常结清的账户数'),
    w('Few accounts have been repaid to the end', '正常结清的账户较少'),
    TIME,
  ],
  [
    'accounts_opened_12m',
    'count',
    'more_is_worse',
    'accounts',
    w('accounts opened in the last 12 months', '近12个月新开账户数'),
    w('Several accounts are new', '近期新开账户较多'),
    WAIT,
  ],
  [
    'months_since_opened',
    'months',
    'more_is_better',
    'accounts',
    w('months since the newest account was opened', '距最近开户的月数'),
    w('An account was opened recently', '近期有新开账户'),
    TIME,
  ],
  [
    'file_age',
    'months',
    'more_is_better',
    'accounts',
    w('months since the oldest account was opened', '最早账户距今月数'),
    w('The credit history is short', '信用历史较短'),
    TIME,
  ],
  [
    'months_shown',
    'count',
    'more_is_better',
    'months',
    w('different months for which anything is known, last 60', '近60个月有记录的月数'),
    w('Little is known so far', '现有记录较少'),
    TIME,
  ],
  ...[1, 3, 6, 12, 24].map(
    (months): Row => [
      `enquiries_${months}m`,
      'count',
      'more_is_worse',
      'enquiries',
      w(
        `lenders that looked for new credit, last ${months} months`,
        `近${months}个月因新增授信查询的机构数`,
      ),
      w('Several lenders looked at the file for new credit', '近期因申请新信贷被多次查询'),
      WAIT,
    ],
  ),
];

/** Every characteristic, in the order of the columns of the statement. */
export const CHARACTERISTICS: readonly CatalogueEntry[] = ROWS.map(
  ([id, unit, direction, source, meaning, reason, improve]) => ({
    id,
    unit,
    direction,
    source,
    meaning,
    reason,
    improve,
  }),
);

/** The values of one person by id. */
export type CharacteristicValues = Readonly<Record<string, number | null>>;
