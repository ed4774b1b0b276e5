/**
 * Alerts: what changed about the people of a portfolio since it was last looked at.
 *
 * What must stay true: each change is told once, in the feed too, with a trace, in the transaction
 * that remembers it; an alert names neither the person, but for the enquirer's own authorisation, nor another
 * lender; who does not monitor with a given authorisation is told of nothing but its end.
 * Source: domain facts 5.5 (alerts to a lender on its own customer).
 */
import type { Session } from '../database/database.ts';
import { type FileFacts, newestOf } from '../model/file-facts.ts';
import { summaryOf } from '../model/file-summary.ts';
import { namedOf, readNamed } from './answer-looks.ts';
import { lookAct, scopeLook } from './looks.ts';
import { appendNews } from './news.ts';
import type { Registry } from './registry.ts';
import { factsOfRow } from './report-facts.ts';

const LATE_DAYS = 30;
/** Twenty points of a hundred, in hundredths of one. */
const UTILISATION_STEP = 2000;
const BURST_LOOKS = 4;
const BURST_MS = 30 * 86_400_000;
const PAGE = 100;
const NONE = '00000000-0000-0000-0000-000000000000';

export const ALERT_KINDS = [
  'late_elsewhere',
  'new_lender',
  'utilisation_up',
  'enquiry_burst',
  'freeze',
  'credit_ban',
  'authorisation_ended',
] as const;
export type AlertKind = (typeof ALERT_KINDS)[number];

export interface Alert {
  readonly kind: AlertKind;
  /** Counts and shares alone. */
  readonly facts: Readonly<Record<string, number>>;
}

/** What was seen of one person for one enquirer. */
export interface Seen {
  readonly is_given: boolean;
  /** Accounts of others that are 30 days late or more. */
  readonly late: readonly string[];
  /** Licences of other lenders with an account. */
  readonly lenders: readonly string[];
  /** Used share of limits in hundredths of a percent: the lowest since it was last told. */
  readonly utilisation: number | null;
  /** Looks for new credit of others in 30 days. */
  readonly looks: number;
  readonly blocks: readonly string[];
}

const ENDED: Seen = {
  ...{ is_given: false, late: [], lenders: [], utilisation: null, looks: 0, blocks: [] },
};

/** Used share of the limits, in hundredths of a percent; the highest among currencies. */
function utilisationOf(facts: FileFacts): number | null {
  const shares = summaryOf(facts, 0).amounts.flatMap(({ limit_minor, used_minor }) =>
    limit_minor > 0 ? [Math.floor((used_minor * 10_000) / limit_minor)] : [],
  );
  return shares.length === 0 ? null : Math.max(...shares);
}

/** What an enquirer with this licence would be told to compare with. */
export function seenOf(
  facts: FileFacts,
  own: { readonly participant_id: string; readonly licence_id: string },
): Seen {
  const others = facts.accounts.filter(({ lender }) => lender.licence_id !== own.licence_id);
  const since = Date.parse(facts.at) - BURST_MS;
  return {
    is_given: true,
    late: others
      .filter((account) => (newestOf(account)?.days_past_due ?? 0) >= LATE_DAYS)
      .map(({ account_id }) => account_id),
    lenders: [...new Set(others.map(({ lender }) => lender.licence_id))].sort(),
    utilisation: utilisationOf(facts),
    looks: facts.looks.filter(
      ({ kind, enquirer_id, at }) =>
        kind === 'new_credit' && enquirer_id !== own.participant_id && Date.parse(at) > since,
    ).length,
    blocks: facts.blocks.map(({ kind }) => kind),
  };
}

const newIn = (before: readonly string[], now: readonly string[]) =>
  now.filter((each) => !before.includes(each)).length;

/**
 * What is to be told, and what is remembered for the next time. The first look tells nothing: all
 * of it was in the report.
 */
