/**
 * The operator's queue of identity: who may be one, side by side, and what was decided.
 *
 * What must stay true: a list shows nothing of an identity; opening a case leaves a trace with
 * both people, in the transaction that opens it; `match` and `no_match` are remembered with who,
 * when and why; no decision is taken for the operator.
 */
import type { Session } from '../database/database.ts';
import { storeRecords } from '../matching/match.ts';
import { AssentError } from '../model/error.ts';
import { decide } from './identity-decisions.ts';
import { type Decision, mergePeople } from './identity-events.ts';
import { featuresOf } from './identity-pieces.ts';
import { livingSubject, notMovable } from './people.ts';
import { traceAct } from './person.ts';
import type { Registry } from './registry.ts';
import { lockPeople } from './serialise.ts';

export const CASE_STATES = ['open', 'match', 'no_match'] as const;
export type CaseState = (typeof CASE_STATES)[number];

export interface IdentityCase {
  readonly case_id: string;
  readonly kind: 'details' | 'likeness';
  /** Who was there before. */
  readonly known_id: string;
  /** Who came; of kind `details` nobody yet: the id that the person would get. */
  readonly other_id: string;
  readonly state: CaseState;
  readonly opened_at: Date;
  /** log2 of the odds that the two are one; null: the document agrees, the details do not. */
  readonly weight: number | null;
  readonly probability: number | null;
  /** Names of the fields whose values are equal. */
  readonly agreed: readonly string[];
  /** Of the weights; 0: those the program brings. */
  readonly model_version: number | null;
  readonly furnisher_id: string | null;
  readonly resolved_at: Date | null;
  readonly resolved_by: string | null;
  readonly why: string | null;
  readonly event_id: string | null;
}

const SHOWN = `case_id, kind, known_id, other_id, state, opened_at, weight, probability, agreed,
  model_version, furnisher_id, resolved_at, resolved_by, why, event_id`;

export interface CasePage {
  readonly cases: readonly IdentityCase[];
  /** Give it as `after` to go on; null at the end. */
  readonly next: string | null;
}

/** Cases in the order in which they were opened. @param page `after`: a case_id, or '' */
export async function listCases(
  registry: Registry,
  page: { readonly state: CaseState | null; readonly after: string; readonly limit: number },
): Promise<CasePage> {
  const { rows } = await registry.db.query<IdentityCase>(
    `select ${SHOWN} from identity_case c
     where ($1::text is null or state = $1)
       and ($2 = '' or (c.opened_at, c.case_id) > (
         select b.opened_at, b.case_id from identity_case b where b.case_id::text = $2))
     order by c.opened_at, c.case_id limit $3`,
    [page.state, page.after, page.limit],
  );
  const last = rows.at(-1);
  return { cases: rows, next: last && rows.length === page.limit ? last.case_id : null };
}

interface Sealed {
  readonly claim_hash: Uint8Array | null;
  readonly identity_kind: string | null;
  readonly details_hash: Uint8Array | null;
  readonly wrapped_key: Uint8Array | null;
  readonly identity_sealed: Uint8Array | null;
}

async function lockCase(session: Session, id: string): Promise<IdentityCase & Sealed> {
  const { rows } = await session.query<IdentityCase & Sealed>(
    `select ${SHOWN}, claim_hash, identity_kind, details_hash, wrapped_key, identity_sealed
     from identity_case where case_id::text = $1 for update`,
    [id],
  );
  if (!rows[0]) throw new AssentError('case_unknown');
  return rows[0];
}

export type OpenedIdentity = Readonly<Record<string, unknown>>;

/** Opens what `subject <id>` was sealed as. */
function openIdentity(
  registry: Registry,
  id: string,
  { wrapped_key, identity_sealed }: Pick<Sealed, 'wrapped_key' | 'identity_sealed'>,
): OpenedIdentity {
  if (!wrapped_key || !identity_sealed) notMovable('there is nothing sealed');
  const opened = registry.ring.open(wrapped_key, identity_sealed, `subject ${id}`);
  return JSON.parse(Buffer.from(opened).toString('utf8')) as OpenedIdentity;
}

/** Whoever looks, and why. */
export interface CaseLook {
  readonly participant_id: string;
  readonly reason: string;
}

async function traceLook(
  registry: Registry,
  session: Session,
  subjectId: string,
  look: CaseLook,
): Promise<void> {
  await traceAct(registry, session, subjectId, { ...look, purpose: 'identity_review' });
}

async function identityOf(registry: Registry, session: Session, id: string) {
  const { rows } = await session.query<Pick<Sealed, 'wrapped_key' | 'identity_sealed'>>(
    'select wrapped_key, identity_sealed from subject where subject_id = $1',
    [id],
  );
  return rows[0] ? openIdentity(registry, id, rows[0]) : null;
}

export interface CaseView extends IdentityCase {
  /** Null: the person was erased. */
  readonly known: OpenedIdentity | null;
  readonly other: OpenedIdentity | null;
}

