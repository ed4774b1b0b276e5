/**
 * Enquiries: a lender asks for a report on a person, for a purpose, under an authorisation, and
 * gets it or a reasoned refusal.
 *
 * What must stay true: decision, use, trace, report and message are one transaction that holds the
 * person's row; the same use_id with the same body gives the same answer, byte for byte, and with
 * another body is refused; who is not in the registry and who did not authorise the caller are
 * answered alike, and asking after many such people is slowed down.
 * Source: design.md 4 (promises 1, 4, 5), lessons 10, 11, 14, 16; domain facts 1.9, 2.2 U1 and U3.
 */
import { hash } from 'node:crypto';
import canonicalize from 'canonicalize';
import { purposeOf } from '../authorisation/report-rules.ts';
import type { Session } from '../database/database.ts';
import { DatabaseFailure } from '../database/driver-error.ts';
import type { Application } from '../evaluation/affordability.ts';
import { AssentError } from '../model/error.ts';
import { checkIdentityNumber, normaliseName } from '../model/identity-number.ts';
import type { IdentityKind } from '../model/record.ts';
import {
  type Answered,
  type Asked,
  answerLooks,
  keepPlans,
  onceMoreIfMoved,
} from './answer-looks.ts';
import type { Person } from './enquirer-authorisations.ts';
import { lockPerson } from './person.ts';
import type { Registry } from './registry.ts';
import { type AnswerForm, type RebuiltReport, rebuildReport } from './report.ts';
import { activeCards } from './scorecards.ts';

const UNIQUE_VIOLATION = '23505';
/** Looks at people who did not authorise the caller, in an hour, before it has to wait. */
export const UNAUTHORISED_PER_HOUR = 60;
const HOUR_MS = 3_600_000;

export interface EnquiryRequest {
  readonly enquirer_id: string;
  /** The enquirer's own id of the look. */
  readonly use_id: string;
  readonly authorisation_id: string;
  /** A code of the profile's closed list. */
  readonly purpose: string;
  readonly form: AnswerForm;
  /** Of an evaluation: what is asked for; null: nothing, or a report is asked for. */
  readonly application?: Application | null;
  /** When given it must be the person of the authorisation, by document, name and birth date. */
  readonly person: Person | null;
}

/** A UUID (version 8) made of who asks and its own id of the look. */
export function enquiryIdOf(enquirerId: string, ...parts: readonly string[]): string {
  const text = ['assent/enquiry/1', enquirerId, ...parts].join('\t');
  return hash('sha256', text).replace(
    /^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/,
    (_, a: string, b: string, c: string, d: string, e: string) => `${a}-${b}-8${c}-8${d}-${e}`,
  );
}

/** Keyed, because a number on a document could be guessed from a plain hash. */
function requestHash(registry: Registry, request: EnquiryRequest): string {
  const { use_id, authorisation_id, purpose, form, person, application } = request;
  const described = person
    ? [person.kind, person.country ?? '', person.number, person.name, person.birth_date]
    : [];
  const keyed = registry.ring.keyedHash(
    'enquiry',
    ...[use_id, authorisation_id, purpose, form, ...described],
    ...(application ? [canonicalize(application) ?? ''] : []),
  );
  return Buffer.from(keyed).toString('hex');
}

export interface KnownEnquiry {
  readonly enquiry_id: string;
  readonly authorisation_id: string;
  readonly outcome: 'report' | 'refused';
  readonly reason: string | null;
  readonly report_id: string | null;
}

interface Found extends Partial<KnownEnquiry> {
  readonly subject_id: string | null;
  readonly request_hash: string | null;
  readonly unauthorised: number;
}

/** $1 authorisation, $2 enquirer, $3 enquiry, $4 an hour ago, $5 the registry, $6 bound. */
const FIND = `
  select a.subject_id, e.enquiry_id, e.authorisation_id, e.outcome, e.reason, e.report_id,
    encode(e.request_sha256, 'hex') as request_hash,
    (select count(*) from (select 1 from enquiry u where u.enquirer_id = q.enquirer_id
       and u.reason in ('no_authorisation', 'person_differs') and u.at > $4::timestamptz
       limit $6::int) n) as unauthorised
  from (select $1::uuid as authorisation_id, $2::uuid as enquirer_id) q
  left join authorisation a on a.authorisation_id = q.authorisation_id
    and a.recipient_id = q.enquirer_id and a.provider_id = $5::uuid
  left join enquiry e on e.enquirer_id = q.enquirer_id and e.enquiry_id = $3::uuid`;

interface Described {
  readonly subject_id: string;
  /** Name and birth date are those of the file as well. */
  readonly is_same: boolean;
}

/** Who has the document described; null: nobody, or it is no document. */
async function findDescribed(
  registry: Registry,
  session: Session,
  person: Person,
): Promise<Described | null> {
  const { kind, country, number, name, birth_date } = person;
  const today = registry.now().toISOString().slice(0, 10);
  const checked = checkIdentityNumber(kind as IdentityKind, number, { country, today });
  const normalised = checked.ok ? checked.normalised : '';
  const { rows } = await session.query<Described>(
    `select s.subject_id, s.details_hash = $2 as is_same
     from subject_document d join subject s on s.subject_id = d.subject_id
     where d.document_hash = $1`,
    [
      registry.ring.keyedHash('document', kind, country ?? '', '', normalised),
      registry.ring.keyedHash('details', normaliseName(name), birth_date),
    ],
  );
  return rows[0] ?? null;
}

