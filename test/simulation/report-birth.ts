/**
 * People of the level of reports as they begin: their accounts, drawn under agreements or not, the
 * approvals to furnish them and to look.
 *
 * What must stay true: an account is stored as the line says that would have brought it; each
 * approval is of its account alone, so no other one covers its months.
 */
import { closeBatch, collectEntries } from '../../src/authorisation/batch.ts';
import type { AuthorisationRecord } from '../../src/authorisation/record.ts';
import { type RecordChanges, sampleRecord } from '../../src/authorisation/sample-record.ts';
import { type Entry, lockWriters, prepare } from '../../src/authorisation/store.ts';
import { addMonths, firstDay } from '../../src/model/period.ts';
import { arrivedValues, isAccountLine } from '../../src/registry/account-lines.ts';
import type { Registry } from '../../src/registry/registry.ts';
import { type Account, type Agreement, APPROVED_AT, type Person } from './report-oracle.ts';
import { anyOf, type Look, type Run } from './report-scene.ts';
import { ENQUIRERS, FURNISHERS } from './world.ts';

export const LIVES = 25;
/** The first month that a furnisher may have. */
export const FIRST = '2024-07';
const LAST_YEAR = 2040;

/** Partitions for every period that a life may have. */
export async function makeRoom(registry: Registry): Promise<void> {
  for (let year = 2024; year <= LAST_YEAR; year += 1)
    // sql: years of this file's own; DDL takes no parameters.
    await registry.db.query(`create table if not exists account_month_${year}
      partition of account_month for values from ('${year}-01-01') to ('${year + 1}-01-01')`);
}

function entryOf({ random }: Pick<Run, 'random'>, subject_id: string, changes: RecordChanges) {
  const authorisation_id = random.uuid();
  const record: AuthorisationRecord = sampleRecord({
    ...{ authorisation_id, arrangement_id: authorisation_id },
    ...changes,
    notice: { version: 2 }, // The newest of the level.
    limits: { starts_at: APPROVED_AT, ...changes.limits },
  });
  const given = { seq: 1, type: 'given' as const, at: APPROVED_AT, reason: null };
  const events = [{ ...given, by_party: record.parties.provider_id }];
  const entry: Entry = { subject_id, subject_ref: subject_id, record, events };
  return { entry, authorisation_id };
}

async function storeAll({ registry }: Run, entries: readonly Entry[]): Promise<void> {
  await registry.db.transaction(async (session) => {
    await lockWriters(session);
    const { batch_id, results } = await collectEntries(session, entries.map(prepare), {
      recorded_at: registry.now(),
      by_party: registry.registry_id,
      collector_id: registry.registry_id,
      newId: registry.newId,
      batch_id: null,
    });
    if (results.some(({ result }) => result !== 'stored'))
      throw new Error('an entry was not stored');
    if (batch_id) await closeBatch(session, batch_id, { ring: registry.ring, at: registry.now() });
  });
}

/** Stores a revision of an account by its line. */
export async function storeAccount({ registry }: Run, account: Account): Promise<void> {
  const { agreement, owner } = account;
  const line = [
    ...[account.account_ref, owner.subject_id, String(account.revision), 'revolving_line'],
    ...[null, 'CNY', account.opened_on, null, null, null],
    ...(agreement
      ? [
          ...[agreement.agreement_id, agreement.limit_minor?.toString() ?? null],
          ...[firstDay(FIRST), agreement.ends_on],
        ]
      : []),
  ];
  if (!isAccountLine(line)) throw new Error(`no line of an account: ${line.join(' ')}`);
  await registry.db.query(
    `insert into account (account_id, account_ref, revision, kind, brand, currency, opened_on,
       closed_on, original_amount_minor, term_months, agreement_id, agreement_limit_minor,
       agreement_opened_on, agreement_ends_on, subject_id, furnisher_id, submission_id)
     select a.account_id, a.account_ref, a.revision, a.kind, a.brand, a.currency, a.opened_on,
       a.closed_on, a.original_amount_minor, a.term_months, a.agreement_id,
       a.agreement_limit_minor, a.agreement_opened_on, a.agreement_ends_on, a.subject_ref,
       $1::uuid, a.account_id
     from (values ($2::uuid, $3::uuid, $4::uuid, $5::int, $6, $7, $8, $9::date, $10::date,
       $11::bigint, $12::int, $13::uuid, $14::bigint, $15::date, $16::date))
       a (account_id, account_ref, subject_ref, revision, kind, brand, currency, opened_on,
         closed_on, original_amount_minor, term_months, agreement_id, agreement_limit_minor,
         agreement_opened_on, agreement_ends_on)`,
    [account.furnisher_id, ...arrivedValues(account.account_id, line)],
  );
}

