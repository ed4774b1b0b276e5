/**
 * Gate level: many lives laid into one database at once, decided at many moments and under every
 * profile, in each of the three forms that the checks have: the set form of a whole period, the
 * one-row form, and the form in which the registry asks about one named authorisation.
 *
 * What must stay true: every row of the book is decided and compared, none is sampled; a life
 * counts as one history when all its rows were compared at all moments.
 */
import type { Act } from '../../src/authorisation/check.ts';
import { decideOne, decideParams, passesSql, reasonSql } from '../../src/authorisation/decide.ts';
import { loadProfile, PROFILE_NAMES, type Profile } from '../../src/authorisation/profile.ts';
import type { Entry } from '../../src/authorisation/store.ts';
import type { Database } from '../../src/database/database.ts';
import { decidePeriod, furnishing } from '../../src/gateway/gate.ts';
import type { Gateway } from '../../src/gateway/gateway.ts';
import { type Seeded, seeded } from '../../src/world/seeded.ts';
import { Disagreement, fill, store } from './gate-fill.ts';
import {
  type Account,
  type Calendar,
  calendarOf,
  LIFE_DAYS,
  type Life,
  lifeOf,
  type Month,
  NOTICES,
  PROVIDER,
} from './life.ts';
import { covers, judge, monthsLater, type Row, type Scene, stateAt } from './oracle.ts';

const SHIPPED = PROFILE_NAMES.map(loadProfile);
const [CN] = SHIPPED;
if (!CN) throw new Error('there are profiles');
/** Laws that no country has, so that every check bites whatever the shipped profiles say. */
const MADE_UP: readonly Profile[] = [
  {
    ...CN,
    name: 'MADEUPA',
    conditionality: 'flagged_with_alternative',
    validity_months: 1,
    written_consent: false,
    separate_per_recipient: false,
    legal_bases: [
      ...CN.legal_bases,
      { basis: 'legitimate_interest', purposes: ['F1', 'F2'], rows: 'all' },
      { basis: 'contract', purposes: ['F1', 'F2'], rows: 'all' },
      { basis: 'legal_obligation', purposes: ['F1', 'F2'], rows: 'adverse' },
    ],
  },
  {
    ...CN,
    name: 'MADEUPB',
    conditionality: 'valid',
    notice_change: 'inform',
    legal_bases: [{ basis: 'legitimate_interest', purposes: ['F1'], rows: 'adverse' }],
  },
];
const PROFILES = [...SHIPPED, ...MADE_UP, ...MADE_UP];
const MOMENTS = 8;
const NOBODY = '00000000-0000-4000-8000-0000000000ff';

function rowOf(life: Life, account: Account, month: Month): Row {
  return {
    account: account.account_id,
    kind: account.kind,
    period: month.period,
    days_past_due: month.days_past_due,
    open: month.status === 'open',
    adult_from: life.adult_from,
  };
}

/** The newest revision of each account's month, with the person it belongs to. */
function rowsOf(lives: readonly Life[], period: string): Map<string, { life: Life; row: Row }> {
  const rows = new Map<string, { life: Life; row: Row }>();
  for (const life of lives) {
    for (const account of life.accounts) {
      const month = account.months.filter((each) => each.period === period).at(-1);
      if (month) rows.set(account.account_id, { life, row: rowOf(life, account, month) });
    }
  }
  return rows;
}

function gatewayAt(db: Database, profile: Profile | null, now: string): Gateway {
  return {
    db,
    ring: null as never, // Deciding opens no seal.
    furnisher_id: PROVIDER,
    profile,
    notices: NOTICES,
    now: () => new Date(now),
    newId: () => NOBODY,
  };
}

interface Moment {
  readonly now: string;
  readonly period: string;
  readonly profile: Profile | null;
  readonly use_id: string;
}

/** One person's case, readable, with all that is needed to see who is right. */
function told(life: Life, row: Row, moment: Moment, said: object, oracle: object): string {
  const approvals = life.approvals.map(({ record, happenings, uses }) => ({
    id: record.authorisation_id,
    basis: record.legal_basis,
    notice: `${record.notice.id} ${record.notice.version}`,
    answered: { ...record.principal, ...record.evidence },
    parties: record.parties,
    purpose: record.purpose,
    data: record.data,
    limits: record.limits,
    events: happenings.map((each) => `${each.type} ${each.at}, known ${each.recorded_at}`),
    uses: uses.map((each) => `${each.use_id.slice(-2)} ${each.used_at}`),
  }));
  const { profile, ...when } = moment;
  return [
    `the system says ${JSON.stringify(said)}`,
    `the oracle says ${JSON.stringify(oracle)}`,
    `of ${JSON.stringify(row)}`,
    `at ${JSON.stringify({ ...when, profile: profile?.name ?? null })}`,
    ...approvals.map((each) => JSON.stringify(each, null, 1)),
  ].join('\n');
}

