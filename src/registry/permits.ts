/**
 * The gate at the enquiry: whether an enquirer may look at a person's file now, under the
 * person's own authorisation, and the use that this is.
 *
 * What must stay true: the same ordered checks as at hand-over and intake; the decision, the use
 * and the trace are one transaction that holds the person's row, so that once means once, also
 * under concurrency; an authorisation that is not the caller's is answered like none at all.
 */
import type { AuthorisationFacts, RowFacts } from '../authorisation/check.ts';
import type { AuthorisationRecord, Purpose } from '../authorisation/record.ts';
import type { Session } from '../database/database.ts';
import { AssentError } from '../model/error.ts';
import { decideLook, isAgreed, lookAct, rowsOfNothing } from './looks.ts';
import { lockPersonOf, traceAct } from './person.ts';
import type { Registry } from './registry.ts';
import { MONTHS_OF_SUBJECT, VISIBLE, visibilityParams } from './visibility.ts';

export interface PermitRequest {
  readonly enquirer_id: string;
  readonly authorisation_id: string;
  readonly purpose: Purpose;
  /** The enquirer's own id of the look; the same again is the same use. */
  readonly use_id: string;
}

export interface Permit {
  readonly use_id: string;
  readonly permitted: boolean;
  /** Why not; null when permitted. From the closed list of reasons. */
  readonly reason: string | null;
  /** Accounts that the authorisation opens, of those the file shows. */
  readonly accounts: number;
}

/** The person of an authorisation that names the caller as its recipient, locked. */
async function lockSubject(session: Session, request: PermitRequest): Promise<string> {
  const { authorisation_id, enquirer_id } = request;
  const locked = await lockPersonOf(session, authorisation_id, enquirer_id);
  if (locked === null) throw new AssentError('authorisation_unknown');
  return locked;
}

async function factsOf(
  session: Session,
  subjectId: string,
  providerId: string,
): Promise<AuthorisationFacts[]> {
  const { rows } = await session.query<{ record: AuthorisationRecord; state: string }>(
    `select r.record, a.state from authorisation a join authorisation_record r
         on r.subject_id = a.subject_id and r.authorisation_id = a.authorisation_id
       where a.subject_id = $1 and a.provider_id = $2`,
    [subjectId, providerId],
  );
  const { rows: uses } = await session.query<{
    authorisation_id: string;
    use_id: string;
    used_at: Date;
  }>('select authorisation_id, use_id, used_at from authorisation_use where subject_id = $1', [
    subjectId,
  ]);
  return rows.map(({ record, state }) => ({
    record,
    state,
    subject_id: subjectId,
    uses: uses.filter((use) => use.authorisation_id === record.authorisation_id),
  }));
}

/** The months that may be shown, each account's newest first. */
const SHOWN = `
  select n.account_id as account_ref, k.kind,
    to_char(n.period, 'YYYY-MM') as period, n.days_past_due, n.status = 'open' as active
  from ${MONTHS_OF_SUBJECT}
  where ${VISIBLE}
  order by n.account_id, n.period desc`;

/**
 * The newest month of each account of those that were agreed to, or of all if none was; one row
 * without an account for each product when there is nothing to show.
 */
async function rowsOf(
  registry: Registry,
  session: Session,
  subjectId: string,
  record: AuthorisationRecord | undefined,
): Promise<RowFacts[]> {
  // sql: made of the constants above.
  const { rows } = await session.query<Omit<RowFacts, 'subject_id' | 'adult_from'>>(SHOWN, [
    ...visibilityParams(registry),
    subjectId,
  ]);
  if (rows.length === 0)
    return rowsOfNothing(subjectId, record?.data.products ?? [], registry.now());
  const agreed = (period: string) => record !== undefined && isAgreed(record, period);
  return [...Map.groupBy(rows, (row) => row.account_ref).values()].flatMap((months) => {
    const row = months.find(({ period }) => agreed(period)) ?? months[0];
    return row ? [{ ...row, subject_id: subjectId, adult_from: null }] : [];
  });
}

/**
 * Decides whether the enquirer may look now, and counts the look as a use when it may.
 * @throws authorisation_unknown: not there, or another's.
 */
export async function claimPermit(registry: Registry, request: PermitRequest): Promise<Permit> {
  return registry.db.transaction(async (session) => {
    const subjectId = await lockSubject(session, request);
    const moment = registry.now(); // Read under the lock: what happened before it counts.
    const { enquirer_id, use_id } = request;
    const act = lookAct(registry, { enquirer_id, use_id, moment, purposes: [request.purpose] });
    const all = await factsOf(session, subjectId, registry.registry_id);
    const own = all.filter(({ record }) => record.parties.recipient_id === enquirer_id);
    const named = own
      .filter((a) => a.record.authorisation_id === request.authorisation_id)
      .map((each) => ({ ...each, beside: own.filter((other) => other !== each) }));
    const rows = await rowsOf(registry, session, subjectId, named[0]?.record);
    const { open, reason } = decideLook(rows, named, act);
    const permitted = reason === null;
    if (permitted) {
      await session.query(
        `insert into authorisation_use (subject_id, authorisation_id, use_id, used_at)
         values ($1, $2, $3, $4) on conflict (subject_id, authorisation_id, use_id) do nothing`,
        [subjectId, request.authorisation_id, request.use_id, moment],
      );
    }
    await traceAct({ ...registry, now: () => moment }, session, subjectId, {
      participant_id: request.enquirer_id,
      purpose: request.purpose,
      reason: permitted ? 'permitted' : `not permitted: ${reason}`,
    });
    const accounts = rows[0]?.account_ref === '' ? 0 : open.length;
    return { use_id, permitted, reason, accounts };
  });
}
