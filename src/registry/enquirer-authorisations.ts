/**
 * Authorisations that an enquirer collected: for looks at a file, signed by the enquirer.
 *
 * What must stay true: the record names the registry as provider and the caller as its one
 * recipient; the caller's signature stands over record and events; the person is found or made by
 * the document as for a furnisher, and sealed; a retry changes nothing, an altered one is refused.
 */

import { type Purpose, stateOf } from '../authorisation/record.ts';
import { isWireEntry } from '../authorisation/schema.ts';
import { type VerifyingKeys, verifyJws } from '../keys/jws.ts';
import { AssentError } from '../model/error.ts';
import { copyText } from '../tape/copy-text.ts';
import { takeSubjects } from './other-intake.ts';
import type { Registry } from './registry.ts';
import { storeSigned } from './store-signed.ts';

const PURPOSES: readonly Purpose[] = ['Q1', 'Q2', 'Q3', 'E1'];

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
  const payload = await verifyJws(brought.signed, brought.keys, {
    typ: 'assent-authorisation+jws',
  });
  const entry: unknown = { ...payload, subject_ref: brought.enquirer_id };
  if (!isWireEntry(entry)) invalid('the signed payload is not { record, events }');
  const { record, events } = entry;
  const { provider_id, recipient_class, recipient_id } = record.parties;
  if (provider_id !== registry.registry_id) invalid('the provider is not this registry');
  if (recipient_class !== 'lender' || recipient_id !== brought.enquirer_id)
    invalid('the recipient is not the caller');
  if (!PURPOSES.includes(record.purpose.code)) invalid(`the purpose is none of ${PURPOSES}`);
  if (!events.every((event) => event.by_party === brought.enquirer_id))
    invalid("an event is not the caller's");
  return { record, events };
}

/**
 * Records one authorisation with its events.
 * @throws signature_invalid, authorisation_invalid, authorisation_altered.
 */
export async function recordForEnquirer(
  registry: Registry,
  brought: EnquirerAuthorisation,
): Promise<Recorded> {
  const { record, events } = await readSigned(registry, brought);
  const { kind, country, number, name, birth_date } = brought.person;
  const id = record.authorisation_id;
  const recorded = await registry.db.transaction(
    async (session): Promise<Recorded | AssentError> => {
      // The enquirer's reference of the person is the authorisation: it need not give another.
      const values = [id, '1', kind, country, number, name, birth_date];
      const line = Buffer.from(copyText([{ row: 1, values }])).toString('utf8');
      const { faults } = await takeSubjects(registry, session, {
        lines: [line.trimEnd()],
        firstRow: 1,
        furnisher_id: brought.enquirer_id,
        submission_id: id,
      });
      if (faults.length > 0) invalid(`the person cannot be identified (${faults[0]?.rule})`);
      const { rows } = await session.query<{ subject_id: string }>(
        'select subject_id from subject_locator where subject_ref = $1 and furnisher_id = $2',
        [id, brought.enquirer_id],
      );
      const subject_id = rows[0]?.subject_id ?? invalid('the person cannot be identified');
      const entry = { subject_id, subject_ref: id, record, events };
      const ended = await storeSigned(registry, session, entry, brought.enquirer_id);
      if (ended.result === 'invalid') invalid(ended.problem);
      if (ended.result === 'refused') return new AssentError('authorisation_altered');
      const result = ended.result === 'stored' ? 'stored' : 'unchanged';
      return { authorisation_id: id, state: stateOf(events), result };
    },
  );
  if (recorded instanceof AssentError) throw recorded; // Its trace is kept.
  return recorded;
}
