/**
 * The two parts of a name as it was furnished, in whatever script and order.
 *
 * What must stay true: both parts come out the same for a name in Chinese characters and in its
 * usual Latin spelling (`王小明`, `WANG Xiaoming`), as far as that says which is the surname; a
 * wrong guess is no loss, because the comparison also reads the two the other way round.
 */

/** Surnames of two characters (Hundred Family Surnames, those still borne). */
const DOUBLE_SURNAMES = new Set(
  (
    '欧阳 歐陽 司马 司馬 上官 诸葛 諸葛 夏侯 东方 東方 皇甫 尉迟 尉遲 公孙 公孫 慕容 令狐 宇文 长孙 長孫 司徒 ' +
    '司空 南宫 南宮 独孤 獨孤 端木 轩辕 軒轅 百里 呼延 东郭 東郭 闻人 聞人 公冶 拓跋 申屠 太史 澹台 澹臺 钟离 鍾離 ' +
    '赫连 赫連 濮阳 濮陽 淳于 单于 單于 宗政 鲜于 鮮于 万俟 萬俟'
  ).split(' '),
);

/** Han characters or Korean syllables alone: the surname stands first, without a blank. */
const EAST_ASIAN = /^[\p{Script=Han}\p{Script=Hangul}]{2,6}$/u;
/** What stands between the parts of a name. */
const BETWEEN = /[\s·•‧・]+/u;

export interface NameParts {
  readonly given_name: string | null;
  readonly surname: string | null;
}

/** Given name and surname; words within the given name run together, as some write them. */
export function nameParts(name: string | null): NameParts {
  const text = (name ?? '').normalize('NFKC').trim();
  if (text === '') return { given_name: null, surname: null };
  if (EAST_ASIAN.test(text)) {
    const characters = [...text];
    const isDouble = characters.length > 2 && DOUBLE_SURNAMES.has(characters.slice(0, 2).join(''));
    const at = isDouble ? 2 : 1;
    return {
      given_name: characters.slice(at).join(''),
      surname: characters.slice(0, at).join(''),
    };
  }
  const comma = text.indexOf(',');
  if (comma > 0) {
    const given = text
      .slice(comma + 1)
      .split(BETWEEN)
      .join('');
    return { given_name: given || null, surname: text.slice(0, comma).trim() };
  }
  const words = text.split(BETWEEN).filter((word) => word !== '');
  const surname = words.at(-1) ?? null;
  return { given_name: words.slice(0, -1).join('') || null, surname };
}
