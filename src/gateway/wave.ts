/**
 * The next step of a campaign: today's wave is chosen, its people are asked, and whoever did not
 * answer is reminded. A scheduler runs it as often as it likes.
 *
 * What must stay true: each person is chosen once, has one request and one message of each
 * number, whatever dies in between, because each step is keyed and goes on where the last one
 * stood; choosing is set-based, only ids and tokens are made one by one, in batches.
 */
import type { Session } from '../database/database.ts';
import { AssentError } from '../model/error.ts';
import { insertRequests, offerContext, openLinks, type StoredRequest } from './asking.ts';
import { recordMany } from './authorisations.ts';
import { type Campaign, findCampaign } from './campaigns.ts';
import type { Gateway } from './gateway.ts';
import { askedAgainBefore, documentHash, findNotice, type Notice } from './notices.ts';
import { columnsOf, makeOffer } from './offer.ts';

/** People asked in one go. */
const BATCH = 1_000;

export interface Advance {
  /** `asked`: the wave of the day is out, perhaps of nobody; else why nothing was done. */
  readonly outcome: 'asked' | 'quiet_hours' | 'not_running' | 'notice_outdated';
  readonly asked: number;
  readonly reminded: number;
}

/** Day and hour of a moment where the people live. */
export function localTime(moment: Date, timeZone: string): { day: string; hour: number } {
  const parts = new Intl.DateTimeFormat('en-CA', {
    timeZone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    hourCycle: 'h23',
  }).formatToParts(moment);
  const of = (type: string) => parts.find((part) => part.type === type)?.value ?? '';
  return { day: `${of('year')}-${of('month')}-${of('day')}`, hour: Number(of('hour')) };
}

/** Whether somebody may be asked now. @throws profile_unset */
export function isAskingHour(gateway: Gateway, timeZone: string, moment: Date): boolean {
  if (!gateway.profile) throw new AssentError('profile_unset');
  const { from, to } = gateway.profile.asking_hours;
  const { hour } = localTime(moment, timeZone);
  return from <= hour && hour < to;
}

/**
 * Who may be chosen. `stand` is how each person stands to the purposes: `barred` (refused or
 * withdrew, and not long enough ago), `engaged` (pending, paused, or approved and in force), else
 * the latest of what was. $1 campaign, $2 purposes, $3 products, $4 states, $5 moment, $6 oldest
 * notices, $7 days after a refusal (0: never), $8 how many, $9 day, $10 months of validity.
 */
const CHOOSE = `
  with standing as (
    select a.subject_id,
      bool_or(a.state in ('refused', 'withdrawn') and ($7::int = 0 or exists (
        select 1 from authorisation_event e where e.subject_id = a.subject_id
          and e.authorisation_id = a.authorisation_id and e.seq = a.last_seq
          and e.at > $5::timestamptz - make_interval(days => $7::int)))) as barred,
      bool_or(a.state in ('requested', 'paused') or (a.state = 'given'
        and a.notice_version >= coalesce(($6::jsonb ->> a.notice_id)::int, 0)
        and (a.expires_at is null or a.expires_at > $5::timestamptz)
        and ($10::int is null
          or a.starts_at + make_interval(months => $10::int) > $5::timestamptz))) as engaged,
      bool_or(a.state = 'given'
        and a.notice_version < coalesce(($6::jsonb ->> a.notice_id)::int, 0)) as outdated,
      bool_or(a.state in ('given', 'expired')) as expired,
      bool_or(a.state = 'lapsed') as lapsed,
      bool_or(a.state in ('refused', 'withdrawn')) as refused
    from authorisation a
    where a.purpose = any($2::text[]) group by a.subject_id
  )
  insert into campaign_member (subject_id, campaign_id, wave_on, state)
  select c.subject_id, $1::uuid, $9::date, 'planned'
  from customer c left join standing s on s.subject_id = c.subject_id
  where (c.adult_from is null or c.adult_from <= $9::date)
    and exists (select 1 from account k where k.subject_id = c.subject_id
      and k.kind = any($3::text[]))
    and not exists (select 1 from campaign_member m where m.subject_id = c.subject_id
      and (m.campaign_id = $1::uuid or m.state = 'planned'))
    and not coalesce(s.barred, false) and not coalesce(s.engaged, false)
    and (case when s.outdated then 'outdated' when s.expired then 'expired'
              when s.lapsed then 'lapsed' when s.refused then 'refused'
              else 'never_asked' end) = any($4::text[])
  order by c.subject_id limit $8::int
  on conflict (subject_id, campaign_id) do nothing`;

