/**
 * The letter that tells a person how a dispute ended: one outcome, one letter, in English and
 * Chinese.
 *
 * What must stay true: every claim is named with what became of it and why; where to complain
 * stands in every letter; the same outcome gives the same letter.
 * Source: FCRA 611(a)(6) (U7), Order 631 articles 25 and 26 (C8, C9), RBI 2025 (I4); domain facts
 * 8.2 (confusing letters).
 */

import { formatMoney } from './money.ts';

export interface ClaimOutcome {
  readonly claim_id: string;
  readonly field: string;
  readonly period: string | null;
  readonly furnisher: string | null;
  /** Of the account: amounts are written in it. */
  readonly currency: string | null;
  readonly held_value: string | null;
  readonly claimed_value: string | null;
  readonly state: string;
  readonly decided_by: string | null;
  readonly answer_value: string | null;
  readonly source_sha256: string | null;
  readonly reason: string | null;
}

export interface DisputeOutcome {
  readonly dispute_id: string;
  readonly state: 'open' | 'decided' | 'withdrawn';
  /** Days in UTC, `YYYY-MM-DD`. */
  readonly opened_on: string;
  readonly answer_due_on: string;
  readonly ended_on: string | null;
  readonly claims: readonly ClaimOutcome[];
  readonly compensation: { readonly amount_minor: number; readonly currency: string } | null;
  readonly regulator: {
    readonly name_en: string;
    readonly name_zh: string;
    readonly url: string;
    readonly answer_days: number | null;
  };
}

export type LetterLanguage = 'en' | 'zh';

/** A letter in parts, for a page or for plain text. */
export interface Letter {
  readonly language: LetterLanguage;
  readonly title: string;
  readonly opening: string;
  /** One for each claim: what it was about, and sentences about what became of it. */
  readonly claims: readonly { readonly heading: string; readonly sentences: readonly string[] }[];
  readonly closing: readonly string[];
}

const FIELDS: Readonly<Record<string, readonly [en: string, zh: string]>> = {
  month: ['this month as a whole', '整个月度记录'],
  account: ['this account as a whole', '整个账户'],
  status: ['status', '账户状态'],
  limit_minor: ['credit limit', '授信额度'],
  borrowed_minor: ['amount borrowed', '借款金额'],
  balance_minor: ['balance', '余额'],
  due_minor: ['amount due', '应还款额'],
  paid_minor: ['amount paid', '实还款额'],
  days_past_due: ['days past due', '逾期天数'],
  past_due_minor: ['amount past due', '逾期金额'],
  first_delinquency_on: ['date of first delinquency', '首次逾期日期'],
  last_paid_on: ['date of the last payment', '最近还款日期'],
  five_class: ['five-class grade', '五级分类'],
  kind: ['kind of account', '账户类型'],
  brand: ['brand', '品牌'],
  currency: ['currency', '币种'],
  opened_on: ['opening date', '开立日期'],
  closed_on: ['closing date', '关闭日期'],
  original_amount_minor: ['amount lent', '借款本金'],
  term_months: ['term in months', '期数'],
  agreement_limit_minor: ['limit of the agreement', '协议额度'],
  agreement_opened_on: ['first day of the agreement', '协议起始日期'],
  agreement_ends_on: ['last day of the agreement', '协议到期日期'],
  name: ['name', '姓名'],
  birth_date: ['date of birth', '出生日期'],
  identity_number: ['identity number', '证件号码'],
  look: ['an enquiry you do not know', '您不知情的查询'],
};

interface Words {
  readonly title: string;
  readonly opening: (outcome: DisputeOutcome) => string;
  readonly heading: (field: string, period: string | null, furnisher: string | null) => string;
  readonly held: (value: string) => string;
  readonly claimed: (value: string) => string;
  readonly states: Readonly<Record<string, (claim: ClaimOutcome) => string>>;
  readonly reason: (reason: string) => string;
  readonly source: (sha256: string) => string;
  readonly owed: (amount: string) => string;
  readonly told: string;
  readonly rights: string;
  readonly complain: (outcome: DisputeOutcome['regulator']) => string;
}

const EN: Words = {
  title: 'The result of your dispute',
  opening: ({ dispute_id, opened_on, ended_on, answer_due_on }) =>
    `You opened dispute ${dispute_id} on ${opened_on}. ${ended_on ? `It ended on ${ended_on}.` : `You will have an answer by ${answer_due_on}.`}`,
  heading: (field, period, furnisher) =>
    [field, period, furnisher && `furnished by ${furnisher}`].filter(Boolean).join(', '),
  held: (value) => `The file said: ${value}.`,
  claimed: (value) => `You said: ${value}.`,
  states: {
    open: () => 'We are looking into it.',
    forwarded: () => 'The lender was asked and has not answered yet.',
    answered: () => 'The lender has answered; we are deciding.',
    verified: () => 'It was checked and stays as it is.',
    corrected: ({ answer_value }) =>
      `The lender corrects it to: ${answer_value ?? 'nothing'}. The old value is not shown any more.`,
    deleted: () => 'It was deleted: it is not shown any more and may not come back.',
    upheld: ({ decided_by }) =>
      decided_by === 'silence'
        ? 'The lender did not answer in time, so you are right: it is not shown any more.'
        : 'You are right: it is not shown any more and may not come back.',
    blocked: () =>
      'You said that somebody used your identity: it is blocked, is not shown any more and may not come back.',
    lifted: () => 'It was blocked because you spoke of identity theft; that block was lifted.',
    withdrawn: () => 'You withdrew it. Nothing was changed.',
  },
  reason: (reason) => `Reason: ${reason}`,
  source: (sha256) => `The lender holds a document that shows it (SHA-256 ${sha256}).`,
  owed: (amount) => `The answer came late. You are owed ${amount}.`,
  told: 'Whoever was shown what was wrong has been told.',
  rights: 'You may add a statement to your file, or open a new dispute with new evidence.',
  complain: ({ name_en, url, answer_days }) =>
    `If you do not agree, you may complain to ${name_en}: ${url}${answer_days === null ? '' : ` (answered within ${answer_days} days)`}`,
};

