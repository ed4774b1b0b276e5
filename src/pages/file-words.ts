/**
 * The words of a credit file, on the pages and in print.
 *
 * What must stay true: every letter of every grid has its meaning here in plain words; nothing is
 * called good or bad; the same in meaning in every language.
 */
import type { GridScale } from '../model/grid.ts';
import type { Language } from '../model/notice.ts';

type Named = Readonly<Record<string, string>>;

const EN = {
  reportTitle: 'Credit report',
  reportLead: 'Everything that is shown of your file, as it stood at the moment below.',
  identity: 'About you',
  name: 'Name',
  document: 'Document',
  documents: {
    cn_resident_id: 'Resident identity card',
    us_ssn: 'Social security number',
    us_itin: 'Taxpayer number',
    passport: 'Passport',
    furnisher_reference: 'The lender’s own number',
  } as Named,
  ending: (end: string) => `ending in ${end}`,
  birth: 'Date of birth',
  stoodAt: 'As it stood at',
  reportNumber: 'Report number',
  underLaw: 'Under the rules of',
  status: 'Status of the file',
  statuses: {
    no_hit: 'No account is known.',
    thin: 'Little is known yet.',
    full: 'Enough is known to be judged.',
    suppressed: 'The file is not to be judged now.',
  } as Named,
  reasons: {
    frozen: 'You have frozen it.',
    banned: 'You asked for no new credit.',
    disputed: 'Something in it is disputed.',
    hidden: 'What is known may not be shown.',
    young_accounts: 'No account has been open for long.',
    few_months: 'There are few months.',
  } as Named,
  incomplete: (date: string) =>
    `Since ${date} the history is incomplete, because you withdrew an approval.`,
  summary: 'At a glance',
  lenders: 'Lenders',
  accountsOpen: 'Accounts open / all',
  owed: 'Owed',
  limit: 'Credit limits',
  dueMonthly: 'Due per month',
  estimated: (n: number) => `estimated for ${n}`,
  pastDue: 'Past due',
  lateMonths: 'Months late in the last 24',
  newCreditLooks: 'Looks for new credit in the last 12 months',
  accounts: 'Your accounts',
  noAccounts: 'No account is shown.',
  lender: 'Lender',
  brand: 'You know it as',
  kind: 'Kind',
  kinds: { revolving_line: 'Credit line', instalment_loan: 'Instalment loan' } as Named,
  opened: 'Opened',
  closed: 'Closed',
  original: 'Amount lent',
  term: 'Term',
  months: (n: number) => `${n} months`,
  accountNumber: 'Account',
  agreement: 'Credit agreement',
  agreementOf: (lender: string) => `Credit agreement: ${lender}`,
  agreementNumber: 'Number of the agreement',
  agreementsOpen: 'Credit agreements in force / all',
  agreementLimit: 'Limit of the agreement',
  agreementEnds: 'Agreed until',
  agreementUsed: 'Used',
  agreementUnused: 'Left to draw',
  draws: 'Draws open / closed',
  worstStanding: 'Worst standing of a draw',
  worstLate: 'Most days late of a draw',
  drawsLead: 'What was drawn under it follows, each on its own.',
  standing: 'Standing',
  standings: {
    open: 'Open',
    closed: 'Closed',
    written_off: 'Written off',
    transferred: 'Passed on to another',
  } as Named,
  asOf: 'As of',
  grid: 'Month by month',
  gridOf: (lender: string) => `Repayment month by month: ${lender}`,
  year: 'Year',
  legend: 'What the letters mean',
  letters: {
    on_time: 'Paid on time',
    under_30: 'Paid on time, or less than 30 days late',
    idle: 'Nothing was due',
    idle_or_ended: 'Nothing was owed, or the account had ended',
    unknown: 'Not known, or not shown',
    unknown_or_passed: 'Not known, not shown, or passed on to another',
    before: 'Before the account was opened',
    written_off: 'Written off by the lender',
    closed: 'Paid off and closed',
    passed_on: 'Passed on to another',
  } as Named,
  late: (from: number, to: number | null) =>
    to === null ? `${from} days late or more` : `${from} to ${to} days late`,
  period: 'Month',
  daysLate: 'Days late',
  due: 'Due',
  paid: 'Paid',
  fiveClass: 'Loan class (1 to 5)',
  monthsOf: (lender: string) => `The figures of each month: ${lender}`,
  inDispute: (field: string, period: string | null) =>
    period === null ? `In dispute: ${field}` : `In dispute: ${field}, ${period}`,
  fields: {
    as_of: 'Day of the figures',
    balance_minor: 'Owed',
    borrowed_minor: 'Borrowed in the month',
    days_past_due: 'Days late',
    due_minor: 'Due',
    first_delinquency_on: 'Late since',
    five_class: 'Loan class',
    last_paid_on: 'Last paid on',
    limit_minor: 'Credit limit',
    paid_minor: 'Paid',
    past_due_minor: 'Past due',
    status: 'Standing',
    brand: 'Brand',
    closed_on: 'Closed on',
    currency: 'Currency',
    kind: 'Kind',
    opened_on: 'Opened on',
    original_amount_minor: 'Amount lent',
    term_months: 'Term',
    agreement_limit_minor: 'Limit of the agreement',
    agreement_opened_on: 'Agreement since',
    agreement_ends_on: 'Agreement until',
    look: 'A look at the file',
    account: 'The whole account',
    name: 'Name',
    birth_date: 'Date of birth',
    number: 'Document number',
  } as Named,
  statements: 'What you say',
  blocks: 'Your protection',
  blockKinds: {
    freeze: 'Freeze',
    fraud_alert: 'Fraud alert',
    credit_ban: 'No new credit',
  } as Named,
  blockSince: (name: string, since: string, until: string | null) =>
    until === null ? `${name}, since ${since}` : `${name}, since ${since} until ${until}`,
  hidden: 'Not shown to anyone else',
  hiddenLead: (n: number) =>
    `${n} late months of yours are kept out of every report to others, by a rule in your favour.`,
  looks: 'Who got a report',
  noLooks: 'Nobody got a report in the time that is shown.',
  who: 'Who',
  when: 'When',
  why: 'Why',
  lookKinds: {
    new_credit: 'New credit',
    account_management: 'Review of credit you have',
    own: 'You',
    other: 'Another purpose',
  } as Named,
  code: (text: string) => ` (code ${text})`,
  page: (n: number, of: number) => `Page ${n} of ${of}`,
  hashOf: 'SHA-256 of the machine-readable report',
  none: '–',
  comma: ', ',
};