/** What the hand-over of a moment is to the checks. */
function actOf(db: Database, { profile, now, use_id }: Moment): Promise<Act> {
  return furnishing(db, gatewayAt(db, profile, now), new Date(now), use_id);
}

interface Decided {
  readonly account_id: string;
  readonly authorisation_id: string | null;
  readonly reason: string | null;
}

async function decide(db: Database, moment: Moment): Promise<Decided[]> {
  const gateway = gatewayAt(db, moment.profile, moment.now);
  return db.transaction(async (session) => {
    await decidePeriod(session, gateway, moment.period, new Date(moment.now), moment.use_id);
    const { rows } = await session.query<Decided>(
      'select account_id, authorisation_id, reason from decided',
    );
    return rows;
  });
}

/** The one-row form's answer, fed from the life and not from the database. */
function decideAlone(life: Life, row: Row, act: Act): Omit<Decided, 'account_id'> {
  const facts = life.approvals.flatMap((approval) => {
    const { record, uses } = approval;
    const state = stateAt(approval, act.moment.toISOString());
    if (state === null) return [];
    return [
      {
        record,
        subject_id: life.subject_id,
        state: STORED_STATE[state] ?? state,
        uses: uses.map((use) => ({ ...use, used_at: new Date(use.used_at) })),
      },
    ];
  });
  const { account: account_ref, kind, period, days_past_due, open, adult_from } = row;
  const { subject_id } = life;
  return decideOne(
    { subject_id, account_ref, kind, period, days_past_due, active: open, adult_from },
    facts,
    act,
  );
}
/** Where the oracle has another word for a state. */
const STORED_STATE: Readonly<Record<string, string>> = {
  pending: 'requested',
  revoked: 'revoked_by_other',
};

const sceneOf = ({ now, use_id, profile }: Moment): Scene => ({
  now,
  use_id,
  provider_id: PROVIDER,
  law: profile,
  notices: NOTICES,
});

/** Compares every row of one period at one moment. */
async function compare(db: Database, lives: readonly Life[], moment: Moment): Promise<Decided[]> {
  const rows = rowsOf(lives, moment.period);
  const decided = await decide(db, moment);
  const act = await actOf(db, moment);
  if (decided.length !== rows.size)
    throw new Disagreement(`${decided.length} rows decided, ${rows.size} in the book`);
  for (const { account_id, authorisation_id, reason } of decided) {
    const said = { authorisation_id, reason };
    const { life, row } = rows.get(account_id) ?? {};
    if (!life || !row) throw new Disagreement('a row of nobody');
    const oracle = judge(life.approvals, row, sceneOf(moment));
    const isRight =
      reason === null
        ? authorisation_id !== null && oracle.covering.includes(authorisation_id)
        : authorisation_id === null && oracle.reasons.includes(reason);
    if (!isRight) throw new Disagreement(told(life, row, moment, said, oracle));
    const alone = decideAlone(life, row, act);
    if (alone.authorisation_id !== authorisation_id || alone.reason !== reason)
      throw new Disagreement(told(life, row, moment, { set: said, alone }, oracle));
  }
  return decided;
}

/** The registry's question: does this named authorisation cover the row, and if not, why not? */
async function compareNamed(db: Database, lives: readonly Life[], moment: Moment): Promise<number> {
  const act = await actOf(db, moment);
  const rows = rowsOf(lives, moment.period);
  const asked = await db.query<Decided & { passes: boolean }>(
    `select r.account_ref as account_id, a.authorisation_id, (${passesSql()}) is true as passes,
       ${reasonSql()} as reason
     from (select k.account_id as account_ref, k.subject_id, k.kind, m.period, m.days_past_due,
             m.days_past_due > 0 as adverse, m.status = 'open' as active, c.adult_from
           from account k join customer c on c.subject_id = k.subject_id
           join (select distinct on (account_id) * from account_month where period = $13::date
                 order by account_id, revision desc) m on m.account_id = k.account_id) r
     join authorisation a on a.subject_id = r.subject_id and a.provider_id = $2::uuid`,
    [...decideParams(act), `${moment.period}-01`],
  );
  for (const { account_id, authorisation_id, passes, reason } of asked.rows) {
    const { life, row } = rows.get(account_id) ?? {};
    if (!life || !row) throw new Disagreement('a row of nobody');
    const oracle = covers(authorisation_id ?? '', life.approvals, row, sceneOf(moment));
    const isRight = passes
      ? oracle.covered && reason === null
      : !oracle.covered && reason !== null && oracle.reasons.includes(reason);
    if (!isRight)
      throw new Disagreement(told(life, row, moment, { authorisation_id, passes, reason }, oracle));
  }
  return asked.rows.length;
}

