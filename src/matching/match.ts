/**
 * Finding the person a record belongs to, among all that are known by hashes of their identity.
 *
 * What must stay true: three outcomes, and none of them joins anybody: `same` only says that a
 * person of the store is meant with a probability of at least SAME; `automatic` besides that two
 * fields agree that no name gives away. A name alone is never enough.
 */
import type { Session } from '../database/database.ts';
import { levelsSql, weightParams, weightSql } from './compare.ts';
import { type Features, FIELDS, type Field } from './features.ts';
import { fitModel, type MatchModel, type PatternCount, probabilityOf } from './model.ts';

export type MatchOutcome = 'same' | 'review' | 'different';

export interface Candidate {
  readonly subject_id: string;
  /** log2 of the odds that the levels give. */
  readonly weight: number;
  /** That it is the same person, when one of those in the store is meant. */
  readonly probability: number;
  readonly outcome: MatchOutcome;
  /** Two strong fields agree as well: a join could do without a clerk. */
  readonly automatic: boolean;
  /** Fields whose values are equal. */
  readonly agreed: readonly Field[];
}

const SAME = 0.99;
const REVIEW = 0.1;
/** Records looked at: those that share the rarest keys. */
const CANDIDATES = 100;
/** Records of one key: more share a value so common that it says nothing. */
const BLOCK = 500;

/** `match_term` counts all records under this term. No hash is negative. */
const ALL_RECORDS = -1;

/** How sure a weight makes. */
export function outcomeOf(probability: number): MatchOutcome {
  if (probability >= SAME) return 'same';
  return probability >= REVIEW ? 'review' : 'different';
}

const place = (field: Field) => FIELDS.indexOf(field);

/** Birth date, and the house somebody lives in: each is strong, and neither follows from the other. */
function hasStrongFields(levels: readonly (number | null)[]): boolean {
  const isEqual = (field: Field) => levels[place(field)] === 0;
  return isEqual('birth_date') && isEqual('street_number') && isEqual('address_1');
}

/** A record of a person. */
export interface MatchRecord {
  readonly subject_id: string;
  readonly record_id: string;
  readonly features: Features;
}

const COLUMNS = FIELDS.join(', ');

const arrayText = (values: readonly (number | null)[] | null): string =>
  values === null ? '\\N' : `{${values.map((value) => value ?? 'NULL').join(',')}}`;

/**
 * Stores records by COPY; each waits to be entered and compared. The caller sees to it that none
 * is there already.
 */
export async function storeRecords(
  session: Session,
  records: readonly MatchRecord[],
): Promise<void> {
  if (records.length === 0) return;
  // The same value has the same list of pieces: it is written out once.
  const known = new Map<readonly (number | null)[], string>();
  const piecesText = (pieces: readonly number[] | null) => {
    if (pieces === null) return arrayText(null);
    const text = known.get(pieces) ?? arrayText(pieces);
    known.set(pieces, text);
    return text;
  };
  const lines = records.map(
    ({ subject_id, record_id, features: { pieces, terms, keys } }) =>
      `${subject_id}\t${record_id}\t${pieces.map(piecesText).join('\t')}\t${arrayText(terms)}\t${arrayText(keys)}`,
  );
  // sql: made of FIELDS.
  await session.copyIn(
    `copy match_record (subject_id, record_id, ${COLUMNS}, terms, keys) from stdin`,
    [Buffer.from(`${lines.join('\n')}\n`)],
  );
  const ids = records.map(({ subject_id, record_id }) => `${subject_id}\t${record_id}\n`);
  await session.copyIn('copy match_waiting (subject_id, record_id) from stdin', [
    Buffer.from(ids.join('')),
  ]);
}

/** Names of records, in two lists as parameters take them. */
export interface RecordNames {
  readonly subject_ids: readonly string[];
  readonly record_ids: readonly string[];
}

/**
 * Enters at most `limit` waiting records into the lists by which others are found, and names them.
 * Call it in a transaction that keeps others out.
 */