type Of<T> = T extends string
  ? string
  : T extends (...of: infer A) => string
    ? (...of: A) => string
    : { readonly [K in keyof T]: Of<T[K]> };
export type FileWords = Of<typeof EN>;

const ZH: FileWords = {
  reportTitle: '信用报告',
  reportLead: '以下为您档案中可展示的全部内容，以下列时刻为准。',
  identity: '您的身份信息',
  name: '姓名',
  document: '证件',
  documents: {
    cn_resident_id: '居民身份证',
    us_ssn: '社会安全号码',
    us_itin: '纳税人号码',
    passport: '护照',
    furnisher_reference: '贷款机构内部编号',
  },
  ending: (end) => `尾号 ${end}`,
  birth: '出生日期',
  stoodAt: '截至时刻',
  reportNumber: '报告编号',
  underLaw: '适用规则',
  status: '档案状态',
  statuses: {
    no_hit: '没有已知账户。',
    thin: '目前信息较少。',
    full: '信息足以供判断。',
    suppressed: '目前不宜据此判断。',
  },
  reasons: {
    frozen: '您已冻结档案。',
    banned: '您已声明不接受新的贷款。',
    disputed: '其中有内容存在异议。',
    hidden: '已知内容不得展示。',
    young_accounts: '各账户开立时间均不长。',
    few_months: '已有月份较少。',
  },
  incomplete: (date) => `由于您撤回了授权，自${date}起记录不完整。`,
  summary: '概要',
  lenders: '贷款机构',
  accountsOpen: '未结清 / 全部账户',
  owed: '欠款余额',
  limit: '授信额度',
  dueMonthly: '每月应还',
  estimated: (n) => `其中 ${n} 个账户为估算`,
  pastDue: '逾期金额',
  lateMonths: '近 24 个月逾期月数',
  newCreditLooks: '近 12 个月新贷款查询次数',
  accounts: '您的账户',
  noAccounts: '没有可展示的账户。',
  lender: '贷款机构',
  brand: '您熟悉的名称',
  kind: '种类',
  kinds: { revolving_line: '循环额度', instalment_loan: '分期借款' },
  opened: '开立日期',
  closed: '关闭日期',
  original: '借款金额',
  term: '期限',
  months: (n) => `${n} 个月`,
  accountNumber: '账户',
  agreement: '授信协议',
  agreementOf: (lender) => `授信协议：${lender}`,
  agreementNumber: '协议编号',
  agreementsOpen: '有效 / 全部授信协议',
  agreementLimit: '协议额度',
  agreementEnds: '协议到期日期',
  agreementUsed: '已用额度',
  agreementUnused: '可用额度',
  draws: '未结清 / 已结清借款笔数',
  worstStanding: '各笔中最差状态',
  worstLate: '各笔中最长逾期天数',
  drawsLead: '以下逐笔列出该协议项下的借款。',
  standing: '账户状态',
  standings: { open: '正常存续', closed: '已关闭', written_off: '已核销', transferred: '已转让' },
  asOf: '数据日期',
  grid: '逐月还款记录',
  gridOf: (lender) => `逐月还款记录：${lender}`,
  year: '年份',
  legend: '字母与数字的含义',
  letters: {
    on_time: '按时还款',
    under_30: '按时还款，或逾期不满 30 天',
    idle: '当月无应还款',
    idle_or_ended: '无欠款，或账户已结束',
    unknown: '未知，或不予展示',
    unknown_or_passed: '未知、不予展示，或已转让',
    before: '账户尚未开立',
    written_off: '已被贷款机构核销',
    closed: '已结清关闭',
    passed_on: '已转让',
  },
  late: (from, to) => (to === null ? `逾期 ${from} 天及以上` : `逾期 ${from} 至 ${to} 天`),
  period: '月份',
  daysLate: '逾期天数',
  due: '应还',
  paid: '实还',
  fiveClass: '五级分类（1 至 5）',
  monthsOf: (lender) => `各月数据：${lender}`,
  inDispute: (field, period) =>
    period === null ? `存在异议：${field}` : `存在异议：${field}，${period}`,
  fields: {
    as_of: '数据日期',
    balance_minor: '欠款余额',
    borrowed_minor: '当月借款',
    days_past_due: '逾期天数',
    due_minor: '应还金额',
    first_delinquency_on: '开始逾期日期',
    five_class: '五级分类',
    last_paid_on: '最近还款日期',
    limit_minor: '授信额度',
    paid_minor: '实还金额',
    past_due_minor: '逾期金额',
    status: '账户状态',
    brand: '品牌',
    closed_on: '关闭日期',
    currency: '币种',
    kind: '种类',
    opened_on: '开立日期',
    original_amount_minor: '借款金额',
    term_months: '期限',
    agreement_limit_minor: '协议额度',
    agreement_opened_on: '协议起始日期',
    agreement_ends_on: '协议到期日期',
    look: '一次查询',
    account: '整个账户',
    name: '姓名',
    birth_date: '出生日期',
    number: '证件号码',
  },
  statements: '您的声明',
  blocks: '您的保护措施',
  blockKinds: { freeze: '冻结', fraud_alert: '防欺诈警示', credit_ban: '不接受新贷款' },
  blockSince: (name, since, until) =>
    until === null ? `${name}，自${since}起` : `${name}，自${since}至${until}`,
  hidden: '不向他人展示',
  hiddenLead: (n) => `依据有利于您的规则，您有 ${n} 个逾期月份不出现在提供给他人的任何报告中。`,
  looks: '谁取得过报告',
  noLooks: '在展示期内没有人取得过报告。',
  who: '查询者',
  when: '时间',
  why: '原因',
  lookKinds: {
    new_credit: '新的贷款',
    account_management: '对您现有贷款的管理',
    own: '您本人',
    other: '其他目的',
  },
  code: (text) => `（代码 ${text}）`,
  page: (n, of) => `第 ${n} 页，共 ${of} 页`,
  hashOf: '机器可读报告的 SHA-256',
  none: '–',
  comma: '、',
};