/** Opens both identities of a case; the look is traced with both people. @throws case_unknown */
export async function viewCase(registry: Registry, id: string, look: CaseLook): Promise<CaseView> {
  return registry.db.transaction(async (session) => {
    const { claim_hash, identity_kind, details_hash, wrapped_key, identity_sealed, ...shown } =
      await lockCase(session, id);
    const { known_id, other_id } = shown;
    for (const each of [known_id, other_id])
      await traceLook(registry, session, (await livingSubject(session, each)) ?? each, look);
    const known = await identityOf(registry, session, known_id);
    const other = identity_sealed
      ? openIdentity(registry, other_id, { wrapped_key, identity_sealed })
      : await identityOf(registry, session, other_id);
    return { ...shown, known, other };
  });
}

/** From now on the person is recognised by what the case holds. */
async function storePieces(
  registry: Registry,
  session: Session,
  each: IdentityCase & Sealed,
  subjectId: string,
): Promise<void> {
  const { name, birth_date } = openIdentity(registry, each.other_id, each);
  const features = featuresOf(registry, {
    name: typeof name === 'string' ? name : null,
    birth_date: typeof birth_date === 'string' ? birth_date : null,
  });
  await storeRecords(session, [{ subject_id: subjectId, record_id: each.other_id, features }]);
}

/** The details are another spelling of the known person. */
async function acceptDetails(
  registry: Registry,
  session: Session,
  each: IdentityCase & Sealed,
): Promise<void> {
  const subject_id = await livingSubject(session, each.known_id);
  if (subject_id === null || !each.claim_hash) notMovable('the person is no longer there');
  await decide(session, each.claim_hash, {
    subject_id,
    standing: 'variant',
    at: registry.now(),
  });
  await storePieces(registry, session, each, subject_id);
  await session.query(
    `with gone as (delete from access where subject_id = $1 returning *)
     insert into access (subject_id, access_id, participant_id, purpose, reason, at)
     select $2::uuid, access_id, participant_id, purpose, reason, at from gone`,
    [each.other_id, subject_id],
  );
}

/** The details are somebody else's, who came with the same document: a person of their own. */
async function makeOther(
  registry: Registry,
  session: Session,
  each: IdentityCase & Sealed,
): Promise<void> {
  const { claim_hash, wrapped_key, identity_sealed, details_hash, other_id } = each;
  if (!claim_hash) notMovable('there is nothing sealed');
  const at = registry.now();
  await session.query(
    `insert into subject (subject_id, identity_kind, wrapped_key, identity_sealed, details_hash,
       created_at) values ($1, $2, $3, $4, $5, $6)`,
    [other_id, each.identity_kind, wrapped_key, identity_sealed, details_hash, at],
  );
  await decide(session, claim_hash, { subject_id: other_id, standing: 'other', at });
  await storePieces(registry, session, each, other_id);
}

async function settle(
  registry: Registry,
  session: Session,
  each: IdentityCase & Sealed,
  resolution: Decision & { readonly outcome: 'match' | 'no_match' },
): Promise<string | null> {
  const isMatch = resolution.outcome === 'match';
  if (each.kind === 'details') {
    if (isMatch) await acceptDetails(registry, session, each);
    else await makeOther(registry, session, each);
    return null;
  }
  if (!isMatch) return null;
  const [into_id, from_id] = [
    await livingSubject(session, each.known_id),
    await livingSubject(session, each.other_id),
  ];
  if (into_id === null || from_id === null) notMovable('one of the two is no longer there');
  if (into_id === from_id) return null;
  return mergePeople(registry, session, { from_id, into_id }, resolution);
}

/**
 * Decides a case. `match`: the two are one (details: accepted from now on; people: merged);
 * `no_match`: they are two, and are not raised again.
 * @throws case_unknown, case_decided, identity_not_movable
 */
export async function resolveCase(
  registry: Registry,
  id: string,
  resolution: Decision & { readonly outcome: 'match' | 'no_match' },
): Promise<IdentityCase> {
  return registry.db.transaction(async (session) => {
    await lockPeople(session);
    const each = await lockCase(session, id);
    if (each.state !== 'open')
      throw new AssentError('case_decided', { detail: `it is ${each.state}` });
    const event_id = await settle(registry, session, each, resolution);
    // What was sealed for the operator is not needed any more.
    const { rows } = await session.query<IdentityCase>(
      `update identity_case set state = $2, resolved_at = $3, resolved_by = $4, why = $5,
         event_id = $6, wrapped_key = null, identity_sealed = null, details_hash = null
       where case_id = $1 returning ${SHOWN}`,
      [
        each.case_id,
        resolution.outcome,
        registry.now(),
        resolution.by_party,
        resolution.why,
        event_id,
      ],
    );
    return rows[0] ?? notMovable('the case is gone');
  });
}
