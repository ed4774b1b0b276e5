/**
 * News from the registry's feed that concerns this lender: claims to answer, and how they ended.
 *
 * What must stay true: taken in the transaction that moves the cursor, so each counts once; news
 * of an unknown kind is skipped, so that an older gateway follows a newer registry; news that has
 * not its documented form is traced and stops nothing.
 */
import { Check } from 'typebox/value';
import type { Session } from '../database/database.ts';
import { firstDay } from '../model/period.ts';
import { CLAIM_DECIDED, CLAIM_FORWARDED } from '../wire/claim.ts';
import type { NewsClaims } from '../wire/feed.ts';
import type { Gateway } from './gateway.ts';

type Taken = 'taken' | 'known' | 'skipped' | 'refused';
type Take = (session: Session, news: NewsClaims) => Promise<Taken>;

async function takeForwarded(session: Session, { data, iat }: NewsClaims): Promise<Taken> {
  if (!Check(CLAIM_FORWARDED, data)) return 'refused';
  const { affected } = await session.query(
    `insert into claim_to_answer (claim_id, dispute_id, account_id, period, field, held_value,
       claimed_value, evidence, told_at, answer_by, state, ground)
     values ($1, $2, $3, $4, $5, $6, $7, $8::jsonb, $9, $10, 'open', $11)
     on conflict (claim_id) do nothing`,
    [
      data.claim_id,
      data.dispute_id,
      data.account_ref,
      data.period === null ? null : firstDay(data.period),
      data.field,
      data.held_value,
      data.claimed_value,
      JSON.stringify(data.evidence),
      new Date(iat * 1000),
      new Date(data.answer_by),
      data.ground ?? null,
    ],
  );
  return affected === 0 ? 'known' : 'taken';
}

async function takeDecided(session: Session, { data, iat }: NewsClaims): Promise<Taken> {
  if (!Check(CLAIM_DECIDED, data)) return 'refused';
  const { affected } = await session.query(
    `update claim_to_answer set state = 'decided', outcome = $2, decided_at = $3
     where claim_id = $1 and state <> 'decided'`,
    [data.claim_id, data.outcome, new Date(iat * 1000)],
  );
  return affected === 0 ? 'known' : 'taken';
}

const KINDS: Readonly<Record<string, Take>> = {
  'claim.forwarded': takeForwarded,
  'claim.decided': takeDecided,
};

/** Takes one piece of news in, in the transaction that moves the feed's cursor. */
export async function takeNews(
  session: Session,
  gateway: Gateway,
  news: NewsClaims,
): Promise<Taken> {
  const take = Object.hasOwn(KINDS, news.type) ? KINDS[news.type] : undefined;
  const taken = take ? await take(session, news) : 'skipped';
  if (taken === 'refused')
    await session.query(
      `insert into authorisation_refusal (refusal_id, authorisation_id, by_party, at, why)
       values ($1, null, $2, $3, $4)`,
      [
        gateway.newId(),
        gateway.furnisher_id,
        gateway.now(),
        `feed ${news.position}: ${news.type} has not the documented form`,
      ],
    );
  return taken;
}
