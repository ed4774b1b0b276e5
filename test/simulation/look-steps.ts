/**
 * The steps of an episode in which people let enquirers look, change their minds and renew.
 *
 * What must stay true: what the registry knows of each is what was brought or done there; whether
 * one may take another's place the succession oracle says before it is tried.
 */
import type { AuthorisationRecord, EventType, Purpose } from '../../src/authorisation/record.ts';
import { type RecordChanges, sampleRecord } from '../../src/authorisation/sample-record.ts';
import { signJws } from '../../src/keys/jws.ts';
import { AssentError } from '../../src/model/error.ts';
import { endAuthorisation } from '../../src/registry/authorisation-events.ts';
import { recordForEnquirer } from '../../src/registry/enquirer-authorisations.ts';
import type { Run } from './hand-over-steps.ts';
import { fail } from './knowledge.ts';
import { ofRenewed, type Person, type Use } from './ledger.ts';
import { type Approval, type Happening, monthsLater, stateAt } from './oracle.ts';
import { DAY_MS, despiteDeath, say } from './steps.ts';
import { mayTakePlace } from './succession-oracle.ts';
import { OPERATOR } from './world.ts';

/** What a person let an enquirer see. */
export interface LookAnswer {
  readonly record: AuthorisationRecord;
  readonly person: Person;
  readonly enquirer: number;
  /** As the registry knows it. */
  readonly happenings: (Happening & { readonly by: 'enquirer' | 'registry' })[];
  readonly uses: Use[];
  readonly before: LookAnswer | null;
  readonly anew: boolean;
}

export const LOOKS: readonly [Purpose, ...Purpose[]] = ['Q1', 'Q1', 'Q2', 'Q3'];

/** What narrows leave to look; each makes one limit bite somewhere. */
const RESTRICTIONS: readonly ((run: Run) => RecordChanges)[] = [
  () => ({ limits: { fetch: 'ONETIME' } }),
  () => ({ limits: { fetch: 'ONETIME' } }),
  ({ random }) => ({
    limits: {
      frequency: {
        n: random.between(1, 3),
        unit: random.pick(['HOUR', 'DAY', 'MONTH', 'YEAR'] as const),
      },
    },
  }),
  ({ random, world }) => ({ limits: { starts_at: dayFrom(world.clock, random.between(-20, 20)) } }),
  ({ random, world }) => ({ limits: { expires_at: dayFrom(world.clock, random.between(0, 40)) } }),
  ({ world }) => ({ limits: { starts_at: monthsLater(world.clock, -12) } }),
  ({ random }) => ({ data: { range_from: random.pick(['2026-01', '2026-02', '2026-03']) } }),
  ({ random }) => ({ data: { range_to: random.pick(['2025-12', '2026-01', '2026-02']) } }),
  ({ random }) => ({
    data: { products: [random.pick(['revolving_line', 'instalment_loan'] as const)] },
  }),
  ({ random }) => ({
    data: { classes: random.chance(0.7) ? ['MONTHLY_PERFORMANCE'] : ['ACCOUNT_BASIC', 'HISTORY'] },
  }),
  ({ random }) => ({
    limits: { condition: random.pick(['LOAN_ACTIVE', 'OVERDUE_GT_1D'] as const) },
  }),
  ({ random }) => ({
    legal_basis: random.pick(['contract', 'legitimate_interest'] as const),
  }),
  () => ({ principal: { on_behalf_of: 'guardian-1' } }),
  () => ({ notice: { version: 1 } }),
  ({ random }) => ({ limits: { onward: random.pick([['lender'], ['lender', 'research']]) } }),
  ({ random }) => ({
    purpose: {
      service_conditional: true,
      necessity_text: random.pick([null, 'needed']),
      alternative_offered: random.pick([null, 'a branch']),
    },
  }),
  ({ world }) => ({
    notice: { shown_at: dayFrom(world.clock, -9) },
    evidence: { method: 'VOICE', witness: 'witness-1' },
  }),
];

const dayFrom = (moment: string, days: number) =>
  new Date(Date.parse(moment) + days * DAY_MS).toISOString();

function merged(all: readonly RecordChanges[]): RecordChanges {
  const record: Record<string, unknown> = {};
  for (const changes of all)
    for (const [section, change] of Object.entries(changes)) {
      const isSection = typeof change === 'object' && change !== null;
      record[section] = isSection ? { ...(record[section] as object), ...change } : change;
    }
  return record as RecordChanges;
}