/** Fills up the wave of the day. The campaign is locked: two schedulers choose one wave. */
async function chooseWave(gateway: Gateway, campaign: Campaign, now: Date): Promise<void> {
  const { campaign_id, plan } = campaign;
  await gateway.db.transaction(async (session) => {
    await lockRunning(session, campaign_id);
    const { day } = localTime(now, plan.time_zone);
    const { rows } = await session.query<{ n: number }>(
      `select count(*) as n from campaign_member
       where campaign_id = $1 and wave_on = $2::date`,
      [campaign_id, day],
    );
    const left = plan.per_day - (rows[0]?.n ?? 0);
    if (left <= 0) return;
    const oldest = await askedAgainBefore(session, gateway, now);
    const refusedToo = plan.ask_refused_after > 0 ? ['refused'] : [];
    await session.query(CHOOSE, [
      campaign_id,
      plan.purposes,
      plan.products,
      [...plan.states, ...refusedToo],
      now,
      JSON.stringify(oldest),
      plan.ask_refused_after,
      left,
      day,
      gateway.profile?.validity_months ?? null,
    ]);
  });
}

/** True while the campaign runs; it cannot be paused or stopped until the transaction ends. */
async function lockRunning(session: Session, campaignId: string): Promise<boolean> {
  const { rows } = await session.query<{ state: string }>(
    'select state from campaign where campaign_id = $1 for update',
    [campaignId],
  );
  return rows[0]?.state === 'running';
}

interface Member {
  readonly subject_id: string;
  readonly subject_ref: string;
  readonly request_id: string | null;
}

/** Gives the next planned members their requests. */
async function prepare(gateway: Gateway, campaign: Campaign, notice: Notice, now: Date) {
  const { campaign_id, plan } = campaign;
  return gateway.db.transaction(async (session) => {
    if (!(await lockRunning(session, campaign_id))) return [];
    const { rows: members } = await session.query<Member>(
      `select m.subject_id, c.subject_ref, m.request_id from campaign_member m
       join customer c on c.subject_id = m.subject_id
       where m.campaign_id = $1 and m.state = 'planned' order by m.subject_id limit $2`,
      [campaign_id, BATCH],
    );
    const fresh = members
      .filter(({ request_id }) => request_id === null)
      .map(({ subject_id }): StoredRequest => {
        const request_id = gateway.newId();
        const { notice_id, language, purposes, products } = plan;
        const wanted = { notice_id, language, purposes, products };
        const offer = makeOffer(wanted, offerContext(gateway, notice, now));
        return {
          subject_id,
          request_id,
          campaign_id,
          offer,
          asked_sha256: documentHash({ campaign_id, request_id }),
        };
      });
    await insertRequests(session, fresh);
    await session.query(
      `update campaign_member m set request_id = t.request_id
       from jsonb_to_recordset($2::jsonb) as t (subject_id uuid, request_id uuid)
       where m.subject_id = t.subject_id and m.campaign_id = $1`,
      [campaign_id, JSON.stringify(fresh)],
    );
    const { rows } = await session.query<StoredRequest & { subject_ref: string }>(
      `select r.subject_id, r.request_id, r.campaign_id, r.offer, r.asked_sha256, c.subject_ref
       from campaign_member m
       join request r on r.subject_id = m.subject_id and r.request_id = m.request_id
       join customer c on c.subject_id = m.subject_id
       where m.campaign_id = $1 and m.subject_id = any($2::uuid[])`,
      [campaign_id, members.map(({ subject_id }) => subject_id)],
    );
    return rows;
  });
}

