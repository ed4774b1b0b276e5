/**
 * Blocks: a person holds enquirers off. A freeze stops looks for new credit, a fraud alert warns,
 * a credit ban is the person's own promise to take no credit; what each stops is the enquiry's.
 *
 * What must stay true: a block counts from the moment it is placed and ends when it is lifted or
 * runs out; placing the same again changes nothing; each step leaves a trace, tells the person and
 * the enquirers that watch an account of theirs, in one transaction.
 * Source: FCRA 605A (U3), Finland's credit ban (F4); domain facts 2.2, 2.3.
 */
import { type DisputeRules, disputeRulesOf } from '../authorisation/dispute-rules.ts';
import type { Session } from '../database/database.ts';
import { AssentError } from '../model/error.ts';
import type { BlockKind } from '../model/file-facts.ts';
import { appendNews } from './news.ts';
import { holdPerson, tellPerson, traceAct } from './person.ts';
import type { Registry } from './registry.ts';

export const BLOCK_REASONS = ['identity_theft', 'own_finances', 'other'] as const;
export type BlockReason = (typeof BLOCK_REASONS)[number];

export interface Block {
  readonly block_id: string;
  readonly kind: BlockKind;
  readonly reason: BlockReason;
  readonly extended: boolean;
  readonly placed_at: Date;
  /** Null: until it is lifted. */
  readonly expires_at: Date | null;
  readonly lifted_at: Date | null;
}

export interface BlockWish {
  readonly kind: BlockKind;
  readonly reason: BlockReason;
  /** Months that a credit ban stands; null: until it is lifted. */
  readonly months?: number | null;
  /** A fraud alert with a report of the crime, which stands longer. */
  readonly extended?: boolean;
  /** Who places it; default: the person, through the registry. */
  readonly by_party?: string;
}

const COLUMNS = 'block_id, kind, reason, extended, placed_at, expires_at, lifted_at';
/** $2 is the moment. */
const ACTIVE = `placed_at <= $2 and (lifted_at is null or lifted_at > $2)
  and (expires_at is null or expires_at > $2)`;

/** The blocks that are in force at a moment, oldest first. */
export async function activeBlocks(
  session: Session,
  subjectId: string,
  moment: Date,
): Promise<Block[]> {
  // sql: made of the constants above.
  const { rows } = await session.query<Block>(
    `select ${COLUMNS} from subject_block where subject_id = $1 and ${ACTIVE}
     order by placed_at, block_id`,
    [subjectId, moment],
  );
  return rows;
}

/** Every block there was, newest first. */
export async function listBlocks(registry: Registry, subjectId: string): Promise<Block[]> {
  const { rows } = await registry.db.query<Block>(
    `select ${COLUMNS} from subject_block where subject_id = $1 order by placed_at desc, block_id`,
    [subjectId],
  );
  return rows;
}

/** The same day so many months later; the last of the month where there is none. */
function monthsLater(from: Date, months: number): Date {
  const later = new Date(from);
  later.setUTCMonth(later.getUTCMonth() + months);
  if (later.getUTCDate() !== from.getUTCDate()) later.setUTCDate(0);
  return later;
}

/** @throws block_invalid */
function endOf(wish: BlockWish, rules: DisputeRules, placedAt: Date): Date | null {
  const { kind, months = null, extended = false } = wish;
  const wrong = (detail: string) => new AssentError('block_invalid', { detail });
  if (extended && kind !== 'fraud_alert') throw wrong('only a fraud alert can be extended');
  if (months !== null && kind !== 'credit_ban') throw wrong(`a ${kind} has no term of its own`);
  if (months !== null && !(Number.isInteger(months) && months >= 1 && months <= 1200))
    throw wrong('a term is 1 to 1200 months');
  const { initial, extended: longer } = rules.fraud_alert_months;
  const term = kind === 'fraud_alert' ? (extended ? longer : initial) : months;
  return term === null ? null : monthsLater(placedAt, term);
}

/** Enquirers that hold a live authorisation to watch an open account (Q2), with its id. */
async function watchers(session: Session, subjectId: string, moment: Date) {
  const { rows } = await session.query<{ recipient_id: string; authorisation_id: string }>(
    `select recipient_id, authorisation_id from authorisation
     where subject_id = $1 and purpose = 'Q2' and recipient_id is not null and state = 'given'
       and starts_at <= $2 and (expires_at is null or expires_at > $2)
     order by recipient_id, authorisation_id`,
    [subjectId, moment],
  );
  return rows;
}

