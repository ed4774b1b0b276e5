/**
 * The words that the pages say themselves; those of the lender stand in its notice.
 *
 * What must stay true: plain, short, the same in meaning in every language, and never better for
 * one choice than for the other. Source: PIPL 14 to 17, CDR rule 4.9 and receipts (domain facts 3.5).
 */
import type { Language } from '../model/notice.ts';

const EN = {
  name: 'English',
  lang: 'en',
  comma: ', ',
  /** Between two sentences. */
  gap: ' ',
  purposeOf: (n: number, all: number) => `Question ${n} of ${all}`,
  recipient: 'Who gets it',
  data: 'What they get',
  reason: 'What for',
  duration: 'For how long',
  refusal: 'If you refuse',
  withdrawal: 'How to withdraw later',
  necessity: 'This service depends on it, because',
  alternative: 'What you can have instead',
  scope: 'Which of your accounts',
  months: 'Which months',
  products: { revolving_line: 'credit line', instalment_loan: 'instalment loan' },
  allAccounts: (products: string) => `All of this kind: ${products}`,
  someAccounts: (ends: string) => `Only those whose number ends in ${ends}`,
  monthsFromTo: (from: string, to: string) => `${from} to ${to}`,
  monthsFrom: (from: string) => `From ${from}`,
  monthsTo: (to: string) => `Until ${to}`,
  ends: (date: string) => `If you agree, your approval ends on ${date}.`,
  endless: 'If you agree, your approval lasts until you withdraw it.',
  approve: 'I agree',
  refuse: 'I refuse',
  send: 'Send my answers',
  sendOne: 'Send my answer',
  nothingYet: 'Nothing is chosen for you, and nothing counts until you press the button.',
  answerBy: (date: string) => `You can answer before ${date}. Not answering counts as no approval.`,
  missingTitle: 'Please answer every question',
  missing: 'Choose “I agree” or “I refuse”.',
  errorPrefix: 'Error: ',
  fineprint: 'About this text',
  noticeVersion: (id: string, version: number) => `Notice “${id}”, version ${version}.`,
  fingerprint: 'Its fingerprint (SHA-256), the same for everybody who reads it:',
  contact: 'Contact',
  complaint: 'Complaints',
  answersTitle: 'Your answers',
  answersLead:
    'This is how each of your answers stands now. You can withdraw an approval at any time.',
  receiptTitle: 'Your receipt',
  receiptLead: 'Keep this page or the file. It says what you decided and how to change it.',
  recorded: 'What you decided is on record.',
  download: 'Save the receipt as a file',
  toAnswers: 'See or withdraw my answers',
  toReceipt: 'Show my receipt',
  states: {
    requested: 'Not answered',
    given: 'Approved',
    refused: 'Refused',
    lapsed: 'Not answered in time',
    paused: 'Paused',
    withdrawn: 'Withdrawn',
    expired: 'Ended',
    revoked_by_other: 'Ended by another',
    invalidated: 'Void',
    superseded: 'Replaced by a newer one',
  },
  on: (state: string, date: string) => `${state} on ${date}.`,
  endsOn: (date: string) => `Ends on ${date}.`,
  openEnd: 'Ends when you withdraw it.',
  notInForce: 'Nobody may use your data for this under this answer.',
  changeMind: 'If you want to approve after all, ask us for a new link.',
  withdraw: 'Withdraw',
  withdrawOf: (title: string) => `Withdraw: ${title}`,
  withdrawAll: 'Withdraw everything',
  withdrawTitle: 'Withdraw your approval?',
  withdrawAllTitle: 'Withdraw all your approvals?',
  withdrawLead: 'This is what happens:',
  effects: {
    STOP_NEW: 'From now on nothing new is sent or looked at. What was done before stays lawful.',
    STOP_AND_RESTRICT:
      'From now on nothing new is sent or looked at. What was sent before is kept but no longer shown, except where the law says otherwise.',
    STOP_AND_ERASE:
      'From now on nothing new is sent or looked at. What was sent before is erased, except where the law says otherwise.',
  },
  noPenalty: 'Withdrawing is free.',
  confirmWithdraw: 'Yes, withdraw',
  keep: 'No, keep it',
  until: 'Until',
  howToWithdraw: 'How to withdraw',
  what: 'What',
  toWhom: 'To whom',
  ids: 'Numbers for reference',
  lastStep: 'Last step',
  recordId: 'Record',
  arrangementId: 'Arrangement',
  recordHash: 'Fingerprint of the record',
  eventHash: 'Fingerprint of the last step',
  requestId: 'Request',
  failures: {
    not_found: [
      'This link does not open',
      'It may be incomplete, too old, or no longer valid. Open it again from the message itself, or ask your lender for a new one. Nothing has been changed.',
    ],
    outdated: [
      'Please open the link again',
      'What you sent does not belong to the page as it is now. Nothing was recorded. Open the link from the message again and answer there.',
    ],
    rate_limited: [
      'Too many attempts',
      'Please wait a minute, then open the link again. Nothing has been changed.',
    ],
    failed: [
      'Something went wrong on our side',
      'Please open the link again in a few minutes: it shows what is on record.',
    ],
  },
};

export type Words = typeof EN;