/** Opens the links and lays the messages out, unless the campaign was stopped meanwhile. */
async function release(
  gateway: Gateway,
  campaign: Campaign,
  requests: readonly StoredRequest[],
  now: Date,
): Promise<boolean> {
  const { campaign_id, plan } = campaign;
  return gateway.db.transaction(async (session) => {
    if (!(await lockRunning(session, campaign_id))) return false;
    await openLinks(session, gateway, requests);
    const ids = requests.map(({ subject_id }) => subject_id);
    await session.query(
      `insert into outbox_message (request_id, number, subject_id, campaign_id, language, due_at)
       select request_id, 0, subject_id, campaign_id, $3, $4 from campaign_member
       where campaign_id = $1 and subject_id = any($2::uuid[])
       on conflict (request_id, number) do nothing`,
      [campaign_id, ids, plan.language, now],
    );
    await session.query(
      `update campaign_member set state = 'asked'
       where campaign_id = $1 and subject_id = any($2::uuid[])`,
      [campaign_id, ids],
    );
    return true;
  });
}

async function askPlanned(gateway: Gateway, campaign: Campaign, now: Date): Promise<number> {
  const { plan } = campaign;
  const notice = await findNotice(gateway.db, plan.notice_id, plan.notice_version);
  let asked = 0;
  for (;;) {
    const requests = await prepare(gateway, campaign, notice, now);
    if (requests.length === 0) return asked;
    const columns = requests.flatMap(({ offer, subject_ref }) =>
      offer.purposes.map((purpose) => columnsOf(notice, offer, purpose, subject_ref)),
    );
    const { faults } = await recordMany(gateway, columns);
    // Made of the book by this program: a fault here is a defect, not somebody's data.
    if (faults.length > 0) throw new Error(`a request was not recorded: ${faults[0]?.problem}`);
    if (!(await release(gateway, campaign, requests, now))) return asked;
    asked += requests.length;
  }
}

/** $1 campaign, $2 moment, $3 days between, $4 most, $5 language. */
const REMIND = `
  insert into outbox_message (request_id, number, subject_id, campaign_id, language, due_at)
  select l.request_id, l.number + 1, l.subject_id, $1::uuid, $5, $2::timestamptz
  from (select distinct on (request_id) request_id, number, subject_id, handed_at
        from outbox_message where campaign_id = $1::uuid order by request_id, number desc) l
  join request r on r.subject_id = l.subject_id and r.request_id = l.request_id
  where l.handed_at <= $2::timestamptz - make_interval(days => $3::int)
    and l.number < $4::int and r.expires_at > $2::timestamptz
    and not exists (select 1 from request_purpose p
      join authorisation a on a.subject_id = p.subject_id
        and a.authorisation_id = p.authorisation_id
      where p.subject_id = r.subject_id and p.request_id = r.request_id
        and a.state <> 'requested')
  on conflict (request_id, number) do nothing`;

async function remind(gateway: Gateway, campaign: Campaign, now: Date): Promise<number> {
  const rules = gateway.profile?.reminders;
  if (!rules) return 0;
  return gateway.db.transaction(async (session) => {
    if (!(await lockRunning(session, campaign.campaign_id))) return 0;
    const { affected } = await session.query(REMIND, [
      campaign.campaign_id,
      now,
      rules.days_between,
      rules.most,
      campaign.plan.language,
    ]);
    return affected;
  });
}

/**
 * Takes a campaign as far as it may go now. Run again at the same moment, it does nothing.
 * @throws campaign_unknown, profile_unset
 */
export async function advanceCampaign(gateway: Gateway, name: string): Promise<Advance> {
  const nothing = { asked: 0, reminded: 0 };
  const now = gateway.now();
  const campaign = await findCampaign(gateway.db, name);
  const { plan } = campaign;
  if (campaign.state !== 'running') return { outcome: 'not_running', ...nothing };
  if (!isAskingHour(gateway, plan.time_zone, now)) return { outcome: 'quiet_hours', ...nothing };
  const oldest = await askedAgainBefore(gateway.db, gateway, now);
  if (plan.notice_version < (oldest[plan.notice_id] ?? 0))
    return { outcome: 'notice_outdated', ...nothing };
  const reminded = await remind(gateway, campaign, now);
  await chooseWave(gateway, campaign, now);
  return { outcome: 'asked', asked: await askPlanned(gateway, campaign, now), reminded };
}