function termsOf(run: Run, enquirer: number): AuthorisationRecord {
  const { random, world } = run;
  const id = random.uuid();
  const [first, ...others] = RESTRICTIONS as [(typeof RESTRICTIONS)[number]];
  const picked = Array.from({ length: random.pick([0, 1, 1, 1, 2]) }, () =>
    random.pick([first, ...others])(run),
  );
  const changes = merged([
    {
      ...{ authorisation_id: id, arrangement_id: id },
      notice: { version: world.notices['n'] ?? 2 },
      purpose: { code: random.pick(LOOKS) },
      data: { products: ['revolving_line', 'instalment_loan'] },
      limits: { mode: 'VIEW', starts_at: dayFrom(world.clock, -random.between(0, 40)) },
    },
    ...picked,
  ]);
  const parties = {
    provider_id: world.registry.registry_id,
    recipient_class: 'lender' as const,
    recipient_id: world.enquirers[enquirer]?.id ?? '',
  };
  return sampleRecord({ ...changes, parties });
}

export const wordsOf = ({ person, record, enquirer }: LookAnswer) =>
  `c${person.number} enquirer ${enquirer} ${record.purpose.code} (${record.authorisation_id.slice(0, 8)})`;

/** The enquirer brings what a person answered, with all that it knows of it. */
async function bring(run: Run, look: LookAnswer, more: readonly EventType[] = []) {
  const { world } = run;
  const { id, ring } = world.enquirers[look.enquirer] ?? {};
  if (!id || !ring) throw new Error('no such enquirer');
  const own = look.happenings.filter(({ by, type }) => by === 'enquirer' && type !== 'superseded');
  const told = [
    ...own.map(({ type, at }) => ({ type, at })),
    ...more.map((type) => ({ type, at: world.clock })),
  ];
  const events = told.map((each, n) => ({ ...each, seq: n + 1, by_party: id, reason: null }));
  const { record, person } = look;
  const signed = await signJws({ record, events }, ring, { typ: 'assent-authorisation+jws' });
  return recordForEnquirer(world.registry, {
    ...{ enquirer_id: id, signed, keys: { keys: ring.publicKeys } },
    person: {
      ...{ kind: 'passport', country: 'CN', number: `E${String(10_000_000 + person.number)}` },
      ...{ name: `Person ${person.number}`, birth_date: person.birth_date },
    },
  });
}

const stored = (look: LookAnswer, type: string, at: string, now: string) =>
  look.happenings.push({
    ...{ seq: look.happenings.length + 1, type, at, recorded_at: now, by: 'enquirer' },
  });

/** A person lets an enquirer look. */
export async function allow(run: Run): Promise<void> {
  const { random, world, people, ledgers } = run;
  const isKnown = (each: Person) =>
    ledgers.some(({ accounts, stored: of }) =>
      accounts.some(({ person: whose, ref }) => whose === each && of.has(ref)),
    );
  const known = people.filter(isKnown);
  const from = known.length > 0 && random.chance(0.8) ? known : people;
  const person = from[random.between(0, from.length - 1)];
  if (!person) return;
  const enquirer = random.between(0, world.enquirers.length - 1);
  const record = termsOf(run, enquirer);
  const look: LookAnswer = {
    ...{ record, person, enquirer, happenings: [], uses: [], before: null, anew: true },
  };
  const { value, hasDied } = await despiteDeath(run, world.stores.registry, () =>
    bring(run, look, ['given']),
  );
  say(run, `${wordsOf(look)} given`);
  if (value.result !== 'stored' && !hasDied) fail('leave to look was not taken', { look, value });
  stored(look, 'given', world.clock, world.clock);
  run.looks.push(look);
  const again = await bring(run, look);
  if (again.result !== 'unchanged') fail('leave to look was taken twice', { look, again });
}

/** Own uses, and those of the one before where nobody answered anew. */
const usesOf = ({ uses, before, anew }: LookAnswer): readonly Use[] =>
  before === null || anew ? uses : [...usesOf(before), ...uses];

export const approvalOf = (look: LookAnswer): Approval => ({
  terms: look.record,
  happenings: look.happenings,
  uses: usesOf(look),
});

const NEXT: Readonly<Record<string, readonly EventType[]>> = {
  given: ['paused', 'withdrawn'],
  paused: ['resumed', 'withdrawn'],
};

