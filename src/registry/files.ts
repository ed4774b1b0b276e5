/**
 * A person's file, for an operator. The trace is written in the same transaction, before a byte
 * is returned; without it there is no file.
 */
import { AssentError } from '../model/error.ts';
import { checkIdentityNumber } from '../model/identity-number.ts';
import type { IdentityKind } from '../model/record.ts';
import type { Registry } from './registry.ts';

export interface Look {
  readonly participant_id: string;
  readonly purpose: string;
  readonly reason: string;
}

export type Sought =
  | { readonly subject_id: string }
  | { readonly account_ref: string; readonly furnisher_id: string }
  | { readonly kind: IdentityKind; readonly country: string | null; readonly number: string };

export interface FileView {
  readonly subject_id: string;
  readonly identity: Record<string, unknown>;
  readonly accounts: readonly Record<string, unknown>[];
  readonly authorisations: readonly Record<string, unknown>[];
}

async function findSubject(registry: Registry, sought: Sought): Promise<string | null> {
  if ('subject_id' in sought) return sought.subject_id;
  if ('account_ref' in sought) {
    const { rows } = await registry.db.query<{ subject_id: string }>(
      'select subject_id from account_locator where account_ref::text = $1 and furnisher_id::text = $2',
      [sought.account_ref, sought.furnisher_id],
    );
    return rows[0]?.subject_id ?? null;
  }
  const today = registry.now().toISOString().slice(0, 10);
  const checked = checkIdentityNumber(sought.kind, sought.number, {
    country: sought.country,
    today,
  });
  if (!checked.ok || sought.kind === 'furnisher_reference') return null;
  const hash = registry.ring.keyedHash(
    'document',
    sought.kind,
    sought.country ?? '',
    '',
    checked.normalised,
  );
  const { rows } = await registry.db.query<{ subject_id: string }>(
    'select subject_id from subject_document where document_hash = $1',
    [hash],
  );
  return rows[0]?.subject_id ?? null;
}

const ACCOUNTS = `
  select k.account_id, k.kind, k.brand, k.currency, k.opened_on, k.closed_on,
    k.original_amount_minor, k.term_months, f.name as furnisher,
    (select jsonb_agg(to_jsonb(m) order by m.period) from (
       select distinct on (n.period) to_char(n.period, 'YYYY-MM') as period, n.revision, n.as_of,
         n.status, n.limit_minor, n.borrowed_minor, n.balance_minor, n.due_minor, n.paid_minor,
         n.days_past_due, n.past_due_minor, n.first_delinquency_on, n.five_class, n.authorisation_id
       from account_month n where n.subject_id = $1 and n.account_id = k.account_id
       order by n.period, n.revision desc) m) as months
  from (select distinct on (account_id) * from account where subject_id = $1
        order by account_id, revision desc) k
  join participant f on f.participant_id = k.furnisher_id
  order by k.opened_on, k.account_id`;

/** @throws file_unknown when nobody is found; that look leaves no trace, as there is no person. */
export async function readFile(registry: Registry, sought: Sought, look: Look): Promise<FileView> {
  const subjectId = await findSubject(registry, sought);
  if (subjectId === null) throw new AssentError('file_unknown');
  return registry.db.transaction(async (session) => {
    const { rows: people } = await session.query<{
      subject_id: string;
      wrapped_key: Uint8Array;
      identity_sealed: Uint8Array;
    }>('select subject_id, wrapped_key, identity_sealed from subject where subject_id::text = $1', [
      subjectId,
    ]);
    const [person] = people;
    if (!person) throw new AssentError('file_unknown');
    await session.query(
      `insert into access (subject_id, access_id, participant_id, purpose, reason, at)
       values ($1, $2, $3, $4, $5, $6)`,
      [subjectId, registry.newId(), look.participant_id, look.purpose, look.reason, registry.now()],
    );
    const opened = registry.ring.open(
      person.wrapped_key,
      person.identity_sealed,
      `subject ${person.subject_id}`,
    );
    const accounts = await session.query(ACCOUNTS, [subjectId]);
    const authorisations = await session.query(
      `select a.authorisation_id, a.purpose, a.state, a.starts_at, a.expires_at, f.name as provider
       from authorisation a left join participant f on f.participant_id = a.provider_id
       where a.subject_id = $1 order by a.starts_at, a.authorisation_id`,
      [subjectId],
    );
    return {
      subject_id: person.subject_id,
      identity: JSON.parse(Buffer.from(opened).toString('utf8')) as Record<string, unknown>,
      accounts: accounts.rows,
      authorisations: authorisations.rows,
    };
  });
}
