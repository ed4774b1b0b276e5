/**
 * The scorecards that the registry has: added as drafts, tried in shadow, one of a kind active;
 * who moved which on, when and why.
 *
 * What must stay true: a card never changes once it is added, a change is a new version; a card
 * reads nothing but the catalogue, in the catalogue's direction; none becomes active that has no
 * validation report, that TypeScript and SQL score differently, or that moves more than 0.5 per
 * cent of scores by more than ten points, unless somebody signs that off; each step is an event.
 * Source: domain facts 8.2 (score changed by a bug); C15; lessons 23.
 */
import { type Card, cardDigest, cardText, parseCard } from '../evaluation/card.ts';
import { CHARACTERISTICS } from '../evaluation/catalogue.ts';
import type { Cards } from '../evaluation/evaluate.ts';
import { AssentError } from '../model/error.ts';
import { type Canary, compareOnEverybody, holdsInSql } from './canary.ts';
import type { Registry } from './registry.ts';

export const CARD_STATES = ['draft', 'shadow', 'active', 'retired'] as const;
export type CardState = (typeof CARD_STATES)[number];

export interface ScorecardName {
  readonly scorecard_id: string;
  readonly version: number;
}

export interface Scorecard extends ScorecardName {
  readonly kind: 'full' | 'thin';
  readonly state: CardState;
  readonly sha256: string;
  readonly added_at: Date;
  readonly has_report: boolean;
}

/** What may follow a state. */
const NEXT: Readonly<Record<CardState, readonly CardState[]>> = {
  draft: ['shadow', 'retired'],
  shadow: ['active', 'retired'],
  active: ['retired'],
  retired: ['shadow'],
};

/** What of a card the registry cannot stand behind; empty when it can. */
export function catalogueProblems(card: Card): string[] {
  return card.characteristics.flatMap((each) => {
    const known = CHARACTERISTICS.find(({ id }) => id === each.name);
    if (!known) return [`${each.name} is not in the catalogue`];
    if (each.kind !== 'number' || each.decimals !== 0) return [`${each.name} is a whole number`];
    return known.direction === 'free' || known.direction === each.direction
      ? []
      : [`${each.name} must be ${known.direction}`];
  });
}

/** Who does it, and why: goes into the event. */
export interface By {
  readonly party: string;
  readonly why: string;
}

async function addEvent(
  session: Pick<Registry['db'], 'query'>,
  registry: Registry,
  name: ScorecardName,
  step: { readonly state: CardState; readonly by: By; readonly canary: Canary | null },
): Promise<void> {
  await session.query(
    `insert into scorecard_event (scorecard_id, version, seq, state, at, by_party, why, canary)
     select $1, $2, count(*) + 1, $3, $4, $5, $6, $7 from scorecard_event
     where scorecard_id = $1 and version = $2`,
    [
      name.scorecard_id,
      name.version,
      step.state,
      registry.now(),
      step.by.party,
      step.by.why,
      step.canary === null ? null : JSON.stringify(step.canary),
    ],
  );
}

const LIST = `select scorecard_id, version, kind, state, sha256, added_at,
  validation_report is not null as has_report from scorecard`;

/**
 * Adds a card as a draft; the same again changes nothing.
 * @throws scorecard_invalid: not a card, or it reads what the catalogue does not have;
 * scorecard_exists: another card has this name and version
 */
export async function addScorecard(
  registry: Registry,
  document: unknown,
  report: string | null,
  by: By,
): Promise<Scorecard> {
  const card = parseCard(document);
  const problems = catalogueProblems(card);
  if (problems.length > 0)
    throw new AssentError('scorecard_invalid', { detail: problems.join('; ') });
  return registry.db.transaction(async (session) => {
    const { affected } = await session.query(
      `insert into scorecard (scorecard_id, version, kind, state, card, sha256, validation_report,
         added_at)
       values ($1, $2, $3, 'draft', $4, $5, $6, $7) on conflict do nothing`,
      [
        card.name,
        card.version,
        card.kind,
        cardText(card),
        cardDigest(card),
        report,
        registry.now(),
      ],
    );
    const name = { scorecard_id: card.name, version: card.version };
    if (affected > 0) await addEvent(session, registry, name, { state: 'draft', by, canary: null });
    // sql: LIST is the constant above.
    const { rows } = await session.query<Scorecard>(
      `${LIST} where scorecard_id = $1 and version = $2`,
      [card.name, card.version],
    );
    const [stored] = rows;
    if (stored?.sha256 !== cardDigest(card)) throw new AssentError('scorecard_exists');
    return stored;
  });
}

