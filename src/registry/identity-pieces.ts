/**
 * What people at the registry are compared by, and the cases that follow from it.
 *
 * What must stay true: nobody is joined here: people who may be one become a case for the
 * operator; a pair that was decided is not raised again, whichever of their ids it comes by; the
 * part that brought them only stores their pieces, the comparison follows in steps of its own.
 */
import type { Session } from '../database/database.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import { FeatureMaker, type Features } from '../matching/features.ts';
import {
  compareRecords,
  countRecords,
  enterWaiting,
  fitToRecords,
  type Likeness,
  outcomeOf,
} from '../matching/match.ts';
import { DEFAULT_MODEL, isSound, type MatchModel, probabilityOf } from '../matching/model.ts';
import { nameParts } from '../matching/names.ts';
import { AssentError } from '../model/error.ts';
import type { IdentityKind } from '../model/record.ts';
import { openLikenessCases } from './open-cases.ts';
import type { Registry } from './registry.ts';

const makers = new WeakMap<KeyRing, FeatureMaker>();

/** The pieces of a person, as keyed hashes. */
export function featuresOf(
  { ring }: Pick<Registry, 'ring'>,
  person: { readonly name: string | null; readonly birth_date: string | null },
): Features {
  const maker = makers.get(ring) ?? new FeatureMaker((...parts) => ring.keyedHash(...parts));
  makers.set(ring, maker);
  return maker.of({ ...nameParts(person.name), birth_date: person.birth_date });
}

/** Records entered and compared in one transaction. */
const STEP = 200;
/** A key of our own in the advisory lock space ("matc"): one enters at a time. */
const MATCH_LOCK = 0x6d617463;

/** The weights in use and their version; 0: those the program brings. */
export async function modelInUse(
  session: Session,
): Promise<{ readonly version: number; readonly model: MatchModel }> {
  const { rows } = await session.query<{ version: number; model: MatchModel }>(
    'select version, model from match_model order by version desc limit 1',
  );
  return rows[0] ?? { version: 0, model: DEFAULT_MODEL };
}

/** Documents of which a person has one for life: two numbers speak for two people. */
const LIFELONG: readonly string[] = [
  'cn_resident_id',
  'us_ssn',
  'us_itin',
] satisfies IdentityKind[];
/** log2 of how rarely one person has two numbers of such a document: about one in a thousand. */
const TWO_NUMBERS_BITS = -10;

/** The weight of a pair with what their documents say. */
async function withDocuments(
  session: Session,
  pairs: readonly Likeness[],
  records: number,
): Promise<Likeness[]> {
  const ids = [...new Set(pairs.flatMap((pair) => [pair.subject_id, pair.other_id]))];
  const { rows } = await session.query<{ subject_id: string; identity_kind: string }>(
    `select subject_id, identity_kind from subject
     where subject_id = any($1::uuid[]) and merged_into is null`,
    [ids],
  );
  const kinds = new Map(rows.map((row) => [row.subject_id, row.identity_kind]));
  return pairs.flatMap((pair) => {
    const [one, other] = [kinds.get(pair.subject_id), kinds.get(pair.other_id)];
    if (one === undefined || other === undefined) return [];
    const isTwo = one === other && LIFELONG.includes(one);
    const weight = pair.weight + (isTwo ? TWO_NUMBERS_BITS : 0);
    const probability = probabilityOf(weight, records);
    const outcome = outcomeOf(probability);
    return outcome === 'different' ? [] : [{ ...pair, weight, probability, outcome }];
  });
}

async function compareStep(
  registry: Registry,
): Promise<{ readonly records: number; readonly cases: number }> {
  return registry.db.transaction(async (session) => {
    await session.query('select pg_advisory_xact_lock($1)', [MATCH_LOCK]);
    const names = await enterWaiting(session, STEP);
    if (names.record_ids.length === 0) return { records: 0, cases: 0 };
    const { version, model } = await modelInUse(session);
    const likely = await compareRecords(session, model, names);
    const pairs = await withDocuments(session, likely, await countRecords(session));
    const cases = await openLikenessCases(registry, session, pairs, version);
    return { records: names.record_ids.length, cases };
  });
}

/**
 * Compares everybody who came since the last time with all others, in short steps that can be
 * broken off between any two.
 * @returns how many records were compared, how many cases were opened
 */
export async function compareWaiting(
  registry: Registry,
  isStopped: () => boolean = () => false,
): Promise<{ readonly records: number; readonly cases: number }> {
  const all = { records: 0, cases: 0 };
  while (!isStopped()) {
    const { records, cases } = await compareStep(registry);
    if (records === 0) break;
    all.records += records;
    all.cases += cases;
  }
  return all;
}

/** Fewer say more of their chances than of people. */
const FIT_RECORDS = 1_000;

/**
 * Fits the weights to the people of the store, without being told who is who; used from then on.
 * @throws matching_unfit: the records do not tell people apart; the weights in use stay
 */
export async function fitMatching(
  registry: Registry,
): Promise<{ readonly version: number; readonly records: number }> {
  return registry.db.transaction(async (session) => {
    await session.query('select pg_advisory_xact_lock($1)', [MATCH_LOCK]);
    const records = await countRecords(session);
    if (records < FIT_RECORDS)
      throw new AssentError('matching_unfit', {
        detail: `there are ${records} records, ${FIT_RECORDS} are needed`,
      });
    const { version } = await modelInUse(session);
    const fitted = await fitToRecords(session);
    const model = withoutUnseen(fitted);
    if (!isSound(model))
      throw new AssentError('matching_unfit', { detail: `fitted to ${records} records` });
    const next = version + 1;
    await session.query('insert into match_model (version, fitted_at, model) values ($1, $2, $3)', [
      next,
      registry.now(),
      JSON.stringify(model),
    ]);
    return { version: next, records };
  });
}

/** Fields that no pair had (the wire brings no address) keep the weights of the program. */
function withoutUnseen(fitted: MatchModel): MatchModel {
  const isSeen = (levels: readonly number[] | undefined) =>
    levels !== undefined && new Set(levels).size > 1;
  const pick = (part: 'm' | 'u') =>
    fitted[part].map((levels, field) =>
      isSeen(fitted.m[field]) && isSeen(fitted.u[field])
        ? levels
        : (DEFAULT_MODEL[part][field] ?? levels),
    );
  return { m: pick('m'), u: pick('u') };
}
