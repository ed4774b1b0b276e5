/**
 * Authorisations that an enquirer collected: for looks at a file, signed by the enquirer.
 *
 * What must stay true: the record names the registry as provider and the caller as its one
 * recipient; the caller's signature stands over record and events; the person is found or made by
 * the document as for a furnisher, and sealed; a retry changes nothing, an altered one is refused,
 * and so is one that supersedes what it may not: another's, or one that is not there, alike; what
 * was taken is kept as it was signed.
 */

import { readBrought } from '../authorisation/brought.ts';
import { LOOK_PURPOSES, type Purpose, stateOf } from '../authorisation/record.ts';
import { type Entry, type Refusal, traceRefusals } from '../authorisation/store.ts';
import type { Session } from '../database/database.ts';
import type { VerifyingKeys } from '../keys/jws.ts';
import { AssentError, type ErrorCode } from '../model/error.ts';
import { copyText } from '../tape/copy-text.ts';
import { takeSubjects } from './other-intake.ts';
import type { Registry } from './registry.ts';
import { storeSignedJudged } from './store-signed.ts';

/** People brought under other details than theirs, in an hour, before the caller has to wait. */
export const GUESSES_PER_HOUR = 60;
const HOUR_MS = 3_600_000;

export interface Person {
  readonly kind: string;
  readonly country: string | null;
  readonly number: string;
  readonly name: string;
  readonly birth_date: string;
}

export interface EnquirerAuthorisation {
  readonly enquirer_id: string;
  readonly keys: VerifyingKeys;
  /** Compact JWS, typ `assent-authorisation+jws`, over `{ record, events }`. */
  readonly signed: string;
  readonly person: Person;
}

export interface Recorded {
  readonly authorisation_id: string;
  readonly state: string;
  readonly result: 'stored' | 'unchanged';
}

function invalid(detail: string): never {
  throw new AssentError('authorisation_invalid', { detail });
}

/** The signed record and events, if they are the caller's to bring. */
async function readSigned(registry: Registry, brought: EnquirerAuthorisation) {
  const entry = await readBrought(brought.signed, brought.keys, brought.enquirer_id);
  if (!entry) invalid('the signed payload is not { record, events }');
  const { record, events } = entry;
  const { provider_id, recipient_class, recipient_id } = record.parties;
  if (provider_id !== registry.registry_id) invalid('the provider is not this registry');
  if (recipient_class !== 'lender' || recipient_id !== brought.enquirer_id)
    invalid('the recipient is not the caller');
  const looks: readonly Purpose[] = LOOK_PURPOSES;
  if (!looks.includes(record.purpose.code)) invalid(`the purpose is none of ${looks}`);
  if (!events.every((event) => event.by_party === brought.enquirer_id))
    invalid("an event is not the caller's");
  return { record, events };
}

/** A refusal that is traced after the transaction which found it was rolled back. */
class Refused extends AssentError {
  readonly why: Refusal['why'];
  constructor(why: Refusal['why'], code: ErrorCode, detail?: string) {
    super(code, detail === undefined ? {} : { detail });
    this.why = why;
  }
}

/**
 * Who brings people under other names than theirs could learn who is here: after so many it waits.
 * @throws rate_limited
 */
async function checkGuesses(registry: Registry, enquirerId: string): Promise<void> {
  const { rows } = await registry.db.query<{ guesses: number }>(
    `select count(*) as guesses from authorisation_refusal
     where by_party = $1 and why = 'person' and at > $2`,
    [enquirerId, new Date(registry.now().getTime() - HOUR_MS)],
  );
  if ((rows[0]?.guesses ?? 0) >= GUESSES_PER_HOUR) throw new AssentError('rate_limited');
}