/** Withdrawing never opens anything: what is released after it was released before it. */
async function compareWithdrawn(db: Database, lives: readonly Life[], moment: Moment) {
  const released = async () =>
    new Set(
      (await decide(db, moment)).filter((row) => row.reason === null).map((r) => r.account_id),
    );
  const before = await released();
  const gone: Entry[] = lives.flatMap(({ subject_id, approvals }) =>
    approvals.flatMap(({ record, events }) => {
      const last = events.at(-1);
      const isOpen = last && ['given', 'paused', 'resumed'].includes(last.type);
      if (!isOpen || !/[0-7]$/.test(record.authorisation_id)) return [];
      const withdrawn = { ...last, seq: last.seq + 1, type: 'withdrawn' as const };
      return [{ subject_id, subject_ref: subject_id, record, events: [...events, withdrawn] }];
    }),
  );
  await store(db, gone, moment.now);
  const after = await released();
  for (const account of after)
    if (!before.has(account)) throw new Disagreement(`a withdrawal opened ${account}`);
  const people = new Set(gone.map((each) => each.subject_id));
  return { withdrawn: gone.length, people: people.size, closed: before.size - after.size };
}

/** Moments at which something changes for somebody, by what changes. */
function turningPoints(lives: readonly Life[]): string[][] {
  const approvals = lives.flatMap((life) => life.approvals);
  const limits = approvals.map(({ record }) => record.limits);
  const limited = approvals.filter(({ record }) => record.limits.frequency !== null);
  // The moment at which a use no longer counts.
  const free = limited.flatMap(({ record, uses }) =>
    uses.map((use) => unitAfter(use.used_at, record.limits.frequency?.unit ?? '')),
  );
  const ends = limits.flatMap((each) => each.expires_at ?? []);
  return [
    limits.map((each) => each.starts_at),
    ends,
    ends,
    limits.flatMap((each) => [1, 12].map((months) => monthsLater(each.starts_at, months))),
    approvals.flatMap(({ happenings }) =>
      happenings.flatMap((each) => [each.at, each.recorded_at]),
    ),
    approvals.flatMap(({ uses }) => uses.map((use) => use.used_at)),
    free,
    free,
    // From then on a profile is in force.
    SHIPPED.map((profile) => `${profile.effective_from}T00:00:00.000Z`),
  ];
}

function unitAfter(moment: string, unit: string): string {
  if (unit === 'MONTH') return monthsLater(moment, 1);
  if (unit === 'YEAR') return monthsLater(moment, 12);
  return new Date(Date.parse(moment) + (unit === 'DAY' ? 24 : 1) * 3_600_000).toISOString();
}

function momentOf(random: Seeded, calendar: Calendar, lives: readonly Life[]): Moment {
  const kinds = turningPoints(lives);
  const points = kinds[random.between(0, kinds.length - 1)] ?? [];
  const turning = points[random.between(0, points.length - 1)];
  const anyDay = calendar.day(random.between(0, LIFE_DAYS));
  const at = random.chance(0.7) && turning !== undefined ? turning : anyDay;
  const offset = random.pick([0, 0, 0, 0, -1, 1]);
  return {
    now: new Date(Date.parse(at) + offset).toISOString(),
    period: random.pick([...calendar.periods]),
    profile: random.chance(0.04)
      ? null
      : (PROFILES[random.between(0, PROFILES.length - 1)] ?? null),
    // Sometimes the hand-over that decides is one that used the approval before: a resumption.
    use_id: random.chance(0.3) ? '00000000-0000-4000-8000-0000000000d0' : NOBODY,
  };
}

export interface GateTally {
  readonly histories: number;
  /** Rows compared, each in the set form and in the one-row form. */
  readonly decisions: number;
  /** Those of them that were released. */
  readonly released: number;
  /** Named authorisations compared in the registry's form. */
  readonly named: number;
}

/**
 * Lives so many histories in one database.
 * @param db a gateway's database, migrated; it is emptied
 * @param seed the same seed lives the same lives
 * @throws Disagreement with the case of one person
 */
export async function liveAtTheGate(
  db: Database,
  seed: number,
  histories: number,
): Promise<GateTally> {
  const random = seeded(seed);
  const calendar = calendarOf(random);
  const lives = Array.from({ length: histories }, () => lifeOf(random, calendar));
  await fill(db, lives, calendar);
  const decided: Decided[] = [];
  for (let n = 0; n < MOMENTS; n += 1)
    decided.push(...(await compare(db, lives, momentOf(random, calendar, lives))));
  // The registry judges by the state its table holds: from a day on which all has happened.
  const end = {
    ...momentOf(random, calendar, lives),
    now: calendar.day(LIFE_DAYS + random.between(30, 60)),
  };
  const named = await compareNamed(db, lives, end);
  await compareWithdrawn(db, lives, end);
  const released = decided.filter((row) => row.reason === null).length;
  return { histories, decisions: decided.length, released, named };
}
