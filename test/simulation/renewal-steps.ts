/**
 * The steps of an episode in which one approval takes the place of another: renewed on a new
 * answer, narrowed by the lender's hand, or tried without the right to.
 *
 * What must stay true: the succession oracle says before the step whether it may be; what may not
 * be leaves everything as it was, and what may be leaves neither a gap nor two in force.
 */
import type { AuthorisationRecord } from '../../src/authorisation/record.ts';
import { answerOf, earlier, importLines, linesOf, told } from './asking-steps.ts';
import { fail, learn } from './knowledge.ts';
import { type Answer, approvalOf, type Ledger, type Made, ofRenewed } from './ledger.ts';
import { monthsLater, stateAt } from './oracle.ts';
import { despiteDeath, type Episode, say } from './steps.ts';
import { mayTakePlace } from './succession-oracle.ts';

interface Change {
  readonly name: string;
  readonly reach: 'within' | 'further' | 'other';
  /** Null: it makes no sense of this record. */
  readonly make: (old: AuthorisationRecord, now: string) => Partial<AuthorisationRecord> | null;
}

const limits = (old: AuthorisationRecord, over: Partial<AuthorisationRecord['limits']>) => ({
  limits: { ...old.limits, ...over },
});
const data = (old: AuthorisationRecord, over: Partial<AuthorisationRecord['data']>) => ({
  data: { ...old.data, ...over },
});

/** What becomes other in the new record, and how that relates to what the person answered to. */
const CHANGES: readonly Change[] = [
  { name: 'as it was', reach: 'within', make: () => ({}) },
  {
    name: 'one product',
    reach: 'within',
    make: (old) => data(old, { products: old.data.products.slice(0, 1) }),
  },
  { name: 'once', reach: 'within', make: (old) => limits(old, { fetch: 'ONETIME' }) },
  {
    name: 'once a month',
    reach: 'within',
    make: (old) =>
      old.limits.frequency === null ? limits(old, { frequency: { n: 1, unit: 'MONTH' } }) : null,
  },
  {
    name: 'an earlier end',
    reach: 'within',
    make: (old, now) =>
      old.limits.expires_at === null ? limits(old, { expires_at: monthsLater(now, 1) }) : null,
  },
  {
    name: 'erasing',
    reach: 'within',
    make: (old) => ({ withdrawal: { ...old.withdrawal, effect: 'STOP_AND_ERASE' } }),
  },
  {
    name: 'a later beginning',
    reach: 'further',
    make: (old) => limits(old, { starts_at: monthsLater(old.limits.starts_at, 1) }),
  },
  {
    name: 'a later end',
    reach: 'further',
    make: (old) =>
      old.limits.expires_at === null
        ? null
        : limits(old, { expires_at: monthsLater(old.limits.expires_at, 2) }),
  },
  {
    name: 'no end to its uses',
    reach: 'further',
    make: (old) => (old.limits.fetch === 'ONETIME' ? limits(old, { fetch: 'PERIODIC' }) : null),
  },
  {
    name: 'all accounts',
    reach: 'further',
    make: (old) => (old.data.accounts === 'ALL' ? null : data(old, { accounts: 'ALL' })),
  },
  {
    name: 'every month',
    reach: 'further',
    make: (old) =>
      old.data.range_from === null && old.data.range_to === null
        ? null
        : data(old, { range_from: null, range_to: null }),
  },
  {
    name: 'the newest notice',
    reach: 'further',
    make: (old) => ({ notice: { ...old.notice, version: old.notice.version + 1 } }),
  },
  {
    name: 'another basis',
    reach: 'other',
    make: (old) => ({
      legal_basis: old.legal_basis === 'consent' ? 'contract' : 'consent',
    }),
  },
];

const NARROWER = CHANGES.filter(({ reach }) => reach === 'within');

/** A proof of its own: as many hexadecimal digits as a hash. */
const proofOf = (random: Episode['random']) =>
  `${random.uuid()}${random.uuid()}`.replaceAll('-', '');

const lastAt = ({ made }: Answer) =>
  made
    .map(({ at }) => at)
    .sort()
    .at(-1) ?? '';
const givenAt = ({ known }: Answer) => known.gateway.find(({ type }) => type === 'given')?.at;

interface Draft {
  readonly record: AuthorisationRecord;
  readonly given: string;
  readonly change: Change;
  readonly anew: boolean;
}

