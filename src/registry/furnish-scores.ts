/**
 * The scores of a run told to every enquirer that watches an account of the person (Q2), as news in
 * its feed.
 *
 * What must stay true: each telling is a look like any other: judged by the named authorisation and
 * what it opens at that moment, kept out by the same blocks, traced before it can be read, sealed
 * and made again byte for byte; a run tells an enquirer once about a person, whatever is cut off;
 * nobody is told of whom there is no score, and that leaves no trace; no news names another lender.
 * Source: domain facts 5.5 (a lender on its own customer); design, section 6 (Q2).
 */
import {
  type PermissiblePurpose,
  purposeOf,
  reportRulesOf,
} from '../authorisation/report-rules.ts';
import type { Session } from '../database/database.ts';
import type { Card } from '../evaluation/card.ts';
import type { Cards, Evaluation } from '../evaluation/evaluate.ts';
import { AssentError } from '../model/error.ts';
import { dayMonthsBefore } from '../model/period.ts';
import { type Answered, type Asked, answerLooks, onceMoreIfMoved } from './answer-looks.ts';
import { enquiryIdOf } from './enquiries.ts';
import { holdFeed } from './feed.ts';
import { appendManyNews, type News } from './news.ts';
import { lockPerson } from './person.ts';
import type { Registry } from './registry.ts';
import type { IssuedReport } from './report.ts';

/** People told of in one transaction. */
const PAGE = 100;
const NONE = '00000000-0000-0000-0000-000000000000';

export interface Furnishing {
  readonly run_id: string;
  /** Enquirers that watch somebody, and those of them that were told of everybody. */
  readonly enquirers: number;
  readonly enquirers_done: number;
  readonly told: number;
  /** People of the run whom the enquirer watches and was not told of, by why. */
  readonly passed_over: Readonly<Record<string, number>>;
  readonly is_done: boolean;
}

/** What all tellings of a run have in common. */
interface Telling {
  readonly run_id: string;
  readonly cards: Cards;
  readonly purpose: PermissiblePurpose;
}

const unfit = (detail: string): never => {
  throw new AssentError('scoring_run_unfit', { detail });
};

/** @throws scoring_run_unknown, scoring_run_unfit, profile_unknown */
async function tellingOf(registry: Registry, runId: string): Promise<Telling> {
  const { rows } = await registry.db.query<{
    day: string;
    ended_at: Date | null;
    state: string | null;
    card: Card;
  }>(
    `select to_char(r.day, 'YYYY-MM-DD') as day, r.ended_at, c.state, c.card
     from scoring_run r left join scorecard c on c.sha256 = r.scorecard_sha256
     where r.run_id = $1::uuid`,
    [runId],
  );
  const [run] = rows;
  if (!run) throw new AssentError('scoring_run_unknown');
  if (run.ended_at === null) unfit('it has not ended: score everybody to the end first');
  if (run.state !== 'active') unfit('its scorecard is not active');
  const today = registry.now().toISOString().slice(0, 10);
  if (run.day < dayMonthsBefore(today, 1)) unfit('it is older than a month: score again');
  const { card } = run;
  const cards = { full: null, thin: null, [card.kind]: card };
  for (const { code, kind } of reportRulesOf(registry.profile)?.purposes ?? []) {
    const purpose = purposeOf(registry.profile, code, 'evaluation');
    if (kind === 'account_management' && purpose?.looks.includes('Q2'))
      return { run_id: runId, cards, purpose };
  }
  throw new AssentError('profile_unknown');
}

interface Watched {
  readonly subject_id: string;
  readonly authorisation_id: string;
}

/**
 * $1 enquirer, $2 the registry, $3 after, $4 the run, $5 the moment, $6 limit: people of the run
 * who are watched now, and were not told of under whatever authorisation; each under the newest
 * one that is in force.
 */