const ZH: Words = {
  title: '异议处理结果',
  opening: ({ dispute_id, opened_on, ended_on, answer_due_on }) =>
    `您于 ${opened_on} 提出异议（编号 ${dispute_id}）。${ended_on ? `该异议已于 ${ended_on} 办结。` : `您将在 ${answer_due_on} 前收到答复。`}`,
  heading: (field, period, furnisher) =>
    [field, period, furnisher && `报送机构：${furnisher}`].filter(Boolean).join('，'),
  held: (value) => `报告中记载：${value}。`,
  claimed: (value) => `您认为应为：${value}。`,
  states: {
    open: () => '我们正在核查。',
    forwarded: () => '已转报送机构核查，尚未答复。',
    answered: () => '报送机构已答复，我们正在作出决定。',
    verified: () => '经核查，该信息无误，予以保留。',
    corrected: ({ answer_value }) => `报送机构更正为：${answer_value ?? '无'}。原信息不再展示。`,
    deleted: () => '该信息已删除，不再展示，也不得再次报送。',
    upheld: ({ decided_by }) =>
      decided_by === 'silence'
        ? '报送机构未在期限内答复，您的异议成立，该信息不再展示。'
        : '您的异议成立，该信息不再展示，也不得再次报送。',
    blocked: () => '您声明身份被盗用：该信息已被封锁，不再展示，也不得再次报送。',
    lifted: () => '该信息曾因您声明身份被盗用而被封锁，现封锁已解除。',
    withdrawn: () => '您已撤回，信息未作改动。',
  },
  reason: (reason) => `理由：${reason}`,
  source: (sha256) => `报送机构持有证明文件（SHA-256 ${sha256}）。`,
  owed: (amount) => `答复逾期，应向您补偿 ${amount}。`,
  told: '曾查询到错误信息的机构均已获通知。',
  rights: '您可以在报告中添加本人声明，或提供新证据再次提出异议。',
  complain: ({ name_zh, url, answer_days }) =>
    `如不同意，您可以向${name_zh}投诉：${url}${answer_days === null ? '' : `（${answer_days} 日内答复）`}`,
};

const WORDS: Readonly<Record<LetterLanguage, Words>> = { en: EN, zh: ZH };

/** The name of a field for a person. */
export function fieldName(field: string, language: LetterLanguage): string {
  const names = FIELDS[field];
  return names ? names[language === 'en' ? 0 : 1] : field;
}

/** Amounts as people write them; everything else as it is held. */
function shown(value: string | null, claim: ClaimOutcome, language: LetterLanguage) {
  const isMoney = claim.field.endsWith('_minor') && claim.currency !== null;
  if (value === null || !isMoney) return value;
  return formatMoney(Number(value), claim.currency ?? '', language);
}

function claimText(raw: ClaimOutcome, language: LetterLanguage) {
  const claim = {
    ...raw,
    held_value: shown(raw.held_value, raw, language),
    claimed_value: shown(raw.claimed_value, raw, language),
    answer_value: shown(raw.answer_value, raw, language),
  };
  const words = WORDS[language];
  const said = words.states[claim.state]?.(claim) ?? claim.state;
  return {
    heading: words.heading(fieldName(claim.field, language), claim.period, claim.furnisher),
    sentences: [
      ...(claim.held_value === null ? [] : [words.held(claim.held_value)]),
      ...(claim.claimed_value === null ? [] : [words.claimed(claim.claimed_value)]),
      said,
      ...(claim.reason === null ? [] : [words.reason(claim.reason)]),
      ...(claim.source_sha256 === null ? [] : [words.source(claim.source_sha256)]),
    ],
  };
}

const WRONG: readonly string[] = ['corrected', 'deleted', 'upheld', 'blocked'];

/** The letter of an outcome. */
export function letterOf(outcome: DisputeOutcome, language: LetterLanguage): Letter {
  const words = WORDS[language];
  const { compensation: owed } = outcome;
  return {
    language,
    title: words.title,
    opening: words.opening(outcome),
    claims: outcome.claims.map((claim) => claimText(claim, language)),
    closing: [
      ...(owed ? [words.owed(formatMoney(owed.amount_minor, owed.currency, language))] : []),
      ...(outcome.claims.some(({ state }) => WRONG.includes(state)) ? [words.told] : []),
      words.rights,
      words.complain(outcome.regulator),
    ],
  };
}

/** The letter as plain text, each line ended. */
export function letterText(letter: Letter): string {
  const claims = letter.claims.flatMap(({ heading, sentences }, index) => [
    `${index + 1}. ${heading}`,
    ...sentences.map((sentence) => `   ${sentence}`),
    '',
  ]);
  const lines = [letter.title, '', letter.opening, '', ...claims, ...letter.closing];
  return `${lines.join('\n')}\n`;
}