/** Every card, by name and version. */
export async function listScorecards(registry: Registry): Promise<Scorecard[]> {
  // sql: LIST is the constant above.
  const { rows } = await registry.db.query<Scorecard>(`${LIST} order by scorecard_id, version`);
  return rows;
}

export interface ScorecardView extends Scorecard {
  readonly card: Card;
  readonly validation_report: string | null;
  readonly events: readonly {
    readonly state: CardState;
    readonly at: Date;
    readonly by_party: string;
    readonly why: string;
    readonly canary: Canary | null;
  }[];
}

/** One card with its report and its history. @throws scorecard_unknown */
export async function readScorecard(
  registry: Registry,
  name: ScorecardName,
): Promise<ScorecardView> {
  const key = [name.scorecard_id, name.version];
  // sql: LIST is the constant above.
  const { rows } = await registry.db.query<Omit<ScorecardView, 'events'>>(
    `select l.*, s.card, s.validation_report from (${LIST}) l
     join scorecard s using (scorecard_id, version)
     where scorecard_id = $1 and version = $2`,
    key,
  );
  const [found] = rows;
  if (!found) throw new AssentError('scorecard_unknown');
  const { rows: events } = await registry.db.query<ScorecardView['events'][number]>(
    `select state, at, by_party, why, canary from scorecard_event
     where scorecard_id = $1 and version = $2 order by seq`,
    key,
  );
  return { ...found, events };
}

/** The cards in force. */
export async function activeCards(
  registry: Registry,
  session: Pick<Registry['db'], 'query'> = registry.db,
): Promise<Cards> {
  const { rows } = await session.query<{ kind: 'full' | 'thin'; card: Card }>(
    `select kind, card from scorecard where state = 'active'`,
  );
  const of = (kind: string) => rows.find((row) => row.kind === kind)?.card ?? null;
  return { full: of('full'), thin: of('thin') };
}

export interface Promotion extends ScorecardName {
  readonly to: CardState;
  readonly by: By;
  /** Somebody answers for scores that move. */
  readonly sign_off: boolean;
}

/** What is checked before a card decides about people. @throws scorecard_blocked, with the reason */
async function checkActivation(
  registry: Registry,
  view: ScorecardView,
  promotion: Promotion,
): Promise<Canary | null> {
  const blocked = (detail: string): never => {
    throw new AssentError('scorecard_blocked', { detail });
  };
  if (view.validation_report === null) blocked('it has no validation report');
  const differing = await holdsInSql(registry, view.card);
  if (differing > 0) blocked(`SQL and TypeScript score ${differing} people differently`);
  const active = (await activeCards(registry))[view.kind];
  const canary = active && (await compareOnEverybody(registry, active, view.card));
  if (canary?.is_blocked && !promotion.sign_off)
    blocked(
      `${canary.moved} of ${canary.people} scores move by more than ten points; it needs a sign-off`,
    );
  return canary;
}

/**
 * Moves a card to another state. An active card of the kind retires when another takes its place.
 * @throws scorecard_unknown; scorecard_step: that state does not follow; scorecard_blocked
 */
export async function promoteScorecard(
  registry: Registry,
  promotion: Promotion,
): Promise<{ readonly scorecard: ScorecardView; readonly canary: Canary | null }> {
  const view = await readScorecard(registry, promotion);
  if (!NEXT[view.state].includes(promotion.to))
    throw new AssentError('scorecard_step', {
      detail: `from ${view.state} it goes to ${NEXT[view.state].join(' or ')}`,
    });
  const canary =
    promotion.to === 'active' ? await checkActivation(registry, view, promotion) : null;
  await registry.db.transaction(async (session) => {
    if (promotion.to === 'active') await retireActive(registry, session, view, promotion.by);
    const { affected } = await session.query(
      `update scorecard set state = $3 where scorecard_id = $1 and version = $2 and state = $4`,
      [promotion.scorecard_id, promotion.version, promotion.to, view.state],
    );
    if (affected === 0)
      throw new AssentError('scorecard_step', { detail: 'it was moved meanwhile' });
    await addEvent(session, registry, promotion, { state: promotion.to, by: promotion.by, canary });
  });
  return { scorecard: await readScorecard(registry, promotion), canary };
}

async function retireActive(
  registry: Registry,
  session: Pick<Registry['db'], 'query'>,
  { kind, scorecard_id, version }: ScorecardView,
  { party }: By,
): Promise<void> {
  const { rows } = await session.query<ScorecardName>(
    `update scorecard set state = 'retired' where kind = $1 and state = 'active'
     returning scorecard_id, version`,
    [kind],
  );
  for (const name of rows) {
    const by = { party, why: `${scorecard_id} version ${version} took its place` };
    await addEvent(session, registry, name, { state: 'retired', by, canary: null });
  }
}