async function announce(
  registry: Registry,
  session: Session,
  subjectId: string,
  block: Block,
  step: 'placed' | 'lifted',
): Promise<void> {
  const { block_id, kind, expires_at } = block;
  for (const { recipient_id, authorisation_id } of await watchers(
    session,
    subjectId,
    registry.now(),
  ))
    await appendNews(registry, session, [recipient_id], {
      type: `block.${step}`,
      event_id: block_id,
      data: { authorisation_id, kind, expires_at: expires_at?.toISOString() ?? null },
    });
  await tellPerson(registry, session, subjectId, {
    kind: `block_${step}`,
    facts: { block_id, kind, reason: block.reason, expires_at },
  });
}

/** A block of that kind that already stands as long as the wished one. */
const outlasts = (block: Block, end: Date | null) =>
  block.expires_at === null || (end !== null && block.expires_at >= end);

/**
 * Places a block, at once. One of the kind that stands as long already is the answer: the same
 * again changes nothing. A longer one takes the place of a shorter, which ends.
 * @throws file_unknown, block_invalid, profile_unknown
 */
export async function placeBlock(
  registry: Registry,
  subjectId: string,
  wish: BlockWish,
): Promise<Block> {
  const rules = disputeRulesOf(registry.profile);
  const placed = await registry.db.transaction(async (session) => {
    await holdPerson(session, subjectId);
    const now = registry.now();
    const { kind, reason, extended = false } = wish;
    const expires_at = endOf(wish, rules, now);
    const standing = (await activeBlocks(session, subjectId, now)).filter(
      (each) => each.kind === kind,
    );
    const same = standing.find((each) =>
      kind === 'fraud_alert' ? each.extended || !extended : outlasts(each, expires_at),
    );
    if (same) return same;
    await session.query(
      `update subject_block set lifted_at = $3 where subject_id = $1 and block_id = any($2::uuid[])`,
      [subjectId, standing.map(({ block_id }) => block_id), now],
    );
    const block: Block = {
      ...{ block_id: registry.newId(), kind, reason, extended, placed_at: now },
      ...{ expires_at, lifted_at: null },
    };
    await session.query(
      `insert into subject_block (subject_id, block_id, kind, reason, extended, placed_at,
         expires_at) values ($1, $2, $3, $4, $5, $6, $7)`,
      [subjectId, block.block_id, kind, reason, extended, now, expires_at],
    );
    await traceAct(registry, session, subjectId, {
      participant_id: wish.by_party ?? registry.registry_id,
      purpose: 'block',
      reason: `${kind} placed: ${reason}`,
    });
    await announce(registry, session, subjectId, block, 'placed');
    return block;
  });
  registry.announce?.();
  return placed;
}

/**
 * Lifts a block, at once; one that was lifted stays as it is.
 * @throws file_unknown; block_unknown: not there, or run out
 */
export async function liftBlock(
  registry: Registry,
  subjectId: string,
  blockId: string,
  byParty: string = registry.registry_id,
): Promise<Block> {
  const lifted = await registry.db.transaction(async (session) => {
    await holdPerson(session, subjectId);
    const now = registry.now();
    const { rows } = await session.query<Block>(
      `select ${COLUMNS} from subject_block where subject_id = $1 and block_id::text = $2`,
      [subjectId, blockId],
    );
    const [block] = rows;
    const hasRunOut = block?.expires_at != null && block.expires_at <= now;
    if (!block || (hasRunOut && block.lifted_at === null)) throw new AssentError('block_unknown');
    if (block.lifted_at !== null) return block;
    await session.query(
      'update subject_block set lifted_at = $3 where subject_id = $1 and block_id = $2',
      [subjectId, block.block_id, now],
    );
    await traceAct(registry, session, subjectId, {
      participant_id: byParty,
      purpose: 'block',
      reason: `${block.kind} lifted`,
    });
    await announce(registry, session, subjectId, block, 'lifted');
    return { ...block, lifted_at: now };
  });
  registry.announce?.();
  return lifted;
}
