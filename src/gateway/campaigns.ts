/**
 * Campaigns: many people asked in waves, under one plan that never changes.
 *
 * What must stay true: a campaign that was stopped never runs again; whoever refused or withdrew
 * is not asked again unless the plan says after how many days.
 * Source: domain facts 8.2 ("consent forced"), 2.1 C13 (no coercion); the profile's hours and
 * reminders.
 */
import { Type } from 'typebox';
import { Errors } from 'typebox/value';
import type { Session } from '../database/database.ts';
import { AssentError } from '../model/error.ts';
import { isTimeZone, LANGUAGES, type Language } from '../model/notice.ts';
import { ACCOUNT_KINDS } from '../model/record.ts';
import { offerContext } from './asking.ts';
import type { Gateway } from './gateway.ts';
import { findNotice } from './notices.ts';
import { makeOffer } from './offer.ts';

/** How a person stands to the purposes of a campaign; who is pending or has approved never is. */
export const ASKABLE = ['never_asked', 'lapsed', 'expired', 'outdated'] as const;

export const PLAN = Type.Object(
  {
    name: Type.String({ pattern: '^[a-z0-9][a-z0-9._-]{0,99}$' }),
    notice_id: Type.String({ maxLength: 100 }),
    language: Type.Enum([...LANGUAGES]),
    /** Of the notice; all of them when nothing is said. */
    purposes: Type.Optional(Type.Array(Type.String({ maxLength: 10 }), { minItems: 1 })),
    /** Whoever has an account of one of them; all of the notice's when nothing is said. */
    products: Type.Optional(Type.Array(Type.Enum([...ACCOUNT_KINDS]), { minItems: 1 })),
    states: Type.Array(Type.Enum([...ASKABLE]), { minItems: 1, uniqueItems: true }),
    /** New people a day, in the campaign's time zone. */
    per_day: Type.Integer({ minimum: 1, maximum: 10_000_000 }),
    /** IANA name of the time zone in which the people live. */
    time_zone: Type.String({ maxLength: 100 }),
    /** Days after a refusal or withdrawal; 0: never. */
    ask_refused_after: Type.Integer({ minimum: 0, maximum: 36_500 }),
  },
  { additionalProperties: false },
);

export interface Plan {
  readonly name: string;
  readonly notice_id: string;
  readonly language: Language;
  readonly purposes?: readonly string[];
  readonly products?: readonly string[];
  readonly states: readonly (typeof ASKABLE)[number][];
  readonly per_day: number;
  readonly time_zone: string;
  readonly ask_refused_after: number;
}

/** A plan with everything that the notice decided when the campaign was made. */
export interface FixedPlan extends Plan {
  readonly notice_version: number;
  readonly purposes: readonly string[];
  readonly products: readonly string[];
}

export interface Campaign {
  readonly campaign_id: string;
  readonly name: string;
  readonly plan: FixedPlan;
  readonly state: 'draft' | 'running' | 'paused' | 'stopped';
  readonly created_at: Date;
}

const READ = 'select campaign_id, name, plan, state, created_at from campaign';

/**
 * Makes a campaign, in state `draft`, for the newest version of the notice. The same plan under
 * the same name again changes nothing.
 * @throws campaign_invalid, request_unfit, notice_unknown, profile_unset
 */
export async function createCampaign(gateway: Gateway, plan: Plan): Promise<Campaign> {
  const problems = Errors(PLAN, plan).map(
    ({ instancePath, message }) => `${instancePath} ${message}`,
  );
  if (problems.length === 0 && !isTimeZone(plan.time_zone))
    problems.push('/time_zone is not the name of a time zone');
  if (problems.length > 0)
    throw new AssentError('campaign_invalid', { detail: problems.join('; ') });
  const now = gateway.now();
  const notice = await findNotice(gateway.db, plan.notice_id);
  const offer = makeOffer(plan, offerContext(gateway, notice, now));
  const fixed: FixedPlan = {
    ...plan,
    notice_version: notice.version,
    purposes: offer.purposes.map(({ code }) => code),
    products: [...new Set(offer.purposes.flatMap(({ products }) => products))],
  };
  await gateway.db.query(
    `insert into campaign (campaign_id, name, plan, state, created_at, changed_at)
     values ($1, $2, $3::jsonb, 'draft', $4, $4) on conflict (name) do nothing`,
    [gateway.newId(), plan.name, JSON.stringify(fixed), now],
  );
  const campaign = await findCampaign(gateway.db, plan.name);
  const isSame = JSON.stringify(sorted(campaign.plan)) === JSON.stringify(sorted(fixed));
  if (!isSame)
    throw new AssentError('campaign_invalid', { detail: 'the name is taken by another plan' });
  return campaign;
}