const WATCHED = `
  select a.subject_id,
    (array_agg(a.authorisation_id order by a.starts_at desc, a.authorisation_id))[1]
      as authorisation_id
  from authorisation a
  join score s on s.subject_id = a.subject_id and s.run_id = $4::uuid
  where a.recipient_id = $1::uuid and a.provider_id = $2::uuid and a.purpose = 'Q2'
    and a.state = 'given' and a.subject_id > $3::uuid and a.starts_at <= $5::timestamptz
    and (a.expires_at is null or a.expires_at > $5::timestamptz)
    and not exists (select 1 from authorisation_use u
      join authorisation o on o.subject_id = u.subject_id
        and o.authorisation_id = u.authorisation_id and o.recipient_id = $1::uuid
      where u.subject_id = a.subject_id and u.use_id = $4::uuid)
  group by a.subject_id order by a.subject_id limit $6`;

type Told = Pick<Evaluation, 'day' | 'sufficiency' | 'score' | 'incomplete_since'>;

/** What an evaluation says, as it was hashed. */
const readTold = ({ text }: Pick<IssuedReport, 'text'>): Told => JSON.parse(text);

/** Why an evaluation is not told; null: it is. No score says nothing but how much is known. */
function unscored(report: IssuedReport): string | null {
  const { score, sufficiency } = readTold(report);
  return score === null ? sufficiency : null;
}

function newsOf(telling: Telling, { authorisation_id, enquiry_id, report }: Answered): News[] {
  if (report === null) return [];
  const { day, sufficiency, score, incomplete_since } = readTold(report);
  const evaluation = { evaluation_id: report.report_id, evaluation_sha256: report.sha256 };
  const run = { run_id: telling.run_id, authorisation_id, enquiry_id };
  const data = { ...run, ...evaluation, day, sufficiency, score, incomplete_since };
  return [{ type: 'score.furnished', event_id: report.report_id, data }];
}

interface Progress {
  readonly after_subject_id: string;
  readonly ended_at: Date | null;
}

/** Where the telling of an enquirer stands; it stays where it is until the commit. */
async function holdProgress(
  registry: Registry,
  session: Session,
  runId: string,
  enquirerId: string,
): Promise<Progress> {
  await session.query(
    `insert into score_furnishing (run_id, enquirer_id, after_subject_id, told, passed_over,
       begun_at)
     values ($1, $2, $3, 0, '{}', $4) on conflict (run_id, enquirer_id) do nothing`,
    [runId, enquirerId, NONE, registry.now()],
  );
  const { rows } = await session.query<Progress>(
    `select after_subject_id, ended_at from score_furnishing
     where run_id = $1 and enquirer_id = $2 for update`,
    [runId, enquirerId],
  );
  if (!rows[0]) throw new Error('the row was just written');
  return rows[0];
}

/** $1 run, $2 enquirer, $3 after, $4 told, $5 reasons of those passed over, $6 when it ended. */
const ADVANCE = `
  update score_furnishing f set after_subject_id = $3::uuid, told = f.told + $4::bigint,
    passed_over = coalesce((select jsonb_object_agg(reason, n) from (
      select reason, sum(n) as n from (
        select key as reason, value::bigint as n from jsonb_each_text(f.passed_over)
        union all select reason, 1 from unnest($5::text[]) as reason) each
      group by reason) counted), '{}'),
    ended_at = $6::timestamptz
  where run_id = $1::uuid and enquirer_id = $2::uuid`;