const ZH: Words = {
  name: '中文',
  lang: 'zh-CN',
  comma: '、',
  gap: '',
  purposeOf: (n, all) => `第 ${n} 项，共 ${all} 项`,
  recipient: '提供给谁',
  data: '提供哪些信息',
  reason: '用来做什么',
  duration: '用多久',
  refusal: '如果您拒绝',
  withdrawal: '以后如何撤回',
  necessity: '本服务需要此项授权，因为',
  alternative: '您可以选择的替代方案',
  scope: '涉及哪些账户',
  months: '涉及哪些月份',
  products: { revolving_line: '循环额度', instalment_loan: '分期借款' },
  allAccounts: (products) => `此类全部账户：${products}`,
  someAccounts: (ends) => `仅限尾号为 ${ends} 的账户`,
  monthsFromTo: (from, to) => `${from}至${to}`,
  monthsFrom: (from) => `自${from}起`,
  monthsTo: (to) => `截至${to}`,
  ends: (date) => `如果您同意，授权将于${date}终止。`,
  endless: '如果您同意，授权在您撤回之前一直有效。',
  approve: '同意',
  refuse: '拒绝',
  send: '提交我的选择',
  sendOne: '提交我的选择',
  nothingYet: '我们没有替您预先选择；在您按下按钮之前，任何选择都不生效。',
  answerBy: (date) => `您可以在${date}之前作出选择。不作选择即视为未授权。`,
  missingTitle: '请对每一项作出选择',
  missing: '请选择“同意”或“拒绝”。',
  errorPrefix: '错误：',
  fineprint: '关于本文本',
  noticeVersion: (id, version) => `告知书“${id}”，第 ${version} 版。`,
  fingerprint: '文本指纹（SHA-256），每位读者看到的都相同：',
  contact: '联系方式',
  complaint: '投诉',
  answersTitle: '您的选择',
  answersLead: '以下是您每一项选择目前的状态。您可以随时撤回授权。',
  receiptTitle: '您的回执',
  receiptLead: '请保存本页或回执文件。它说明您作出了什么决定，以及如何更改。',
  recorded: '您的决定已记录。',
  download: '将回执保存为文件',
  toAnswers: '查看或撤回我的选择',
  toReceipt: '查看我的回执',
  states: {
    requested: '尚未选择',
    given: '已同意',
    refused: '已拒绝',
    lapsed: '逾期未选择',
    paused: '已暂停',
    withdrawn: '已撤回',
    expired: '已到期',
    revoked_by_other: '已由他方终止',
    invalidated: '无效',
    superseded: '已由新的授权取代',
  },
  on: (state, date) => `${date}${state}。`,
  endsOn: (date) => `将于${date}终止。`,
  openEnd: '在您撤回之前一直有效。',
  notInForce: '依此选择，任何人都不得为此目的使用您的信息。',
  changeMind: '如果您之后愿意同意，请向我们索取新的链接。',
  withdraw: '撤回授权',
  withdrawOf: (title) => `撤回授权：${title}`,
  withdrawAll: '撤回全部授权',
  withdrawTitle: '确定撤回授权吗？',
  withdrawAllTitle: '确定撤回全部授权吗？',
  withdrawLead: '撤回之后：',
  effects: {
    STOP_NEW: '自撤回起不再报送或查询新的信息。此前已进行的处理仍然合法。',
    STOP_AND_RESTRICT:
      '自撤回起不再报送或查询新的信息。此前已报送的信息予以保留但不再展示，法律另有规定的除外。',
    STOP_AND_ERASE:
      '自撤回起不再报送或查询新的信息。此前已报送的信息予以删除，法律另有规定的除外。',
  },
  noPenalty: '撤回不收取任何费用。',
  confirmWithdraw: '确定撤回',
  keep: '不撤回，保留授权',
  until: '有效期至',
  howToWithdraw: '如何撤回',
  what: '内容',
  toWhom: '提供给谁',
  ids: '备查编号',
  lastStep: '最近一步',
  recordId: '记录',
  arrangementId: '安排',
  recordHash: '记录指纹',
  eventHash: '最近一步的指纹',
  requestId: '请求',
  failures: {
    not_found: [
      '无法打开此链接',
      '链接可能不完整、已过期或不再有效。请从原消息中重新打开，或向您的贷款机构索取新的链接。未作任何更改。',
    ],
    outdated: [
      '请重新打开链接',
      '您提交的内容与当前页面不符，未作任何记录。请从原消息中重新打开链接后再选择。',
    ],
    rate_limited: ['操作过于频繁', '请稍等一分钟后重新打开链接。未作任何更改。'],
    failed: ['我们的系统出现问题', '请在几分钟后重新打开链接，页面会显示已记录的内容。'],
  },
};

export const WORDS: Readonly<Record<Language, Words>> = { en: EN, zh: ZH };

/** Where dates are read: the language, and the time zone that the notice names. */
interface Place {
  readonly language: Language;
  readonly time_zone: string;
}

const LOCALES: Readonly<Record<Language, string>> = { en: 'en-GB', zh: 'zh-CN' };

/** A day, in words. */
export function dateWords({ language, time_zone }: Place, iso: string): string {
  const options = { dateStyle: 'long', timeZone: time_zone } as const;
  return new Intl.DateTimeFormat(LOCALES[language], options).format(new Date(iso));
}

/** A day and the time of day, with the time zone. */
export function timeWords({ language, time_zone }: Place, iso: string): string {
  const options = {
    year: 'numeric',
    month: 'long',
    day: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    timeZoneName: 'short',
    timeZone: time_zone,
  } as const;
  return new Intl.DateTimeFormat(LOCALES[language], options).format(new Date(iso));
}

/** A month `YYYY-MM`, in words. */
export function monthWords(language: Language, period: string): string {
  const options = { year: 'numeric', month: 'long', timeZone: 'UTC' } as const;
  return new Intl.DateTimeFormat(LOCALES[language], options).format(
    new Date(`${period}-01T00:00:00Z`),
  );
}
