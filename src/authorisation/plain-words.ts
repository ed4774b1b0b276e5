/**
 * Reasons and checks in plain words, in English and Chinese, for officers and borrowers.
 *
 * What must stay true: every check of the table and every reason of the closed list has its words
 * in both languages; they say what is so, never whose.
 */

/** One thing said in both languages of the house. */
export interface Words {
  readonly en: string;
  readonly zh: string;
}

const words = (en: string, zh: string): Words => ({ en, zh });

/** Why a row stays: the closed list of design.md 6. */
export const REASON_WORDS: Readonly<Record<string, Words>> = {
  never_asked: words('The person was never asked.', '从未征求过本人同意。'),
  pending: words(
    'The person has not answered yet, or the approval has not begun.',
    '本人尚未答复，或授权尚未生效。',
  ),
  refused: words('The person refused.', '本人已拒绝。'),
  lapsed: words('The request lapsed without an answer.', '征求未获答复，已失效。'),
  withdrawn: words('The person withdrew the approval.', '本人已撤回授权。'),
  expired: words('The approval has expired.', '授权已到期。'),
  paused: words('The approval is paused.', '授权已暂停。'),
  revoked: words(
    'The approval was revoked by someone other than the person.',
    '授权已被他方撤销。',
  ),
  invalidated: words(
    'The approval was declared invalid or replaced.',
    '授权已被宣告无效或被取代。',
  ),
  out_of_scope: words('The approval does not cover this.', '授权范围不包括此项。'),
  limit_reached: words('The approval was used as often as it allows.', '授权的使用次数已达上限。'),
  notice_outdated: words(
    'The notice has changed since; the person must be asked again.',
    '告知书已变更，须重新征求同意。',
  ),
  condition_unlawful: words(
    'The law does not accept the ground or the condition on which it was given.',
    '授权所依据的理由或条件不为法律所认可。',
  ),
  frozen: words('The file is frozen by the person.', '本人已冻结档案。'),
  minor: words('The person is under age.', '本人未成年。'),
  no_profile: words('No law is configured: nothing is released.', '未配置适用法律，一律不予提供。'),
};

/** What each check asks, as what must hold. */
export const CHECK_WORDS: Readonly<Record<string, Words>> = {
  profile_configured: words('a law is configured', '已配置适用法律'),
  profile_in_force: words('a law is configured and in force', '已配置适用法律且已生效'),
  adult: words('the person is of age', '本人已成年'),
  of_age_or_guarded: words(
    'the person is of age, or a guardian answered where the law allows it',
    '本人已成年，或由监护人依法代为答复',
  ),
  guardian: words('the law lets a guardian answer', '法律允许监护人代为答复'),
  given: words('the approval is given', '授权处于有效状态'),
  started: words('the approval has begun', '授权已开始生效'),
  not_expired: words('the approval has not reached its end', '授权未到期'),
  within_validity: words(
    'the approval is within the time the law lets it last',
    '授权未超过法定有效期',
  ),
  lawful_basis: words(
    'the law accepts the ground for this purpose',
    '该理由可作为此用途的合法依据',
  ),
  basis_not_exchanged: words(
    'no other ground stands in for a refusal',
    '未以其他理由取代本人的拒绝',
  ),
  conditionality: words(
    'service was not made conditional, or lawfully so',
    '未以同意作为服务条件，或该条件合法',
  ),
  written: words('the answer can be read again', '答复有书面记录'),
  notice_current: words('the notice shown is still current', '所出示的告知书仍为现行版本'),
  recipient: words('the recipient is the one approved', '接收方为授权所指'),
  onward: words('the data goes on to nobody else', '数据不再转给他方'),
  purpose: words('the purpose is the one approved', '用途为授权所指'),
  mode: words('the recipient may store it', '接收方可以存储'),
  product: words('the product is covered', '产品在授权范围内'),
  account: words('the account is covered', '账户在授权范围内'),
  range: words('the month is within the approved range', '月份在授权期间内'),
  data_class: words('this kind of data is covered', '此类数据在授权范围内'),
  condition: words('the agreed condition of the loan holds', '约定的贷款条件成立'),
  one_time: words('a one-time approval has not been used', '一次性授权尚未使用'),
  frequency: words('the agreed frequency is not exceeded', '未超过约定的频次'),
};

const NOT_KNOWN = words('No words are known for this.', '暂无说明。');

/** The words of a reason; null is a release. */
export const reasonWords = (reason: string | null): Words =>
  reason === null
    ? words('Released: an approval covers it.', '予以提供：有授权覆盖。')
    : (REASON_WORDS[reason] ?? NOT_KNOWN);

/** The words of a check. */
export const checkWords = (check: string): Words => CHECK_WORDS[check] ?? NOT_KNOWN;
