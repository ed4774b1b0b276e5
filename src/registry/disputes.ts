/**
 * Disputes: a person says which fields are wrong, one claim for each, with evidence.
 *
 * What must stay true: a claim copies the value as it was held when it was opened; a field has one
 * open claim at a time; a claim about an account is with its furnisher before the opening commits,
 * so the first stage of the clock is never missed; what is said of the identity is sealed and goes
 * to no furnisher.
 * Source: domain facts 4.4, 8.2; FCRA 611 (U7), Order 631 article 25 (C8).
 */
import { disputeRulesOf } from '../authorisation/dispute-rules.ts';
import type { Profile } from '../authorisation/profile.ts';
import type { Session } from '../database/database.ts';
import { hasValue, isValueOf } from '../model/claim-value.ts';
import { type ClockRules, dueMoments, lateMoments } from '../model/dispute-clock.ts';
import { AssentError } from '../model/error.ts';
import { firstDay, isDate, isPeriod } from '../model/period.ts';
import {
  ACCOUNT_FIELDS,
  CLAIM_FIELDS,
  type ClaimForwarded,
  IDENTITY_FIELDS,
  MONTH_FIELDS,
} from '../wire/claim.ts';
import { claimPlace, isOpen, settleClaim } from './claims.ts';
import { type DisputeView, viewDisputes } from './dispute-views.ts';
import { type EvidenceFile, keepEvidence } from './evidence.ts';
import { appendNews } from './news.ts';
import { type HeldPerson, holdPerson, tellPerson, traceAct } from './person.ts';
import type { Registry } from './registry.ts';
import { blockDueAt, checkTheft, type GROUND } from './theft-blocks.ts';

const CLAIMS_MAX = 20;

export interface ClaimWish {
  /** From the closed list of `wire/claim.ts`. */
  readonly field: string;
  /** Of a month or an account. */
  readonly account_id?: string | null;
  /** `YYYY-MM`, of a month. */
  readonly period?: string | null;
  /** Of a look: "not me". */
  readonly access_id?: string | null;
  /** What it should say; null: the person only knows that it is wrong. */
  readonly claimed_value?: string | null;
  /** PDF, PNG or JPEG files. */
  readonly evidence?: readonly Uint8Array[];
}

/** How a dispute came that the operator enters for the person. */
export interface Entry {
  readonly channel: 'post' | 'counter';
  /** The day on which it came, `YYYY-MM-DD`: the person's clock begins with it. */
  readonly received_on: string;
  readonly by_party: string;
  /** Where the letter is kept, or who was at the counter. */
  readonly reason: string;
}

export interface DisputeWish {
  readonly claims: readonly ClaimWish[];
  /** Why all of them are made; null: the figures are wrong. */
  readonly ground?: typeof GROUND | null;
  readonly entry?: Entry | null;
}

/** The clock of a profile. @throws profile_unknown */
export function clockRulesOf(profile: Profile | null): ClockRules {
  const { forward_days, answer_business_days } = disputeRulesOf(profile);
  const days = profile?.dispute_days ?? { answer: 0, furnisher: 0, extension: 0 };
  return { ...days, forward: forward_days, business: answer_business_days };
}

function wrong(detail: string): never {
  throw new AssentError('claim_invalid', { detail });
}

type About = 'month' | 'account' | 'identity' | 'look';

function aboutOf({ field, account_id, period, access_id }: ClaimWish): About {
  const named = [account_id, period, access_id].map((each) => (each ?? null) !== null);
  const names = (...expected: boolean[]) => named.every((each, n) => each === expected[n]);
  const isIn = (fields: readonly string[]) => fields.includes(field);
  if (!isIn(CLAIM_FIELDS)) wrong(`the fields are ${CLAIM_FIELDS.join(', ')}`);
  if (isIn(MONTH_FIELDS))
    return names(true, true, false) && isPeriod(period ?? '')
      ? 'month'
      : wrong(`${field} is of a month: name account_id and period`);
  if (isIn(ACCOUNT_FIELDS))
    return names(true, false, false)
      ? 'account'
      : wrong(`${field} is of an account: name account_id alone`);
  if (isIn(IDENTITY_FIELDS))
    return names(false, false, false) ? 'identity' : wrong(`${field} is of the person`);
  return names(false, false, true) ? 'look' : wrong('name the access_id of the look');
}