export function alertsBetween(
  before: Seen | null,
  now: Seen,
): { readonly alerts: readonly Alert[]; readonly seen: Seen } {
  if (before === null || !before.is_given) return { alerts: [], seen: now };
  if (!now.is_given) return { alerts: [{ kind: 'authorisation_ended', facts: {} }], seen: now };
  const alerts: Alert[] = [];
  const late = newIn(before.late, now.late);
  if (late > 0) alerts.push({ kind: 'late_elsewhere', facts: { accounts: late } });
  const lenders = newIn(before.lenders, now.lenders);
  if (lenders > 0) alerts.push({ kind: 'new_lender', facts: { lenders } });
  const [from, to] = [before.utilisation, now.utilisation];
  const isUp = from !== null && to !== null && to - from >= UTILISATION_STEP;
  if (isUp) alerts.push({ kind: 'utilisation_up', facts: { from, to } });
  if (before.looks < BURST_LOOKS && now.looks >= BURST_LOOKS)
    alerts.push({ kind: 'enquiry_burst', facts: { looks: now.looks } });
  for (const kind of ['freeze', 'credit_ban'] as const)
    if (!before.blocks.includes(kind) && now.blocks.includes(kind))
      alerts.push({ kind, facts: {} });
  // Many small steps up are one large one.
  const lowest = isUp || from === null || to === null ? to : Math.min(from, to);
  return { alerts, seen: { ...now, utilisation: lowest } };
}

interface Watched {
  readonly subject_id: string;
  readonly authorisation_id: string;
  readonly state: string;
  readonly seen: Seen | null;
}

/** $1 enquirer, $2 the registry, $3 after, $4 limit: those given, and those that were. */
const WATCHED = `
  select a.subject_id, a.authorisation_id, a.state, m.seen
  from authorisation a
  left join monitor m on m.subject_id = a.subject_id and m.authorisation_id = a.authorisation_id
  where a.recipient_id = $1::uuid and a.provider_id = $2::uuid and a.purpose = 'Q2'
    and a.authorisation_id > $3::uuid and (a.state = 'given' or (m.seen ->> 'is_given')::boolean)
  order by a.authorisation_id limit $4`;

/** Holds the enquirer's alerts until the commit, and makes room for so many. @returns the newest */
async function takePositions(session: Session, enquirerId: string, n: number): Promise<number> {
  const { rows } = await session.query<{ position: number }>(
    `insert into alert_head (enquirer_id, position) values ($1::uuid, $2::bigint)
     on conflict (enquirer_id) do update set position = alert_head.position + excluded.position
     returning position`,
    [enquirerId, n],
  );
  return rows[0]?.position ?? 0;
}

/** $1 what was seen of each as JSON, $2 the alerts as JSON, $3 the moment, $4 the enquirer. */
const REMEMBER = `
  with told as (
    insert into alert (enquirer_id, position, authorisation_id, kind, facts, at)
    select $4::uuid, t.position, t.authorisation_id, t.kind, t.facts, $3::timestamptz
    from jsonb_to_recordset($2::jsonb) as t (position bigint, authorisation_id uuid, kind text,
      facts jsonb)
  ), traced as (
    insert into access (subject_id, access_id, participant_id, purpose, reason, at,
      authorisation_id, kind, outcome)
    select w.subject_id, w.access_id, $4::uuid, 'Q2', w.trace, $3::timestamptz,
      w.authorisation_id, 'account_management', 'alert'
    from jsonb_to_recordset($1::jsonb) as w (subject_id uuid, authorisation_id uuid,
      access_id uuid, trace text) where w.trace is not null
  )
  insert into monitor (subject_id, authorisation_id, seen, seen_at)
  select w.subject_id, w.authorisation_id, w.seen, $3::timestamptz
  from jsonb_to_recordset($1::jsonb) as w (subject_id uuid, authorisation_id uuid, seen jsonb)
  on conflict (subject_id, authorisation_id) do update set seen = excluded.seen,
    seen_at = excluded.seen_at`;

interface Own {
  readonly participant_id: string;
  readonly licence_id: string;
}