const sorted = (plan: FixedPlan) =>
  Object.entries(plan).sort(([left], [right]) => left.localeCompare(right));

/** @throws campaign_unknown */
export async function findCampaign(session: Session, name: string): Promise<Campaign> {
  const { rows } = await session.query<Campaign>(`${READ} where name = $1`, [name]);
  const [campaign] = rows;
  if (!campaign) throw new AssentError('campaign_unknown');
  return campaign;
}

/** Which states a step may begin in, and where it leads. */
const STEPS = {
  start: { from: ['draft', 'paused', 'running'], to: 'running' },
  pause: { from: ['running', 'paused'], to: 'paused' },
  stop: { from: ['draft', 'running', 'paused', 'stopped'], to: 'stopped' },
} as const;
export type CampaignStep = keyof typeof STEPS;

/**
 * Starts, pauses or stops a campaign; nothing of a paused or stopped one is handed out from then
 * on. Doing it twice changes nothing.
 * @throws campaign_unknown, campaign_state
 */
export async function moveCampaign(
  gateway: Gateway,
  name: string,
  step: CampaignStep,
): Promise<Campaign> {
  const { from, to } = STEPS[step];
  const now = gateway.now();
  const moved = await gateway.db.transaction(async (session) => {
    const { rows } = await session.query<Campaign>(
      `update campaign set state = $2, changed_at = $4 where name = $1 and state = any($3::text[])
       returning campaign_id, name, plan, state, created_at`,
      [name, to, [...from], now],
    );
    if (rows[0]?.state === 'stopped') {
      await session.query(
        `update outbox_message set dropped_at = $2
         where campaign_id = $1 and position is null and dropped_at is null`,
        [rows[0].campaign_id, now],
      );
    }
    return rows[0];
  });
  if (moved) return moved;
  const { state } = await findCampaign(gateway.db, name);
  throw new AssentError('campaign_state', { detail: `it is ${state}` });
}

/** How far a campaign is. */
export interface CampaignProgress extends Campaign {
  /** Chosen so far, those not yet asked included. */
  readonly chosen: number;
  readonly asked: number;
  readonly messages: {
    readonly handed_out: number;
    readonly waiting: number;
    readonly dropped: number;
  };
}

/** One campaign, or all, with how far each is. @throws campaign_unknown */
export async function campaignProgress(
  session: Session,
  name: string | null,
): Promise<CampaignProgress[]> {
  if (name !== null) await findCampaign(session, name);
  const { rows } = await session.query<CampaignProgress>(
    `select c.campaign_id, c.name, c.plan, c.state, c.created_at,
       coalesce(m.chosen, 0) as chosen, coalesce(m.asked, 0) as asked,
       jsonb_build_object('handed_out', coalesce(o.handed_out, 0),
         'waiting', coalesce(o.waiting, 0), 'dropped', coalesce(o.dropped, 0)) as messages
     from campaign c
     left join (select campaign_id, count(*) as chosen,
                  count(*) filter (where state = 'asked') as asked
                from campaign_member group by campaign_id) m on m.campaign_id = c.campaign_id
     left join (select campaign_id, count(position) as handed_out,
                  count(*) filter (where position is null and dropped_at is null) as waiting,
                  count(dropped_at) as dropped
                from outbox_message group by campaign_id) o on o.campaign_id = c.campaign_id
     where $1::text is null or c.name = $1 order by c.created_at, c.name`,
    [name],
  );
  return rows;
}