function draftOf(episode: Episode, old: Answer): Draft | null {
  const { random, world } = episode;
  // What was used is mostly narrowed by the lender's hand: then its uses go on counting.
  const isUsed = approvalOf(old, 'gateway').uses.length > 0;
  const changes = isUsed ? [...CHANGES, ...NARROWER, ...NARROWER] : CHANGES;
  const change = random.pick(changes as [Change, ...Change[]]);
  const changed = change.make(old.record, world.clock);
  if (changed === null) return null;
  const guess = random.chance(0.7) ? world.clock : earlier(episode, 3);
  const given = random.chance(0.8) && lastAt(old) > guess ? lastAt(old) : guess;
  // A new proof, and when the notice was shown: before this answer, or before the earlier one.
  const isProven = random.chance(isUsed ? 0.3 : 0.6);
  const shown = random.pick([given, given, given, lastAt(old), monthsLater(given, -3)]);
  const shown_at = isProven ? shown : old.record.notice.shown_at;
  const base = { ...old.record, ...changed };
  const sha256 = isProven ? proofOf(random) : old.record.evidence.sha256;
  const record: AuthorisationRecord = {
    ...base,
    authorisation_id: random.uuid(),
    supersedes: old.record.authorisation_id,
    notice: { ...base.notice, shown_at },
    evidence: { ...base.evidence, sha256 },
  };
  const before = givenAt(old);
  const isShown = shown_at !== null && shown_at <= given;
  const anew = isProven && isShown && (before === undefined || shown_at > before);
  return { record, given, change, anew };
}

/** One of the lender's approvals, mostly one that is in force. */
function pickOld({ random, world }: Episode, ledger: Ledger): Answer | null {
  const stateOf = (each: Answer) => stateAt(approvalOf(each, 'gateway'), world.clock) ?? '';
  const inForce = ledger.answers.filter((each) => stateOf(each) === 'given');
  // Those that were used up: whether the uses go on counting is seen on them alone.
  const used = inForce.filter((each) => approvalOf(each, 'gateway').uses.length > 0);
  // Those under which something is held: whom an end reaches is seen on them alone.
  const held = new Set(
    [...ledger.held.values()].flatMap(({ revisions }) => revisions.at(-1)?.authorisation_id ?? []),
  );
  const holding = inForce.filter((each) => held.has(each.record.authorisation_id));
  // Whose place another has taken, superseded or ended before: nobody else may take it.
  const taken = new Set(ledger.answers.map(({ before }) => before));
  const replaced = ledger.answers.filter((each) => taken.has(each));
  if (replaced.length > 0 && random.chance(0.15)) return random.pick(replaced as [Answer]);
  const some = [used, holding, inForce].find((list) => list.length > 0 && random.chance(0.4));
  const from = ofRenewed(random, ledger.answers, some ?? ledger.answers);
  return from[random.between(0, Math.max(0, from.length - 1))] ?? null;
}

/** The new one is given and the old one superseded, at one moment. */
function replace(episode: Episode, ledger: Ledger, old: Answer, next: Answer): void {
  const { clock } = episode.world;
  const state = stateAt(approvalOf(old, 'gateway'), clock) ?? '';
  const [first] = next.made;
  if (first && ['given', 'paused'].includes(state))
    old.made.push({ type: 'superseded', at: first.at, by: 'gateway', made_at: clock });
  ledger.answers.push(next);
}

/** An approval is renewed or amended, or that is tried. */
export async function renew(episode: Episode, side: 0 | 1): Promise<void> {
  const { world, random } = episode;
  const ledger = episode.ledgers[side];
  await learn({ world, side, ledger });
  const old = pickOld(episode, ledger);
  const draft = old && draftOf(episode, old);
  if (!old || !draft) return;
  const { record, given, change, anew } = draft;
  const isTaken = ledger.answers.some((each) => each.before === old);
  const isDead = ledger.dead.has(old.person);
  const may =
    !isDead &&
    mayTakePlace(
      {
        given,
        isFurther: change.reach === 'further',
        isOther: change.reach === 'other',
        isAnsweredAnew: anew,
      },
      old.known.gateway,
      isTaken,
    );
  const lines = linesOf(record, old.person.number, [{ type: 'given', at: given }]);
  const store = world.stores.gateways[side];
  const { value: report, hasDied } = await despiteDeath(episode, store, () =>
    importLines(episode, side, lines),
  );
  const made: Made = { type: 'given', at: given, by: 'gateway', made_at: world.clock };
  const next = answerOf(record, old.person, made, old, anew);
  const words = `furnisher ${side}: ${told(next)} ${change.name}, ${anew ? 'anew, ' : ''}`;
  say(episode, `${words}for ${told(old)}${may ? '' : ': refused'}`);
  const facts = { record, old, change: change.name, anew, given, report, isDead, isTaken };
  const isTakenUp = report.stored === 1 || (hasDied && report.unchanged === 1);
  if (may && !isTakenUp) fail('a renewal was not taken', facts);
  if (!may && (report.stored > 0 || report.unchanged > 0 || report.faults.length !== 1))
    fail('a renewal was taken that may not be', facts);
  if (!may) return;
  replace(episode, ledger, old, next);
  if (!random.chance(0.3)) return;
  const again = await importLines(episode, side, lines);
  if (again.unchanged !== 1) fail('a renewal that was told again changed something', { again });
}