/** The enquirer's person, found or made by the document as for a furnisher. */
async function subjectOf(
  registry: Registry,
  session: Session,
  id: string,
  { enquirer_id, person }: EnquirerAuthorisation,
): Promise<string> {
  // The enquirer's reference of the person is the authorisation: it need not give another.
  const { kind, country, number, name, birth_date } = person;
  const values = [id, '1', kind, country, number, name, birth_date];
  const line = Buffer.from(copyText([{ row: 1, values }])).toString('utf8');
  const { faults } = await takeSubjects(registry, session, {
    lines: [line.trimEnd()],
    firstRow: 1,
    furnisher_id: enquirer_id,
    submission_id: id,
  });
  const lost = faults.find(({ outcome }) => outcome !== 'accepted');
  const why = `the person cannot be identified (${lost?.rule})`;
  if (lost) throw new Refused('person', 'authorisation_invalid', why);
  const { rows } = await session.query<{ subject_id: string }>(
    'select subject_id from subject_locator where subject_ref = $1 and furnisher_id = $2',
    [id, enquirer_id],
  );
  return rows[0]?.subject_id ?? invalid('the person cannot be identified');
}

/** Whether the id is that of a record of the caller's: what is another's is not told apart. */
async function isOwn(
  session: Session,
  registry: Registry,
  enquirerId: string,
  authorisationId: string,
): Promise<boolean> {
  const { rows } = await session.query(
    `select 1 from authorisation
     where authorisation_id = $1 and provider_id = $2 and recipient_id = $3`,
    [authorisationId, registry.registry_id, enquirerId],
  );
  return rows.length > 0;
}

async function take(
  registry: Registry,
  session: Session,
  brought: EnquirerAuthorisation,
  signed: Pick<Entry, 'record' | 'events'>,
): Promise<Recorded> {
  const { authorisation_id } = signed.record;
  const subject_id = await subjectOf(registry, session, authorisation_id, brought);
  const entry = { subject_id, subject_ref: authorisation_id, ...signed };
  const { result, refusal } = await storeSignedJudged(registry, session, entry, {
    party: brought.enquirer_id,
    owner: { provider_id: registry.registry_id, recipient_id: brought.enquirer_id },
    supersedes: true, // The caller signed both, and this one says that it takes the place.
  });
  if (refusal) throw new Refused('succession', refusal.code, `${refusal.field} ${refusal.problem}`);
  if (result.result === 'invalid') invalid(result.problem);
  if (result.result === 'refused') {
    if (await isOwn(session, registry, brought.enquirer_id, authorisation_id))
      throw new Refused(result.why, 'authorisation_altered');
    throw new Refused('unknown', 'authorisation_invalid', 'the authorisation_id cannot be used');
  }
  // A retry too: what came before signatures were kept is kept when it comes again.
  await session.query(
    `insert into brought_authorisation (subject_id, authorisation_id, seq, signed, brought_at)
     values ($1, $2, $3, $4, $5) on conflict (subject_id, authorisation_id, seq) do nothing`,
    [subject_id, authorisation_id, signed.events.length, brought.signed, registry.now()],
  );
  return { authorisation_id, state: stateOf(signed.events), result: result.result };
}

/**
 * Records one authorisation with its events. Nothing of a refused one is kept but the trace.
 * @throws signature_invalid, authorisation_invalid, authorisation_altered; supersedes_invalid,
 * amendment_unanswered, authorisation_superseded, event_backdated: it may not take the place of
 * what it supersedes; rate_limited: too many people whose details are others
 */
export async function recordForEnquirer(
  registry: Registry,
  brought: EnquirerAuthorisation,
): Promise<Recorded> {
  const signed = await readSigned(registry, brought);
  await checkGuesses(registry, brought.enquirer_id);
  try {
    return await registry.db.transaction((session) => take(registry, session, brought, signed));
  } catch (error) {
    if (error instanceof Refused) {
      const { authorisation_id } = signed.record;
      await traceRefusals(registry.db, [{ authorisation_id, why: error.why }], {
        by_party: brought.enquirer_id,
        newId: registry.newId,
        recorded_at: registry.now(),
      });
    }
    throw error;
  }
}