export async function enterWaiting(session: Session, limit: number): Promise<RecordNames> {
  const { rows } = await session.query<{ subject_id: string; record_id: string }>(
    `select subject_id, record_id from match_waiting order by subject_id, record_id limit $1`,
    [limit],
  );
  const subject_ids = rows.map((row) => row.subject_id);
  const record_ids = rows.map((row) => row.record_id);
  const names = [subject_ids, record_ids];
  // The waiting rows are named once more: Citus joins what is distributed alike.
  await session.query(
    `insert into match_key (key, subject_id, record_id)
     select k.key, r.subject_id, r.record_id
     from unnest($1::uuid[], $2::uuid[]) w (subject_id, record_id)
     join match_record r on r.subject_id = w.subject_id and r.record_id = w.record_id
     cross join unnest(r.keys) k (key)
     on conflict (key, subject_id, record_id) do nothing`,
    names,
  );
  await session.query(
    `insert into match_term (term, records)
     select t.term, count(*) from unnest($1::uuid[], $2::uuid[]) w (subject_id, record_id)
     join match_record r on r.subject_id = w.subject_id and r.record_id = w.record_id
     cross join lateral (select distinct u.term from unnest(r.terms || $3::bigint) u (term)
                         where u.term is not null) t
     group by t.term order by t.term
     on conflict (term) do update set records = match_term.records + excluded.records`,
    [...names, ALL_RECORDS],
  );
  await session.query(
    `delete from match_waiting w using unnest($1::uuid[], $2::uuid[]) g (subject_id, record_id)
     where w.subject_id = g.subject_id and w.record_id = g.record_id`,
    names,
  );
  return { subject_ids, record_ids };
}

/** Takes a record out again, wherever it stands. */
export async function removeRecord(
  session: Session,
  record: Pick<MatchRecord, 'subject_id' | 'record_id'>,
): Promise<void> {
  const names = [record.subject_id, record.record_id];
  const { rows } = await session.query<{ n: number }>(
    `with waited as (delete from match_waiting where subject_id = $1 and record_id = $2 returning 1)
     select count(*) as n from waited`,
    names,
  );
  const wasEntered = rows[0]?.n === 0;
  if (wasEntered) {
    await session.query(
      `update match_term set records = records - 1 where term in (
         select u.term from match_record r cross join unnest(r.terms || $3::bigint) u (term)
         where r.subject_id = $1 and r.record_id = $2)`,
      [...names, ALL_RECORDS],
    );
    await session.query('delete from match_term where records <= 0');
  }
  await session.query('delete from match_key where subject_id = $1 and record_id = $2', names);
  await session.query('delete from match_record where subject_id = $1 and record_id = $2', names);
}

/** How many records there are. */
export async function countRecords(session: Session): Promise<number> {
  const { rows } = await session.query<{ records: number }>(
    'select records from match_term where term = $1',
    [ALL_RECORDS],
  );
  return rows[0]?.records ?? 0;
}

interface Scored {
  readonly subject_id: string;
  readonly weight: number;
  readonly levels: (number | null)[];
}

const candidateOf = ({ subject_id, weight, levels }: Scored, records: number): Candidate => {
  const probability = probabilityOf(weight, records);
  const outcome = outcomeOf(probability);
  return {
    subject_id,
    weight,
    probability,
    outcome,
    automatic: outcome === 'same' && hasStrongFields(levels),
    agreed: FIELDS.filter((_, at) => levels[at] === 0),
  };
};

/**
 * Records that share keys with record `a`, those first that share the rarest: of a name that
 * hundreds bear less is to be hoped than of a birth date. The comparison is the caller's.
 */
const FOUND = `(
  select held.subject_id, held.record_id, sum(1.0::float8 / held.sharing) as shared
  from unnest(a.keys) k (key)
  cross join lateral (
    select subject_id, record_id, count(*) over () as sharing
    from (select subject_id, record_id from match_key
          where match_key.key = k.key limit ${BLOCK}) block) held
  group by held.subject_id, held.record_id
  order by shared desc, held.subject_id limit ${CANDIDATES})`;

const findTexts = new Map<string, string>();

/** The statement for records that have these fields; there are few such lists. */
function findSql(present: readonly Field[]): string {
  const name = present.join(' ');
  // sql: made of FIELDS and the comparison's constants.
  const text =
    findTexts.get(name) ??
    `with a as (select ${FIELDS.map((field, at) => `$${at + 5}::int[] as ${field}`).join(', ')},
       $1::bigint[] as terms, $2::bigint[] as keys)
     select distinct on (b.subject_id) b.subject_id, v.weight, c.levels
     from a
     cross join lateral ${FOUND} f
     join match_record b on b.subject_id = f.subject_id and b.record_id = f.record_id
     ${levelsSql(present)}
     ${weightSql('$3', '$4')}
     order by b.subject_id, v.weight desc`;
  findTexts.set(name, text);
  return text;
}

