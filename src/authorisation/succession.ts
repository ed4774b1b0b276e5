/**
 * Renewal and amendment: one record takes the place of another in the same arrangement.
 *
 * What must stay true: person, provider, recipient class, purpose, legal basis and arrangement
 * stay; whatever reaches further than what the person answered to needs a new answer of theirs; a
 * gap is never an allowance, so what cannot be compared counts as reaching further.
 * Source: PIPL 14 and 23 (domain facts 2.1 C19, C22), CDR arrangements (3.5), lessons 17.
 */

import { UUID } from '../model/uuid.ts';
import { addSpan } from './moment.ts';
import {
  type AuthorisationEvent,
  type AuthorisationRecord,
  type AuthorisationState,
  fold,
  hasEnded,
  type Span,
  TIME_UNITS,
  WITHDRAWAL_EFFECTS,
} from './record.ts';

/** One authorisation as it stands: whose it is, what it says and how far its life has come. */
export interface Standing {
  readonly subject_id: string;
  readonly record: AuthorisationRecord;
  readonly events: readonly AuthorisationEvent[];
  readonly state: AuthorisationState;
}

export interface SuccessionFault {
  readonly code:
    | 'supersedes_invalid'
    | 'amendment_unanswered'
    | 'authorisation_superseded'
    | 'event_backdated';
  readonly field: string;
  readonly problem: string;
}

/** Field and value that both records must share. */
const SHARED: readonly (readonly [string, (each: Standing) => string])[] = [
  ['subject_ref', ({ subject_id }) => subject_id],
  ['arrangement_id', ({ record }) => record.arrangement_id],
  ['purpose', ({ record }) => record.purpose.code],
  ['provider_id', ({ record }) => record.parties.provider_id],
  ['recipient_class', ({ record }) => record.parties.recipient_class],
  ['legal_basis', ({ record }) => record.legal_basis],
];

/** Any day does: spans are compared by where they lead from it. */
const REFERENCE = new Date('2001-01-01T00:00:00.000Z');
const lengthOf = (span: Span) => addSpan(REFERENCE, span).getTime();
const MODES = ['VIEW', 'QUERY', 'STORE'];

const isSubset = (part: readonly string[], whole: readonly string[]) =>
  part.every((each) => whole.includes(each));
/** `null` means without bound. */
const isBeyond = <T>(next: T | null, old: T | null, isFurther: (next: T, old: T) => boolean) =>
  old !== null && (next === null || isFurther(next, old));

/** At most `n` in a unit: fewer, in the same unit or a longer one, is never more. */
function isOftener(next: Span, old: Span): boolean {
  return next.n > old.n || TIME_UNITS.indexOf(next.unit) < TIME_UNITS.indexOf(old.unit);
}

function dataBeyond({ data: next }: AuthorisationRecord, { data: old }: AuthorisationRecord) {
  const accounts =
    old.accounts !== 'ALL' && (next.accounts === 'ALL' || !isSubset(next.accounts, old.accounts));
  return {
    classes: !isSubset(next.classes, old.classes),
    products: !isSubset(next.products, old.products),
    accounts,
    range_from: isBeyond(next.range_from, old.range_from, (a, b) => a < b),
    range_to: isBeyond(next.range_to, old.range_to, (a, b) => a > b),
    sensitive: next.sensitive && !old.sensitive,
  };
}

function limitsBeyond({ limits: next }: AuthorisationRecord, { limits: old }: AuthorisationRecord) {
  const onward =
    next.onward !== 'NONE' && (old.onward === 'NONE' || !isSubset(next.onward, old.onward));
  return {
    mode: MODES.indexOf(next.mode) > MODES.indexOf(old.mode),
    fetch: next.fetch === 'PERIODIC' && old.fetch === 'ONETIME',
    frequency: isBeyond(next.frequency, old.frequency, isOftener),
    // An approval that begins later also ends later where the law bounds how long it lasts.
    starts_at: next.starts_at !== old.starts_at,
    expires_at: isBeyond(next.expires_at, old.expires_at, (a, b) => a > b),
    data_life: isBeyond(next.data_life, old.data_life, (a, b) => lengthOf(a) > lengthOf(b)),
    onward,
    condition: isBeyond(next.condition, old.condition, (a, b) => a !== b),
  };
}

/**
 * Fields in which a record reaches further than the one it supersedes, or rests on words that the
 * person was not shown; empty when all of it lies within what was answered.
 */
export function fieldsBeyond(next: AuthorisationRecord, old: AuthorisationRecord): string[] {
  const effect = (each: AuthorisationRecord) => WITHDRAWAL_EFFECTS.indexOf(each.withdrawal.effect);
  const wider: Readonly<Record<string, boolean>> = {
    ...dataBeyond(next, old),
    ...limitsBeyond(next, old),
    profile: next.profile !== old.profile,
    notice: next.notice.id !== old.notice.id || next.notice.sha256 !== old.notice.sha256,
    notice_version: next.notice.version !== old.notice.version,
    recipient_id: isBeyond(next.parties.recipient_id, old.parties.recipient_id, (a, b) => a !== b),
    brand: next.parties.brand !== old.parties.brand,
    service_conditional: next.purpose.service_conditional && !old.purpose.service_conditional,
    necessity_text: next.purpose.necessity_text !== old.purpose.necessity_text,
    alternative_offered: next.purpose.alternative_offered !== old.purpose.alternative_offered,
    on_behalf_of: next.principal.on_behalf_of !== old.principal.on_behalf_of,
    withdrawal_effect: effect(next) < effect(old),
  };
  return Object.keys(wider).filter((field) => wider[field]);
}