/** One agreement for several accounts, or none. */
function agreementFor(run: Run, count: number): Agreement | null {
  const { random } = run;
  if (!random.chance(count > 1 ? 0.6 : 0.2)) return null;
  return {
    agreement_id: random.uuid(),
    limit_minor: random.chance(0.15) ? null : random.between(50_000, 400_000),
    ends_on: anyOf(run, [null, '2026-09-30', '2029-03-31']) ?? null,
  };
}

async function openAccounts(run: Run, owner: Person, entries: Entry[]): Promise<void> {
  const { random, ledger } = run;
  const count = random.pick([0, 1, 1, 2, 2, 2, 3, 3]);
  const agreement = agreementFor(run, count);
  const lender = random.pick(FURNISHERS);
  for (let n = 0; n < count; n += 1) {
    const isDraw = agreement !== null && random.chance(0.85);
    const furnisher_id = isDraw ? lender : random.pick(FURNISHERS);
    const effect = random.pick(['STOP_AND_RESTRICT', 'STOP_AND_ERASE'] as const);
    const account_ref = random.uuid();
    const { entry, authorisation_id } = entryOf(run, owner.subject_id, {
      parties: { provider_id: furnisher_id },
      data: { accounts: [account_ref] },
      withdrawal: { effect, method_uri: null },
    });
    entries.push(entry);
    const account: Account = {
      ...{ account_id: random.uuid(), account_ref, furnisher_id, authorisation_id, owner },
      ...{ erases: effect === 'STOP_AND_ERASE', is_ended: false, revision: 1 },
      ...{ agreement: isDraw ? agreement : null, months: [], purged: [] },
      opened_on: `${FIRST}-${String(random.between(1, 28)).padStart(2, '0')}`,
      next: addMonths(FIRST, random.between(0, 6)),
    };
    await storeAccount(run, account);
    ledger.accounts.push(account);
  }
}

function approveLooks(run: Run, owner: Person, entries: Entry[]): void {
  const { random, registry, ledger } = run;
  for (const enquirer_id of ENQUIRERS) {
    const code = random.pick(['Q1', 'Q2'] as const);
    const fetch = random.pick(['PERIODIC', 'PERIODIC', 'PERIODIC', 'ONETIME'] as const);
    const { entry, authorisation_id } = entryOf(run, owner.subject_id, {
      parties: {
        ...{ provider_id: registry.registry_id, recipient_class: 'lender' as const },
        recipient_id: enquirer_id,
      },
      purpose: { code },
      limits: { mode: 'VIEW', fetch },
    });
    entries.push(entry);
    const look: Look = { authorisation_id, enquirer_id, code, owner, is_ended: false };
    ledger.looks.push(look);
  }
}

/** Everybody of an episode. */
export async function beBorn(run: Run): Promise<void> {
  const { registry } = run;
  const entries: Entry[] = [];
  for (const person of run.people) {
    const key = registry.ring.newSubjectKey();
    await registry.db.query(
      `insert into subject (subject_id, identity_kind, wrapped_key, identity_sealed, details_hash,
         created_at) values ($1, 'passport', $2, $3, '\\x00', $4)`,
      [
        ...[person.subject_id, key.wrapped],
        ...[key.seal(Buffer.from('{}'), `subject ${person.subject_id}`), registry.now()],
      ],
    );
    await openAccounts(run, person, entries);
    approveLooks(run, person, entries);
  }
  await storeAll(run, entries);
}