/** What is seen of each person of a page now; null: nothing may be told at present. */
async function look(
  registry: Registry,
  session: Session,
  own: Own,
  page: readonly Watched[],
): Promise<(Seen | null)[]> {
  const moment = registry.now();
  const given = page.filter(({ state }) => state === 'given');
  const rows = await readNamed(registry, session, moment, {
    people: [...new Set(given.map(({ subject_id }) => subject_id))],
    ids: given.map(({ authorisation_id }) => authorisation_id),
  });
  const act = lookAct(registry, {
    enquirer_id: own.participant_id,
    purposes: ['Q2'],
    use_id: NONE,
    moment,
  });
  return page.map(({ subject_id, authorisation_id, state }) => {
    if (state !== 'given') return ENDED;
    const row = rows.get(subject_id);
    const named = row && namedOf(row, authorisation_id);
    if (!row || !named) return null;
    const { facts } = scopeLook(factsOfRow(registry, row, moment), named, act);
    return facts && seenOf(facts, own);
  });
}

/** One page of one enquirer. @returns how many alerts, and where the next page begins */
async function alertPage(
  registry: Registry,
  session: Session,
  own: Own,
  after: string,
): Promise<{ readonly alerts: number; readonly next: string | null }> {
  const enquirer = own.participant_id;
  await takePositions(session, enquirer, 0);
  const params = [enquirer, registry.registry_id, after, PAGE];
  const { rows: page } = await session.query<Watched>(WATCHED, params);
  if (page.length === 0) return { alerts: 0, next: null };
  const now = await look(registry, session, own, page);
  const changes = page.flatMap((watched, index) => {
    const seen = now[index] ?? null;
    return seen === null ? [] : [{ watched, ...alertsBetween(watched.seen, seen) }];
  });
  const told = changes.flatMap(({ watched, alerts }) =>
    alerts.map((alert) => ({ authorisation_id: watched.authorisation_id, ...alert })),
  );
  const newest = await takePositions(session, enquirer, told.length);
  const seen = changes.map(({ watched, alerts, seen: state }) => ({
    ...{ subject_id: watched.subject_id, authorisation_id: watched.authorisation_id, seen: state },
    access_id: registry.newId(),
    trace: alerts.length === 0 ? null : `told: ${alerts.map(({ kind }) => kind).join(', ')}`,
  }));
  const placed = told.map((alert, index) => ({
    position: newest - told.length + 1 + index,
    ...alert,
  }));
  await session.query(REMEMBER, [
    JSON.stringify(seen),
    JSON.stringify(placed),
    registry.now(),
    enquirer,
  ]);
  for (const data of placed)
    await appendNews(registry, session, [enquirer], {
      type: 'alert.raised',
      event_id: registry.newId(),
      data,
    });
  const next = page.length < PAGE ? null : (page.at(-1)?.authorisation_id ?? null);
  return { alerts: told.length, next };
}

/** Looks through every portfolio and writes down what changed. @returns how many alerts */
export async function findAlerts(registry: Registry): Promise<number> {
  const { rows: enquirers } = await registry.db.query<Own>(
    `select p.participant_id, p.licence_id from participant p
     where p.role = 'enquirer' and p.state = 'admitted' order by p.participant_id`,
  );
  let found = 0;
  for (const own of enquirers) {
    for (let after: string | null = NONE; after !== null; ) {
      const begin: string = after;
      const page = await registry.db.transaction((session) =>
        alertPage(registry, session, own, begin),
      );
      found += page.alerts;
      after = page.next;
    }
  }
  if (found > 0) registry.announce?.();
  return found;
}

export interface ShownAlert extends Alert {
  readonly position: number;
  readonly authorisation_id: string;
  readonly at: Date;
}

/** Alerts of an enquirer after a position, oldest first, and the newest position. */
export async function readAlerts(
  registry: Pick<Registry, 'db'>,
  enquirerId: string,
  page: { readonly after: number; readonly limit: number },
): Promise<{ readonly alerts: readonly ShownAlert[]; readonly head: number }> {
  const { rows: alerts } = await registry.db.query<ShownAlert>(
    `select position, authorisation_id, kind, facts, at from alert
     where enquirer_id = $1::uuid and position > $2 order by position limit $3`,
    [enquirerId, page.after, page.limit],
  );
  const { rows: heads } = await registry.db.query<{ position: number }>(
    'select position from alert_head where enquirer_id = $1::uuid',
    [enquirerId],
  );
  return { alerts, head: heads[0]?.position ?? 0 };
}
