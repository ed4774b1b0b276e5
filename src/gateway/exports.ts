/**
 * An authorisation in the form of a standard, for whoever asks for it: the person, another
 * system, a court.
 *
 * What must stay true: references of the person and of accounts are keyed hashes over the
 * arrangement, so two exports of one arrangement can be joined and those of two cannot; the
 * lender's own key alone leads back.
 */

import { exportRebit, rebitDetail } from '../authorisation/export-rebit.ts';
import { exportRfc9396 } from '../authorisation/export-rfc9396.ts';
import type { Exported } from '../authorisation/export-terms.ts';
import { exportTs27560 } from '../authorisation/export-ts27560.ts';
import { addSpan } from '../authorisation/moment.ts';
import { type AuthorisationRecord, stateOf } from '../authorisation/record.ts';
import { type Entry, entriesOf } from '../authorisation/store.ts';
import { isInForce } from '../authorisation/succession.ts';
import { signJws } from '../keys/jws.ts';
import { AssentError } from '../model/error.ts';
import { UUID } from '../model/uuid.ts';
import type { Gateway } from './gateway.ts';
import { usesOf } from './uses.ts';

export const EXPORT_FORMS = ['ts27560', 'rebit', 'rfc9396'] as const;
export type ExportForm = (typeof EXPORT_FORMS)[number];

/** When an authorisation ends: by its own words or by the profile's bound; null: open. */
function endOf({ limits }: AuthorisationRecord, months: number | null): string | null {
  const bound =
    months === null
      ? null
      : addSpan(new Date(limits.starts_at), { n: months, unit: 'MONTH' }).toISOString();
  const ends = [limits.expires_at, bound].filter((each) => each !== null).sort();
  return ends[0] ?? null;
}

async function exportedOf(gateway: Gateway, entry: Entry): Promise<Exported> {
  const { record, events, subject_id } = entry;
  const current = stateOf(events);
  const now = gateway.now();
  const moment = now.toISOString();
  const ends_at = endOf(record, gateway.profile?.validity_months ?? null);
  const hasEnded = isInForce(current) && ends_at !== null && ends_at <= moment;
  const refOf = (kind: string, id: string) =>
    Buffer.from(gateway.ring.keyedHash(`export ${kind}`, record.arrangement_id, id)).toString(
      'hex',
    );
  return {
    record,
    events,
    state: hasEnded ? 'expired' : current,
    ends_at,
    use: await usesOf(gateway.db, record.authorisation_id, now),
    principal_ref: refOf('principal', subject_id),
    account_refs:
      record.data.accounts === 'ALL'
        ? 'ALL'
        : record.data.accounts.map((account) => refOf('account', account)),
    moment,
  };
}

/**
 * One authorisation as JSON in a form of `EXPORT_FORMS`, as of now.
 * @throws authorisation_unknown; argument_invalid: no such form; party_not_configured
 */
export async function exportAuthorisation(
  gateway: Gateway,
  id: string,
  form: string,
): Promise<object> {
  const [entry] = UUID.test(id) ? await entriesOf(gateway.db, [id]) : [];
  if (!entry) throw new AssentError('authorisation_unknown');
  const exported = await exportedOf(gateway, entry);
  if (form === 'ts27560') return exportTs27560(exported, gateway.parties ?? {});
  if (form === 'rfc9396')
    return exportRfc9396(exported, gateway.parties?.recipient_locations ?? []);
  if (form === 'rebit') {
    const use = { typ: 'assent-consent-detail+jws' };
    return exportRebit(exported, await signJws(rebitDetail(exported), gateway.ring, use));
  }
  throw new AssentError('argument_invalid', {
    detail: `the forms are ${EXPORT_FORMS.join(', ')}`,
  });
}
