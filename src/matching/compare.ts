/**
 * Comparing two records in SQL: likeness of each field, its level, the weight of all of them.
 *
 * What must stay true: the text is built from constants alone; records are compared by hashes
 * (features.ts); the comparison is symmetric but for how common a value is, which is read for `a`.
 */
import { FIELDS, type Field, SWAPPED } from './features.ts';
import { LEVELS, type MatchModel } from './model.ts';

/** From this likeness on a field is on level 1, 2, 3; equal values are on 0, all others on 4. */
export const LEVEL_FLOORS = [0.8, 0.6, 0.4] as const;
/** What a missing field counts for when it is asked whether two fields were swapped. */
const MISSING = 0.3;

/** Dice's coefficient of two sequences of pieces; null when either is missing. */
function likenessSql(x: string, y: string): string {
  const shared = (from: string, of: string) =>
    `(select count(*) from unnest(${from}) piece where piece = any(${of}))`;
  return `case when ${x} is null or ${y} is null then null when ${x} = ${y} then 1
    else (${shared(x, y)} + ${shared(y, x)})::float8 / (cardinality(${x}) + cardinality(${y})) end`;
}

const partnerOf = (field: Field): string | null => {
  for (const [one, other] of SWAPPED) {
    if (field === one) return other;
    if (field === other) return one;
  }
  return null;
};

const levelSql = (likeness: string): string => `case when ${likeness} is null then null
    when ${likeness} = 1 then 0 ${LEVEL_FLOORS.map((floor, at) => `when ${likeness} >= ${floor} then ${at + 1}`).join(' ')}
    else ${LEVELS - 1} end`;

/**
 * `left join lateral`s over records `a` and `b` that give `c.levels smallint[]`.
 * @param present fields that `a` may have: the others are not looked at
 */
export function levelsSql(present: readonly Field[] = FIELDS): string {
  const likeness = (ofA: Field, ofB: Field) =>
    present.includes(ofA) ? likenessSql(`a.${ofA}`, `b.${ofB}`) : 'null::float8';
  const direct = FIELDS.map((field) => `${likeness(field, field)} as ${field}`);
  const crossed = SWAPPED.flatMap(([one, other]) => [
    `${likeness(one, other)} as crossed_${one}`,
    `${likeness(other, one)} as crossed_${other}`,
  ]);
  const sum = (one: string, other: string) =>
    `coalesce(s.${one}, ${MISSING}) + coalesce(s.${other}, ${MISSING})`;
  const isSwapped = SWAPPED.map(
    ([one, other]) =>
      `${sum(`crossed_${one}`, `crossed_${other}`)} > ${sum(one, other)} as swapped_${one}`,
  );
  const chosen = FIELDS.map((field) => {
    const partner = partnerOf(field);
    if (partner === null) return levelSql(`s.${field}`);
    const pair = SWAPPED.find((each) => each.some((name) => name === field));
    return `case when w.swapped_${pair?.[0]} then ${levelSql(`s.crossed_${field}`)}
      else ${levelSql(`s.${field}`)} end`;
  });
  // `offset 0` keeps a planner from writing each expression out wherever it is used.
  return `cross join lateral (select ${[...direct, ...crossed].join(', ')} offset 0) s
    cross join lateral (select ${isSwapped.join(', ')} offset 0) w
    cross join lateral (select array[${chosen.join(', ')}]::smallint[] as levels offset 0) c`;
}

/**
 * `v.weight` of `c.levels`: log2 of the odds. An equal value speaks the more the rarer it is.
 * @param weights number of the parameter that holds `weightParams`
 * @param records number of the parameter that holds how many records there are
 */
export function weightSql(weights: string, records: string): string {
  return `cross join lateral (
    select coalesce(sum((${weights}::float8[])[(l.f - 1) * ${LEVELS} + l.level + 1]
      + case when l.level = 0
          then ln(${records}::float8 / greatest(coalesce(t.records, 1), 1)) / ln(2) else 0 end), 0)
      as weight
    from unnest(c.levels) with ordinality as l (level, f)
    left join match_term t on l.level = 0 and t.term = a.terms[l.f]
    where l.level is not null) v`;
}

/** The weights of each field and level side by side; of level 0 only log2 m, the rest is read. */
export function weightParams(model: MatchModel): number[] {
  return FIELDS.flatMap((_, field) =>
    Array.from({ length: LEVELS }, (__, level) => {
      const m = Math.log2(model.m[field]?.[level] ?? 1);
      return level === 0 ? m : m - Math.log2(model.u[field]?.[level] ?? 1);
    }),
  );
}