/**
 * Whose look it is and why it is refused whatever the file says. Who asks after a person without
 * an authorisation of theirs leaves a trace with them, and hears what all hear.
 */
async function identify(
  registry: Registry,
  session: Session,
  authorised: string | null,
  person: Person | null,
): Promise<Pick<Asked, 'subject_id' | 'refused'>> {
  if (authorised !== null) await lockPerson(session, authorised);
  const described = person && (await findDescribed(registry, session, person));
  if (authorised === null)
    return { subject_id: described?.subject_id ?? null, refused: 'no_authorisation' };
  const isTheirs = described?.subject_id === authorised && described.is_same;
  return { subject_id: authorised, refused: person && !isTheirs ? 'person_differs' : null };
}

/**
 * An answer that was given before, made again; that it went out again is traced.
 * @throws report_unknown, report_altered
 */
export async function answerAgain(
  registry: Registry,
  session: Session,
  enquirerId: string,
  known: KnownEnquiry,
): Promise<Answered> {
  const { enquiry_id, authorisation_id, outcome, reason, report_id } = known;
  await session.query(
    `insert into access (subject_id, access_id, participant_id, purpose, reason, at, enquiry_id,
       authorisation_id, kind, outcome)
     select e.subject_id, $3::uuid, e.enquirer_id, e.purpose, 'given again', $4::timestamptz,
       e.enquiry_id, e.authorisation_id, null, 'again'
     from enquiry e
     where e.enquirer_id = $1::uuid and e.enquiry_id = $2::uuid and e.subject_id is not null`,
    [enquirerId, enquiry_id, registry.newId(), registry.now()],
  );
  const report =
    report_id === null ? null : await rebuildReport(registry, session, report_id, enquirerId);
  return { enquiry_id, authorisation_id, outcome, reason, report };
}

async function answer(
  registry: Registry,
  session: Session,
  request: EnquiryRequest,
): Promise<Answered> {
  const { enquirer_id, authorisation_id, use_id, form, person } = request;
  const enquiry_id = enquiryIdOf(enquirer_id, use_id);
  const request_hash = requestHash(registry, request);
  const hourAgo = new Date(registry.now().getTime() - HOUR_MS);
  const params = [authorisation_id, enquirer_id, enquiry_id, hourAgo, registry.registry_id];
  await keepPlans(session);
  const { rows } = await session.query<Found>(FIND, [...params, UNAUTHORISED_PER_HOUR], {
    prepared: true,
  });
  const found = rows[0] as Found;
  if (found.request_hash !== null) {
    if (found.request_hash !== request_hash) throw new AssentError('enquiry_altered');
    return answerAgain(registry, session, enquirer_id, found as KnownEnquiry);
  }
  if (found.unauthorised >= UNAUTHORISED_PER_HOUR) throw new AssentError('rate_limited');
  const who = await identify(registry, session, found.subject_id, person);
  const asked: Asked = { enquiry_id, use_id, authorisation_id, request_hash, ...who };
  const isEvaluation = form === 'evaluation';
  const by = {
    ...{ enquirer_id, form, purpose_code: request.purpose },
    purpose: purposeOf(registry.profile, request.purpose, isEvaluation ? 'evaluation' : 'report'),
    evaluation: isEvaluation
      ? { cards: await activeCards(registry, session), application: request.application ?? null }
      : null,
    moment: registry.now(), // Read under the lock: what happened before it counts.
  };
  const [answered] = await answerLooks(registry, session, by, [asked]);
  if (!answered) throw new Error('a look without an answer');
  return answered;
}

/**
 * Answers one enquiry.
 * @throws enquiry_altered: the use_id stands for another; rate_limited: too many people who did
 * not authorise the caller; report_unknown, report_altered: of an answer that is made again
 */
export async function enquire(registry: Registry, request: EnquiryRequest): Promise<Answered> {
  const run = () =>
    onceMoreIfMoved(() => registry.db.transaction((session) => answer(registry, session, request)));
  try {
    return await run();
  } catch (error) {
    // The same look came twice at once: the other is answered, and this one gets its answer.
    if (error instanceof DatabaseFailure && error.sqlstate === UNIQUE_VIOLATION) return run();
    throw error;
  }
}

export interface ShownEnquiry extends KnownEnquiry {
  readonly purpose: string;
  readonly form: AnswerForm;
  readonly at: Date;
}

/**
 * One enquiry of the caller's, as it was answered, without its report.
 * @throws enquiry_unknown: not there, or another's
 */
export async function findEnquiry(
  session: Session,
  enquirerId: string,
  enquiryId: string,
): Promise<ShownEnquiry> {
  const { rows } = await session.query<ShownEnquiry>(
    `select enquiry_id, authorisation_id, outcome, reason, report_id, purpose, form, at
     from enquiry where enquirer_id = $1::uuid and enquiry_id = $2::uuid`,
    [enquirerId, enquiryId],
  );
  const [found] = rows;
  if (!found) throw new AssentError('enquiry_unknown');
  return found;
}

/**
 * The report of one enquiry of the caller's again, byte for byte, traced.
 * @throws enquiry_unknown; report_unknown: it was refused, or its person's key was destroyed;
 * report_altered
 */
export function fetchReport(
  registry: Registry,
  enquirerId: string,
  enquiryId: string,
): Promise<RebuiltReport> {
  return registry.db.transaction(async (session) => {
    const known = await findEnquiry(session, enquirerId, enquiryId);
    const { report } = await answerAgain(registry, session, enquirerId, known);
    if (!report) throw new AssentError('report_unknown');
    return report;
  });
}