function pickLook({ random, looks }: Run): LookAnswer | null {
  const from = ofRenewed(random, looks, looks);
  return from[random.between(0, Math.max(0, from.length - 1))] ?? null;
}

/**
 * Leave to look is paused, resumed, withdrawn on either side, or renewed.
 * @returns whose leave it was; null: there is none
 */
export async function changeLook(run: Run): Promise<LookAnswer | null> {
  const look = pickLook(run);
  if (!look) return null;
  await (run.random.chance(0.5) ? renewLook(run, look) : endLook(run, look));
  return look;
}

async function endLook(run: Run, look: LookAnswer): Promise<void> {
  const { random, world } = run;
  const state = stateAt(approvalOf(look), world.clock) ?? '';
  const isOwn = look.happenings.every(({ by }) => by === 'enquirer');
  const [first, ...others] = NEXT[state] ?? [];
  if (first === undefined) return;
  if (random.chance(0.3)) {
    await endAuthorisation(world.registry, look.record.authorisation_id, {
      ...{ type: 'withdrawn', reason: 'subject_request', evidence_sha256: 'e'.repeat(64) },
      ...{ by_party: OPERATOR, subject_id: null },
    });
    look.happenings.push({
      ...{ seq: look.happenings.length + 1, type: 'withdrawn', by: 'registry' },
      ...{ at: world.clock, recorded_at: world.clock },
    });
    say(run, `${wordsOf(look)} withdrawn at the registry`);
    return;
  }
  if (!isOwn) return;
  const type = random.pick([first, ...others]);
  await bring(run, look, [type]);
  stored(look, type, world.clock, world.clock);
  say(run, `${wordsOf(look)} ${type}`);
}

/** What becomes other in a record, and how that relates to what the person answered to. */
function changeOf(random: Run['random'], { limits, legal_basis }: AuthorisationRecord) {
  const starts_at = monthsLater(limits.starts_at, 1);
  const basis = legal_basis === 'consent' ? ('contract' as const) : ('consent' as const);
  return random.pick<{ name: string; reach: string; changes: Partial<AuthorisationRecord> }>([
    { name: 'as it was', reach: 'within', changes: {} },
    { name: 'once', reach: 'within', changes: { limits: { ...limits, fetch: 'ONETIME' } } },
    { name: 'later', reach: 'further', changes: { limits: { ...limits, starts_at } } },
    { name: 'another basis', reach: 'other', changes: { legal_basis: basis } },
  ]);
}

/** One call takes the place of what was let before, if that may be. */
async function renewLook(run: Run, old: LookAnswer): Promise<void> {
  const { random, world, looks } = run;
  const { name, reach, changes } = changeOf(random, old.record);
  const isProven = random.chance(0.5);
  const before = old.happenings[0]?.at ?? '';
  const base = { ...old.record, ...changes };
  const record = {
    ...base,
    ...{ authorisation_id: random.uuid(), supersedes: old.record.authorisation_id },
    notice: { ...base.notice, shown_at: isProven ? world.clock : base.notice.shown_at },
    evidence: {
      ...base.evidence,
      sha256: isProven
        ? `${random.uuid()}${random.uuid()}`.replaceAll('-', '')
        : base.evidence.sha256,
    },
  } as AuthorisationRecord;
  const anew = isProven && world.clock > before;
  const { person, enquirer } = old;
  const next: LookAnswer = {
    record,
    person,
    enquirer,
    happenings: [],
    uses: [],
    before: old,
    anew,
  };
  const given = world.clock;
  const may = mayTakePlace(
    { given, isFurther: reach === 'further', isOther: reach === 'other', isAnsweredAnew: anew },
    old.happenings,
    looks.some((each) => each.before === old),
  );
  const answer = await bring(run, next, ['given']).catch((error: unknown) => {
    if (error instanceof AssentError) return { result: error.code };
    throw error;
  });
  say(run, `${wordsOf(next)} ${name}, for ${wordsOf(old)}${may ? '' : ': refused'}`);
  const isTaken = answer.result === 'stored';
  if (isTaken !== may)
    fail('a renewed look was not judged as it must be', { old, next, answer, may });
  if (!may) return;
  const state = stateAt(approvalOf(old), world.clock) ?? '';
  if (['given', 'paused'].includes(state)) stored(old, 'superseded', given, world.clock);
  stored(next, 'given', given, world.clock);
  looks.push(next);
}