/** What the file holds of the field now, and whose it is. */
interface Held {
  readonly value: string | null;
  readonly furnisher_id: string | null;
  readonly account_ref: string | null;
}

async function heldOf(session: Session, subjectId: string, wish: ClaimWish, about: About) {
  if (about === 'identity') return { value: null, furnisher_id: null, account_ref: null };
  // sql: the field is one of a closed list, which `aboutOf` checked.
  const column = hasValue(wish.field) ? `n.${wish.field}::text` : 'null::text';
  const texts: Record<Exclude<About, 'identity'>, string> = {
    month: `select ${column} as value, k.furnisher_id, k.account_ref
      from account_month n join account k on k.subject_id = n.subject_id
        and k.account_id = n.account_id
      where n.subject_id = $1 and n.account_id::text = $2 and n.period = $3::date
      order by n.revision desc, k.revision desc limit 1`,
    account: `select ${column} as value, n.furnisher_id, n.account_ref from account n
      where n.subject_id = $1 and n.account_id::text = $2 and $3::date is null
      order by n.revision desc limit 1`,
    look: `select null as value, null as furnisher_id, null as account_ref from access n
      where n.subject_id = $1 and n.access_id::text = $2 and $3::date is null`,
  };
  const id = about === 'look' ? wish.access_id : wish.account_id;
  const period = wish.period ? firstDay(wish.period) : null;
  const { rows } = await session.query<Held>(texts[about], [subjectId, id ?? null, period]);
  return rows[0] ?? wrong(`the file holds no such ${about}`);
}

function checkClaimed(wish: ClaimWish, about: About, held: Held): void {
  const claimed = wish.claimed_value ?? null;
  if (claimed === null) return;
  if (!isValueOf(wish.field, claimed)) wrong(`claimed_value is nothing that ${wish.field} can be`);
  if (about !== 'identity' && claimed === held.value) wrong(`${wish.field} says so already`);
}

async function checkNotRunning(session: Session, subjectId: string, wish: ClaimWish) {
  const { rows } = await session.query(
    `select 1 from claim where subject_id = $1 and field = $2 and state in ('open', 'forwarded', 'answered')
       and account_id::text is not distinct from $3 and period is not distinct from $4::date
       and access_id::text is not distinct from $5 limit 1`,
    [
      ...[subjectId, wish.field, wish.account_id ?? null],
      ...[wish.period ? firstDay(wish.period) : null, wish.access_id ?? null],
    ],
  );
  if (rows.length > 0) throw new AssentError('claim_running', { detail: wish.field });
}

/** A dispute that is being opened. */
interface Running {
  readonly dispute_id: string;
  readonly furnisher_due_at: Date;
  readonly ground: string | null;
}

/** A claim that was written, to be told of. */
interface Opened {
  readonly claim_id: string;
  readonly wish: ClaimWish;
  readonly held: Held;
  readonly evidence: readonly EvidenceFile[];
}

async function openClaim(
  registry: Registry,
  session: Session,
  person: HeldPerson,
  wish: ClaimWish,
  dispute: Running,
): Promise<Opened> {
  const about = aboutOf(wish);
  const held = await heldOf(session, person.subject_id, wish, about);
  checkClaimed(wish, about, held);
  await checkNotRunning(session, person.subject_id, wish);
  const claim_id = registry.newId();
  const now = registry.now();
  const claimed = wish.claimed_value ?? null;
  const isSealed = about === 'identity' && claimed !== null;
  const isForwarded = held.furnisher_id !== null;
  await session.query(
    `insert into claim (subject_id, claim_id, dispute_id, account_id, period, access_id, field,
       held_value, claimed_value, claimed_sealed, state, opened_at, furnisher_id, account_ref,
       forwarded_at, furnisher_due_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`,
    [
      ...[person.subject_id, claim_id, dispute.dispute_id, wish.account_id ?? null],
      ...[wish.period ? firstDay(wish.period) : null, wish.access_id ?? null, wish.field],
      ...[held.value, isSealed ? null : claimed],
      isSealed
        ? registry.ring.seal(person.wrapped_key, Buffer.from(claimed), claimPlace(claim_id))
        : null,
      ...[isForwarded ? 'forwarded' : 'open', now, held.furnisher_id, held.account_ref],
      ...[isForwarded ? now : null, isForwarded ? dispute.furnisher_due_at : null],
    ],
  );
  const evidence = await keepEvidence(registry, session, person, claim_id, wish.evidence ?? []);
  return { claim_id, wish, held, evidence };
}

