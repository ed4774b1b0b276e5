/**
 * The funnel: how many were asked, saw the page, and what they answered.
 *
 * What must stay true: `asked = given + refused + lapsed + no_answer + invalidated`, so nobody
 * who was asked leaves the denominator (lesson 28); `given` counts everyone who ever approved,
 * those who withdrew included.
 */
import type { Session } from '../database/database.ts';

export interface FunnelLine {
  readonly purpose: string;
  readonly product: string;
  readonly notice_id: string;
  readonly notice_version: number;
  /** Null: asked one by one, or elsewhere. */
  readonly campaign: string | null;
  readonly asked: number;
  /** Opened the page, or answered without it. */
  readonly shown: number;
  readonly given: number;
  readonly refused: number;
  readonly no_answer: number;
  readonly lapsed: number;
  /** Of those given. */
  readonly withdrawn: number;
  /** Declared void, before or after an answer. */
  readonly invalidated: number;
}

/**
 * The funnel of every authorisation of this gateway, by purpose, product, notice version and
 * campaign, as of now. An approval for two products counts under both.
 */
export async function funnel(session: Session): Promise<FunnelLine[]> {
  const { rows } = await session.query<FunnelLine>(
    `with asked as (
       select a.purpose, a.products, a.notice_id, a.notice_version, a.state, r.campaign_id,
         r.first_shown_at is not null or w.record -> 'notice' ->> 'shown_at' is not null
           or a.state not in ('requested', 'lapsed') as shown
       from authorisation a
       join authorisation_record w on w.subject_id = a.subject_id
         and w.authorisation_id = a.authorisation_id
       left join request_purpose p on p.subject_id = a.subject_id
         and p.authorisation_id = a.authorisation_id
       left join request r on r.subject_id = p.subject_id and r.request_id = p.request_id
     ), counted as (
       select purpose, product, notice_id, notice_version, campaign_id, count(*) as asked,
         count(*) filter (where shown) as shown,
         count(*) filter (where state in ('given', 'paused', 'withdrawn', 'expired',
           'revoked_by_other', 'superseded')) as given,
         count(*) filter (where state = 'refused') as refused,
         count(*) filter (where state = 'requested') as no_answer,
         count(*) filter (where state = 'lapsed') as lapsed,
         count(*) filter (where state = 'withdrawn') as withdrawn,
         count(*) filter (where state = 'invalidated') as invalidated
       from asked cross join lateral unnest(products) as product
       group by purpose, product, notice_id, notice_version, campaign_id
     )
     select t.purpose, t.product, t.notice_id, t.notice_version, c.name as campaign, t.asked,
       t.shown, t.given, t.refused, t.no_answer, t.lapsed, t.withdrawn, t.invalidated
     from counted t left join campaign c on c.campaign_id = t.campaign_id
     order by t.notice_id, t.notice_version, c.name nulls first, t.purpose, t.product`,
  );
  return rows;
}