export const FILE_WORDS: Readonly<Record<Language, FileWords>> = { en: EN, zh: ZH };

/** The first day late of each digit of a scale; after the last one it goes on. */
const FIRST_DAYS: Readonly<Record<GridScale, readonly number[]>> = {
  pboc: [1, 31, 61, 91, 121, 151, 181],
  metro2: [30, 60, 90, 120, 150, 180],
  bands: [1, 30, 60, 90, 120, 150, 180],
};

/** Letters that are no digit of being late, by what they mean. */
const OTHER_LETTERS: Readonly<Record<GridScale, Named>> = {
  pboc: {
    N: 'on_time',
    '*': 'idle',
    '#': 'unknown',
    '/': 'before',
    B: 'written_off',
    C: 'closed',
    G: 'passed_on',
  },
  metro2: {
    '0': 'under_30',
    E: 'idle_or_ended',
    D: 'unknown_or_passed',
    B: 'before',
    L: 'written_off',
  },
  bands: {
    '0': 'on_time',
    '-': 'unknown',
    '.': 'before',
    W: 'written_off',
    C: 'closed',
    T: 'passed_on',
  },
};

/** What a letter means, in plain words. */
export function letterWords(language: Language, scale: GridScale, letter: string): string {
  const words = FILE_WORDS[language];
  const other = OTHER_LETTERS[scale][letter];
  if (other !== undefined) return words.letters[other] ?? letter;
  const firsts = FIRST_DAYS[scale];
  const from = firsts[Number(letter) - 1];
  if (from === undefined) return letter;
  const next = firsts[Number(letter)];
  return words.late(from, next === undefined ? null : next - 1);
}

/** How loud a month is shown: nothing to say, paid, late, very late (90 days or written off). */
export function letterTone(scale: GridScale, letter: string): 'quiet' | 'paid' | 'late' | 'worst' {
  const other = OTHER_LETTERS[scale][letter];
  if (other === 'written_off') return 'worst';
  if (other === 'on_time' || other === 'under_30') return 'paid';
  if (other !== undefined) return 'quiet';
  return (FIRST_DAYS[scale][Number(letter) - 1] ?? 0) > 89 ? 'worst' : 'late';
}