/** Those that the record may belong to, the likeliest first. */
export async function findCandidates(
  session: Session,
  model: MatchModel,
  features: Features,
): Promise<Candidate[]> {
  const records = await countRecords(session);
  const present = FIELDS.filter((_, at) => features.pieces[at] !== null);
  // sql: see findSql.
  const { rows } = await session.query<Scored>(findSql(present), [
    features.terms,
    features.keys,
    weightParams(model),
    Math.max(1, records),
    ...features.pieces,
  ]);
  return rows
    .map((row) => candidateOf(row, records))
    .filter((each) => each.outcome !== 'different')
    .sort((one, other) => other.weight - one.weight);
}

export interface Likeness extends Candidate {
  readonly other_id: string;
}

// sql: made of the comparison's constants.
const COMPARE = `
  select distinct on (a.subject_id, b.subject_id) a.subject_id, b.subject_id as other_id,
    v.weight, c.levels
  from unnest($1::uuid[], $2::uuid[]) g (subject_id, record_id)
  join match_record a on a.subject_id = g.subject_id and a.record_id = g.record_id
  cross join lateral ${FOUND} f
  join match_record b on b.subject_id = f.subject_id and b.record_id = f.record_id
    and b.subject_id <> a.subject_id
  ${levelsSql()}
  ${weightSql('$3', '$4')}
  order by a.subject_id, b.subject_id, v.weight desc`;

/** Everybody in the store who may be one with one of these records, and is not the same already. */
export async function compareRecords(
  session: Session,
  model: MatchModel,
  { subject_ids, record_ids }: RecordNames,
): Promise<Likeness[]> {
  const records = await countRecords(session);
  const { rows } = await session.query<Scored & { other_id: string }>(COMPARE, [
    subject_ids,
    record_ids,
    weightParams(model),
    Math.max(1, records),
  ]);
  return rows
    .map((row) => ({ ...candidateOf(row, records), other_id: row.other_id }))
    .filter((each) => each.outcome !== 'different');
}

/** Pairs of records of different people that share a key, in groups that are not too common. */
const BLOCKED = `select distinct x.subject_id as a_subject, x.record_id as a_record,
    y.subject_id as b_subject, y.record_id as b_record
  from match_key x join match_key y on y.key = x.key and y.subject_id > x.subject_id
  where x.key in (select key from match_key group by key having count(*) between 2 and $1)`;

const PAIR = `join match_record a on a.subject_id = p.a_subject and a.record_id = p.a_record
  join match_record b on b.subject_id = p.b_subject and b.record_id = p.b_record`;

/** Every pair of people in the store that may be one: what a clerk should look at. */
export async function findDuplicates(session: Session, model: MatchModel): Promise<Likeness[]> {
  const records = await countRecords(session);
  // sql: made of the comparison's constants.
  const { rows } = await session.query<Scored & { other_id: string }>(
    `select distinct on (p.a_subject, p.b_subject) p.a_subject as subject_id,
       p.b_subject as other_id, v.weight, c.levels
     from (${BLOCKED}) p ${PAIR} ${levelsSql()} ${weightSql('$2', '$3')}
     order by p.a_subject, p.b_subject, v.weight desc`,
    [BLOCK, weightParams(model), Math.max(1, records)],
  );
  return rows
    .map((row) => ({ ...candidateOf(row, records), other_id: row.other_id }))
    .filter((each) => each.outcome !== 'different');
}

/** Pairs of a fit: more do not change the weights. */
const SAMPLE = 50_000;

/** Fits the weights to the records that are there, without being told who is who. */
export async function fitToRecords(session: Session): Promise<MatchModel> {
  const patterns = async (pairs: string, params: readonly number[]) => {
    // sql: made of the comparison's constants.
    const { rows } = await session.query<PatternCount>(
      `select c.levels, count(*) as pairs from (${pairs}) p ${PAIR} ${levelsSql()} group by c.levels`,
      params,
    );
    return rows;
  };
  const blocked = await patterns(`select * from (${BLOCKED}) every limit ${SAMPLE}`, [BLOCK]);
  // One row against the next ones in an order that has nothing to do with who they are.
  const random = await patterns(
    `select x.subject_id as a_subject, x.record_id as a_record, y.subject_id as b_subject,
       y.record_id as b_record
     from (select *, row_number() over (order by md5(record_id::text)) as n from match_record) x
     join (select *, row_number() over (order by md5(record_id::text || 'b')) as n
           from match_record) y
       on y.n between x.n + 1 and x.n + $1::int and y.subject_id <> x.subject_id
     limit ${SAMPLE}`,
    [20],
  );
  return fitModel(FIELDS.length, blocked, random);
}