/** Tells one enquirer of a page of people. @returns whether there are more */
async function tellPage(
  registry: Registry,
  session: Session,
  telling: Telling,
  enquirerId: string,
): Promise<boolean> {
  const { run_id, cards, purpose } = telling;
  const progress = await holdProgress(registry, session, run_id, enquirerId);
  if (progress.ended_at !== null) return false;
  const from = [enquirerId, registry.registry_id, progress.after_subject_id, run_id];
  const { rows } = await session.query<Watched>(WATCHED, [...from, registry.now(), PAGE]);
  // Person by person, in one order: one statement cannot hold rows on several shards.
  for (const { subject_id } of rows) await lockPerson(session, subject_id);
  // A withdrawal or a block that is told to the enquirer first is seen; any other comes after.
  await holdFeed(session, enquirerId);
  const moment = registry.now();
  const looks = rows.map(({ subject_id, authorisation_id }): Asked => {
    const hash = registry.ring.keyedHash('furnish', run_id, authorisation_id);
    return {
      enquiry_id: enquiryIdOf(enquirerId, run_id, authorisation_id),
      ...{ use_id: run_id, authorisation_id, subject_id, refused: null },
      request_hash: Buffer.from(hash).toString('hex'),
    };
  });
  const by = { enquirer_id: enquirerId, form: 'evaluation' as const, purpose, moment };
  const evaluation = { cards, application: null };
  const asked = { ...by, purpose_code: purpose.code, evaluation, unasked: unscored };
  const answers = looks.length > 0 ? await answerLooks(registry, session, asked, looks) : [];
  const news = answers.flatMap((each) => newsOf(telling, each));
  await appendManyNews(registry, session, enquirerId, news);
  const hasMore = rows.length === PAGE;
  await session.query(ADVANCE, [
    ...[run_id, enquirerId, rows.at(-1)?.subject_id ?? progress.after_subject_id, news.length],
    answers.flatMap(({ reason }) => reason ?? []),
    hasMore ? null : moment,
  ]);
  return hasMore;
}

async function progressOf(
  registry: Registry,
  runId: string,
  enquirers: readonly string[],
): Promise<Furnishing> {
  const { rows } = await registry.db.query<{
    enquirer_id: string;
    told: number;
    passed_over: Record<string, number>;
    ended_at: Date | null;
  }>(
    `select enquirer_id, told, passed_over, ended_at from score_furnishing
     where run_id = $1::uuid`,
    [runId],
  );
  const passed_over: Record<string, number> = {};
  for (const row of rows)
    for (const [reason, n] of Object.entries(row.passed_over))
      passed_over[reason] = (passed_over[reason] ?? 0) + n;
  const ended = rows.filter(({ ended_at }) => ended_at !== null);
  const done = new Set(ended.map(({ enquirer_id }) => enquirer_id));
  const enquirers_done = enquirers.filter((each) => done.has(each)).length;
  return {
    run_id: runId,
    ...{ enquirers: enquirers.length, enquirers_done },
    told: rows.reduce((sum, { told }) => sum + told, 0),
    passed_over,
    is_done: enquirers_done === enquirers.length,
  };
}

/**
 * Tells every enquirer the scores of a run of the people it watches, as of now and of what its
 * authorisation opens. What was cut off is gone on with; whoever was told is not told again.
 * @param goesOn asked before each page but the first, so that a caller who cannot wait gets a
 * telling that is not done
 * @throws scoring_run_unknown; scoring_run_unfit: it has not ended, is older than a month, or its
 * card is not active; profile_unknown
 */
export async function furnishScores(
  registry: Registry,
  runId: string,
  goesOn: () => boolean = () => true,
): Promise<Furnishing> {
  const telling = await tellingOf(registry, runId);
  const { rows } = await registry.db.query<{ enquirer_id: string }>(
    `select p.participant_id as enquirer_id from participant p
     where p.role = 'enquirer' and p.state = 'admitted'
       and exists (select 1 from authorisation a where a.recipient_id = p.participant_id
         and a.purpose = 'Q2' and a.state = 'given')
     order by p.participant_id`,
  );
  const enquirers = rows.map(({ enquirer_id }) => enquirer_id);
  let isFirst = true;
  for (const enquirer of enquirers) {
    for (let hasMore = true; hasMore; ) {
      if (!isFirst && !goesOn()) return progressOf(registry, runId, enquirers);
      isFirst = false;
      hasMore = await onceMoreIfMoved(() =>
        registry.db.transaction((session) => tellPage(registry, session, telling, enquirer)),
      );
      registry.announce?.();
    }
  }
  return progressOf(registry, runId, enquirers);
}