/** Forwards claims to their furnishers, and tells enquirers of looks that nobody knows. */
async function forward(
  registry: Registry,
  session: Session,
  dispute: Running,
  opened: readonly Opened[],
): Promise<void> {
  const ordered = [...opened].sort((a, b) =>
    (a.held.furnisher_id ?? '') < (b.held.furnisher_id ?? '') ? -1 : 1,
  );
  for (const { claim_id, wish, held, evidence } of ordered) {
    if (held.furnisher_id === null || held.account_ref === null) continue;
    const data: ClaimForwarded = {
      claim_id,
      dispute_id: dispute.dispute_id,
      ...(dispute.ground ? { ground: dispute.ground } : {}),
      account_ref: held.account_ref,
      period: wish.period ?? null,
      field: wish.field,
      held_value: held.value,
      claimed_value: wish.claimed_value ?? null,
      evidence: [...evidence],
      answer_by: dispute.furnisher_due_at.toISOString(),
    };
    await appendNews(registry, session, [held.furnisher_id], {
      type: 'claim.forwarded',
      event_id: claim_id,
      data,
    });
  }
  const looks = opened.flatMap(({ claim_id, wish }) =>
    wish.access_id ? [{ claim_id, access_id: wish.access_id }] : [],
  );
  const { rows } = await session.query<{ participant_id: string; access_id: string }>(
    `select a.participant_id, a.access_id from access a
     join participant p on p.participant_id = a.participant_id and p.role = 'enquirer'
     where a.access_id = any($1::uuid[]) order by a.participant_id, a.access_id`,
    [looks.map(({ access_id }) => access_id)],
  );
  for (const { participant_id, access_id } of rows) {
    const claim_id = looks.find((look) => look.access_id === access_id)?.claim_id ?? '';
    await appendNews(registry, session, [participant_id], {
      type: 'look.disputed',
      event_id: claim_id,
      data: { access_id },
    });
  }
}

function checkEntry(registry: Registry, { claims, entry }: DisputeWish): void {
  if (!entry) return;
  const today = registry.now().toISOString().slice(0, 10);
  if (!isDate(entry.received_on) || entry.received_on > today)
    wrong('received_on is a day until today');
  if (entry.reason.trim() === '') wrong('say where the letter is kept, or who came');
  // What came stays with the dispute: nobody but the operator saw it.
  if (!claims.some(({ evidence = [] }) => evidence.length > 0))
    throw new AssentError('evidence_invalid', { detail: 'what came is missing among the files' });
}

/** Writes the dispute itself, with its clocks. */
async function storeDispute(
  registry: Registry,
  session: Session,
  subjectId: string,
  { ground = null, entry = null }: DisputeWish,
): Promise<Running & { readonly answer_due_at: Date }> {
  const clock = clockRulesOf(registry.profile);
  const dispute_id = registry.newId();
  const now = registry.now();
  const received = entry ? new Date(`${entry.received_on}T00:00:00Z`) : now;
  const due = entry ? lateMoments(received, now, clock) : dueMoments(now, clock);
  await session.query(
    `insert into dispute (subject_id, dispute_id, state, opened_at, forward_due_at,
       furnisher_due_at, answer_due_at, ground, block_due_at, block_state, channel, received_on,
       entered_by, entry_reason)
     values ($1, $2, 'open', $3, $4, $5, $6, $7, $8, $9, $10, $11::date, $12, $13)`,
    [
      ...[subjectId, dispute_id, now, due.forward_due_at, due.furnisher_due_at, due.answer_due_at],
      ...[ground, ground && blockDueAt(registry, received), ground && 'asked'],
      ...[entry?.channel ?? null, entry?.received_on ?? null],
      ...[entry?.by_party ?? null, entry?.reason ?? null],
    ],
  );
  const { furnisher_due_at, answer_due_at } = due;
  return { dispute_id, ground, furnisher_due_at, answer_due_at };
}

