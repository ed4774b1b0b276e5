/**
 * Corrections that came without a dispute: whoever was shown the month as it stood before is told
 * that it was corrected, and the person sees that they were.
 *
 * What must stay true: each submission is told of once, in one transaction; the news names the
 * account, the month and the fields that changed, never what they say: who wants to know asks for
 * the file again, under an authorisation.
 * Source: GDPR 19 (E2), lessons 18.
 */
import type { Session } from '../database/database.ts';
import { MONTH_FIELDS } from '../wire/claim.ts';
import { appendNews } from './news.ts';
import { tellPerson } from './person.ts';
import type { Registry } from './registry.ts';

const FIELDS = MONTH_FIELDS.filter((field) => field !== 'month');
const CHANGED = FIELDS.map(
  (field) => `case when m.${field} is distinct from b.${field} then '${field}' end`,
).join(', ');

/**
 * $1 the submission, $2 its period: its corrected months with the enquirers that were shown the
 * file while the revision before stood.
 */
const SEEN = `
  select m.subject_id, m.account_id, to_char(m.period, 'YYYY-MM') as period,
    array_remove(array[${CHANGED}], null) as fields, a.participant_id, p.name,
    array_agg(a.access_id order by a.at, a.access_id) as access_ids
  from account_month m
  join account_month b on b.subject_id = m.subject_id and b.account_id = m.account_id
    and b.period = m.period and b.revision = (select max(o.revision) from account_month o
      where o.subject_id = m.subject_id and o.account_id = m.account_id and o.period = m.period
        and o.revision < m.revision)
  join submission s on s.submission_id = m.submission_id
  join submission f on f.submission_id = b.submission_id
  join access a on a.subject_id = m.subject_id and a.reason not like 'not permitted%'
    and a.at >= f.completed_at and a.at < s.ended_at
  join participant p on p.participant_id = a.participant_id and p.role = 'enquirer'
  where m.submission_id = $1 and m.period = $2::date and m.revision > 1
  group by m.subject_id, m.account_id, m.period, 4, a.participant_id, p.name
  order by a.participant_id, m.subject_id, m.account_id`;

interface Seen {
  readonly subject_id: string;
  readonly account_id: string;
  readonly period: string;
  readonly fields: string[];
  readonly participant_id: string;
  readonly name: string;
  readonly access_ids: string[];
}

async function tell(registry: Registry, session: Session, all: readonly Seen[]): Promise<void> {
  for (const { account_id, period, fields, access_ids, participant_id } of all)
    await appendNews(registry, session, [participant_id], {
      type: 'correction.resent',
      event_id: registry.newId(),
      data: { access_ids, account_id, period, field: 'month', outcome: 'revised', fields },
    });
  const people = new Map<string, Seen[]>();
  for (const each of all) {
    const key = `${each.subject_id} ${each.account_id}`;
    people.set(key, [...(people.get(key) ?? []), each]);
  }
  for (const seen of people.values()) {
    const [{ subject_id, account_id, period, fields } = { subject_id: '' }] = seen;
    const recipients = seen.map(({ participant_id, name }) => ({ participant_id, name }));
    await tellPerson(registry, session, subject_id, {
      kind: 'correction_resent',
      facts: { account_id, period, fields, recipients },
    });
  }
}

/** Tells of the corrections of ended submissions. @returns how many recipients of months were told */
export async function resendCorrections(registry: Registry): Promise<number> {
  let told = 0;
  for (;;) {
    const done = await registry.db.transaction(async (session) => {
      const { rows } = await session.query<{ submission_id: string; period: string }>(
        `select submission_id, period from submission
         where ended_at is not null and corrections_told_at is null
         order by ended_at, submission_id limit 1 for update`,
      );
      const [submission] = rows;
      if (!submission) return true;
      const { submission_id, period } = submission;
      // sql: made of the constants above.
      const { rows: seen } = await session.query<Seen>(SEEN, [submission_id, period]);
      await tell(
        registry,
        session,
        seen.filter(({ fields }) => fields.length > 0),
      );
      await session.query(
        'update submission set corrections_told_at = $2 where submission_id = $1',
        [submission_id, registry.now()],
      );
      told += seen.length;
      return false;
    });
    if (done) break;
  }
  if (told > 0) registry.announce?.();
  return told;
}