/** When the person first said yes; null before that. */
export const givenAt = (events: readonly AuthorisationEvent[]): string | null =>
  events.find((event) => event.type === 'given')?.at ?? null;

type Answered = Pick<Standing, 'record' | 'events'>;

/**
 * Whether the person answered anew: an artefact of its own (a page, a scan, a recording), and a
 * notice shown after the earlier answer and no later than this one.
 */
export function isAnsweredAnew(next: Answered, old: Answered): boolean {
  const { evidence, notice } = next.record;
  const [given, before] = [givenAt(next.events), givenAt(old.events)];
  return (
    evidence.sha256 !== old.record.evidence.sha256 &&
    notice.shown_at !== null &&
    (before === null || notice.shown_at > before) &&
    (given === null || notice.shown_at <= given)
  );
}

/**
 * When the person answered last: what the lender narrowed by its own hand rests on the answer
 * before; empty before there was one.
 * @param known those of the arrangement, by authorisation_id
 */
export function answeredAt(next: Answered, known: ReadonlyMap<string, Answered>): string {
  for (let each = next; ; ) {
    const old = known.get(each.record.supersedes ?? '');
    if (!old || isAnsweredAnew(each, old)) return givenAt(each.events) ?? '';
    each = old;
  }
}

/** Another has taken its place, whatever ended it beside that. */
export const wasSuperseded = (events: readonly Pick<AuthorisationEvent, 'type'>[]): boolean =>
  events.some(({ type }) => type === 'superseded');

/** Whether a record in this state is in force, or would be once it is resumed. */
export const isInForce = (state: AuthorisationState) => state === 'given' || state === 'paused';

/** Its events but those that say it was superseded, and what it would be without. */
function withoutSuperseded(events: readonly AuthorisationEvent[]) {
  const own = events
    .filter((event) => event.type !== 'superseded')
    .map((event, index) => ({ ...event, seq: index + 1 }));
  const folded = fold(own);
  return { own, state: folded.ok ? folded.state : null };
}

/** Where the old one's events say that this one took its place; below 0: they do not. */
const successionIndex = (next: Standing, old: Standing) =>
  old.events.findIndex(
    ({ type, reason }) => type === 'superseded' && reason === next.record.authorisation_id,
  );

/**
 * The old one when this one took its place. Its end since then, other than a withdrawal, is its
 * own: who learns of both at once, and judges, must not take it for an end that came before.
 */
function stoodFor(next: Standing, old: Standing) {
  const now = withoutSuperseded(old.events);
  const at = successionIndex(next, old);
  return at < 0 || now.state === 'withdrawn' ? now : withoutSuperseded(old.events.slice(0, at));
}

/**
 * Why `next` cannot take the place of `old`; null when it can. A request is judged by what both
 * must share; once it is given, also by what was answered. `old` may have been superseded already:
 * the two sides of a succession do not always arrive in their order.
 */
export function successionFault(next: Standing, old: Standing): SuccessionFault | null {
  const differs = SHARED.find(([, value]) => value(next) !== value(old));
  if (differs) {
    const problem = 'is not that of the authorisation it supersedes';
    return { code: 'supersedes_invalid', field: differs[0], problem };
  }
  if (givenAt(old.events) === null) {
    const problem = 'names a request that nobody approved';
    return { code: 'supersedes_invalid', field: 'supersedes', problem };
  }
  const given = givenAt(next.events);
  if (given === null) return null;
  const heir = old.events.find((event) => event.type === 'superseded')?.reason ?? '';
  if (UUID.test(heir) && heir !== next.record.authorisation_id) {
    const problem = 'names an authorisation whose place another has taken';
    return { code: 'authorisation_superseded', field: 'supersedes', problem };
  }
  return answerFault(next, old, given);
}

/** The answer is earlier than something that happened to what it names, or a withdrawal before that. */
export const BACKDATED: SuccessionFault = {
  code: 'event_backdated',
  field: 'event_at',
  problem: 'is earlier than the newest event of the authorisation it supersedes',
};

/** The same of an answer, with what it was given beside. */
function answerFault(next: Standing, old: Standing, given: string): SuccessionFault | null {
  // What has ended as well grants nothing: it is history, on which a later answer can stand.
  if (hasEnded(next.state) && successionIndex(next, old) >= 0) return null;
  const { own, state } = stoodFor(next, old);
  const isBound = state !== null && (isInForce(state) || state === 'withdrawn');
  if (isBound && own.some(({ at }) => given < at)) return BACKDATED;
  if (isAnsweredAnew(next, old)) return null;
  // What was ended or paused does not come back by the lender's hand alone.
  const [field = state === 'given' ? null : 'supersedes'] = fieldsBeyond(next.record, old.record);
  if (field === null) return null;
  const problem = 'reaches beyond what the person answered to: a new answer is needed';
  return { code: 'amendment_unanswered', field, problem };
}
