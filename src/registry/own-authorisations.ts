/**
 * A person's own authorisations: every one that the registry knows, how it stands, what it let
 * happen, and withdrawing it here.
 *
 * What must stay true: withdrawing takes effect at once and says beforehand what it does; a
 * person ends only their own, and another's is as unknown as one that does not exist.
 * Source: PIPL 15 (C20), GDPR 7(3) (E1).
 */

import { createHash } from 'node:crypto';
import { mayFollow } from '../authorisation/record.ts';
import { canonicalBytes } from '../keys/jws.ts';
import { type EndAnswer, endAuthorisation } from './authorisation-events.ts';
import { effectOf } from './effects.ts';
import { readOwn } from './own-looks.ts';
import type { Registry } from './registry.ts';

interface Row {
  readonly authorisation_id: string;
  readonly arrangement_id: string;
  readonly purpose: string;
  readonly provider: string | null;
  readonly recipient: string | null;
  readonly recipient_class: string;
  readonly products: readonly string[];
  readonly state: string;
  readonly state_at: Date;
  readonly given_at: Date | null;
  readonly starts_at: Date;
  readonly expires_at: Date | null;
  readonly withdrawal_effect: Parameters<typeof effectOf>[1];
  readonly notice_id: string;
  readonly notice_version: number;
  readonly record_sha256: string;
  readonly uses: number;
}

export interface OwnAuthorisation extends Row {
  /** Whether withdrawing changes anything. */
  readonly may_withdraw: boolean;
  /** What withdrawing does to what is held: the stricter of the record's and the law's. */
  readonly effect: string;
}

const AUTHORISATIONS = `
  select a.authorisation_id, a.arrangement_id, a.purpose, f.name as provider, r.name as recipient,
    a.recipient_class, a.products, a.state, e.at as state_at,
    (select min(g.at) from authorisation_event g where g.subject_id = a.subject_id
       and g.authorisation_id = a.authorisation_id and g.type = 'given') as given_at,
    a.starts_at, a.expires_at, a.withdrawal_effect, a.notice_id, a.notice_version,
    encode(a.record_sha256, 'hex') as record_sha256,
    (select count(*) from authorisation_use u where u.subject_id = a.subject_id
       and u.authorisation_id = a.authorisation_id) as uses
  from authorisation a
  join authorisation_event e on e.subject_id = a.subject_id
    and e.authorisation_id = a.authorisation_id and e.seq = a.last_seq
  left join participant f on f.participant_id = a.provider_id
  left join participant r on r.participant_id = a.recipient_id
  where a.subject_id = $1
  order by a.state in ('given', 'paused') desc, e.at desc, a.authorisation_id`;

function shown(registry: Registry, row: Row): OwnAuthorisation {
  const may_withdraw = row.state !== 'superseded' && mayFollow(row.state as never, 'withdrawn');
  const effect = effectOf('withdrawn', row.withdrawal_effect, registry.profile);
  return { ...row, may_withdraw, effect: effect ?? row.withdrawal_effect };
}

/** Every authorisation of the person, those in force first. */
export function ownAuthorisations(
  registry: Registry,
  subjectId: string,
): Promise<OwnAuthorisation[]> {
  return readOwn(registry, subjectId, 'authorisations', async (session) => {
    const { rows } = await session.query<Row>(AUTHORISATIONS, [subjectId]);
    return rows.map((row) => shown(registry, row));
  });
}

/**
 * Withdraws one at the word of the person, at once; again, it is `unchanged`.
 * @throws authorisation_unknown: not there, or another's; authorisation_invalid: never given
 */
export function withdrawOwn(
  registry: Registry,
  person: { readonly subject_id: string; readonly session_id: string },
  authorisationId: string,
): Promise<EndAnswer> {
  const evidence = {
    form: 'assent/own-withdrawal/1',
    authorisation_id: authorisationId,
    session_id: person.session_id,
  };
  return endAuthorisation(registry, authorisationId, {
    type: 'withdrawn',
    reason: 'subject_request',
    evidence_sha256: createHash('sha256').update(canonicalBytes(evidence)).digest('hex'),
    by_party: registry.registry_id,
    subject_id: person.subject_id,
  });
}