/**
 * Opens a dispute: all its claims or none.
 * @throws file_unknown, profile_unknown; claim_invalid, naming the field; claim_running;
 * evidence_invalid; theft_invalid
 */
export async function openDispute(
  registry: Registry,
  subjectId: string,
  wish: DisputeWish,
): Promise<DisputeView> {
  const { claims, entry } = wish;
  if (claims.length === 0 || claims.length > CLAIMS_MAX)
    wrong(`a dispute has 1 to ${CLAIMS_MAX} claims`);
  if (wish.ground) checkTheft(claims);
  checkEntry(registry, wish);
  const view = await registry.db.transaction(async (session) => {
    const person = await holdPerson(session, subjectId);
    const dispute = await storeDispute(registry, session, subjectId, wish);
    const { dispute_id, answer_due_at } = dispute;
    const opened: Opened[] = [];
    for (const claim of claims)
      opened.push(await openClaim(registry, session, person, claim, dispute));
    await traceAct(registry, session, subjectId, {
      participant_id: entry?.by_party ?? registry.registry_id,
      purpose: 'dispute',
      reason: entry
        ? `dispute entered (${entry.channel}): ${claims.length} claims`
        : `dispute opened: ${claims.length} claims`,
    });
    await tellPerson(registry, session, subjectId, {
      kind: entry ? 'dispute_entered' : 'dispute_opened',
      facts: {
        ...{ dispute_id, answer_due_at, claims: claims.length },
        ...(entry ? { channel: entry.channel, received_on: entry.received_on } : {}),
      },
    });
    await forward(registry, session, dispute, opened);
    const [shown] = await viewDisputes(registry, session, { subject_id: subjectId, dispute_id });
    return shown;
  });
  registry.announce?.();
  if (!view) throw new Error('the dispute was just opened');
  return view;
}

/** "Not me": a claim about a look, which the operator looks into. @throws as openDispute */
export function disputeLook(
  registry: Registry,
  subjectId: string,
  accessId: string,
): Promise<DisputeView> {
  return openDispute(registry, subjectId, { claims: [{ field: 'look', access_id: accessId }] });
}

/**
 * The person withdraws a dispute: its open claims end, those that ended stay as they did.
 * @throws dispute_unknown, dispute_ended
 */
export async function withdrawDispute(
  registry: Registry,
  subjectId: string,
  disputeId: string,
): Promise<DisputeView> {
  const view = await registry.db.transaction(async (session) => {
    await holdPerson(session, subjectId);
    const sought = { subject_id: subjectId, dispute_id: disputeId };
    const [before] = await viewDisputes(registry, session, sought);
    if (!before) throw new AssentError('dispute_unknown');
    if (before.state !== 'open') throw new AssentError('dispute_ended');
    const running = before.claims
      .filter(isOpen)
      .sort((a, b) => ((a.furnisher_id ?? '') < (b.furnisher_id ?? '') ? -1 : 1));
    for (const claim of running)
      await settleClaim(
        registry,
        session,
        // As it is stored: the view shows the period without its day.
        { ...claim, period: claim.period === null ? null : firstDay(claim.period) },
        { outcome: 'withdrawn', decided_by: 'person', reason: null },
      );
    return (await viewDisputes(registry, session, sought))[0];
  });
  registry.announce?.();
  if (!view) throw new Error('the dispute was just there');
  return view;
}

/** A person's disputes, newest first. */
export function listDisputes(registry: Registry, subjectId: string): Promise<DisputeView[]> {
  return viewDisputes(registry, registry.db, { subject_id: subjectId, dispute_id: null });
}

/** One dispute of a person. @throws dispute_unknown */
export async function findDispute(
  registry: Registry,
  subjectId: string,
  disputeId: string,
): Promise<DisputeView> {
  const sought = { subject_id: subjectId, dispute_id: disputeId };
  const [view] = await viewDisputes(registry, registry.db, sought);
  if (!view) throw new AssentError('dispute_unknown');
  return view;
}
