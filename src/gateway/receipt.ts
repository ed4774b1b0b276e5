/**
 * Believing a receipt, and writing it down.
 *
 * What must stay true: a receipt is recorded only if it names our submission, its counts add up
 * to what was sent, and its Merkle root is the one computed here over the rows it accepted. The
 * registry's faults go page by page into `handover_fault`: a million of them are never in memory.
 */
import { createHash } from 'node:crypto';
import { canonicalBytes } from '../keys/jws.ts';
import { HASH_BYTES, MerkleTree } from '../log/merkle.ts';
import { AssentError } from '../model/error.ts';
import { firstDay } from '../model/period.ts';
import type { ApiClient } from '../wire/api-client.ts';
import type { Manifest, Outcome, Receipt, RowFault } from '../wire/part.ts';
import { monthLeafHasher, PART_KINDS } from '../wire/part.ts';
import type { Gateway } from './gateway.ts';
import { settleOutbox } from './outbox.ts';
import { monthText } from './parts.ts';

function wrong(detail: string): never {
  throw new AssentError('receipt_wrong', { detail });
}

function totalOf(outcome: Outcome): number {
  const { accepted, unchanged, rejected, held, refused } = outcome;
  return accepted + unchanged + rejected + held + refused;
}

interface FaultPage {
  readonly faults: readonly RowFault[];
  readonly next: string | null;
}

async function insertFaults(gateway: Gateway, id: string, from: number, page: FaultPage['faults']) {
  await gateway.db.query(
    `insert into handover_fault (handover_id, fault_number, kind, row_number, outcome, rule, severity, field)
     select $1::uuid, $8::int + f.n, f.kind, f.row_number, f.outcome, f.rule, f.severity, f.field
     from unnest($2::text[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[])
       with ordinality as f (kind, row_number, outcome, rule, severity, field, n)`,
    [
      id,
      page.map((f) => f.kind),
      page.map((f) => f.row_number),
      page.map((f) => f.outcome),
      page.map((f) => f.rule),
      page.map((f) => f.severity),
      page.map((f) => f.field),
      from,
    ],
  );
}

/** Fetches the registry's faults of a submission into `handover_fault`; those of before go. */
export async function keepFaults(gateway: Gateway, api: ApiClient, id: string): Promise<void> {
  await gateway.db.query('delete from handover_fault where handover_id = $1', [id]);
  let kept = 0;
  for (let after: string | null = ''; after !== null; ) {
    const page: FaultPage = await api.json({
      method: 'GET',
      path: `/v1/submissions/${id}/faults`,
      query: { limit: '5000', ...(after ? { after } : {}) },
      idempotent: true,
    });
    if (page.faults.length > 0) await insertFaults(gateway, id, kept, page.faults);
    kept += page.faults.length;
    after = page.next;
  }
  if (kept > 0) await gateway.db.query('analyze handover_fault');
}

/** Row numbers of months in a range that the registry did not take as new. */
async function lostRows(
  gateway: Gateway,
  id: string,
  first: number,
  last: number,
): Promise<ReadonlySet<number>> {
  const { rows } = await gateway.db.query<{ row_number: number }>(
    `select distinct row_number from handover_fault
     where handover_id = $1 and kind = 'month' and outcome <> 'accepted'
       and row_number between $2 and $3`,
    [id, first, last],
  );
  return new Set(rows.map((row) => row.row_number));
}

/** Rows looked at together. */
const STRETCH = 100_000;

/** RFC 9162 root over the month rows that were accepted, from our own book. */
async function rootOfAccepted(gateway: Gateway, manifest: Manifest) {
  const tree = new MerkleTree();
  const { submission_id: id, period } = manifest;
  const hashLeaf = monthLeafHasher(period);
  const { rows } = await gateway.db.query<{ last: number | null }>(
    'select max(row_number) as last from handover_row where handover_id = $1',
    [id],
  );
  const last = rows[0]?.last ?? 0;
  const hashes = Buffer.alloc(Math.min(STRETCH, last) * HASH_BYTES);
  let before = 0;
  for (let first = 1; first <= last; first += STRETCH) {
    const text = Buffer.from(
      await gateway.db.transaction((session) =>
        monthText(session, [id, first, first + STRETCH - 1, before], period),
      ),
    );
    const lost = await lostRows(gateway, id, before + 1, before + STRETCH);
    let [start, kept] = [0, 0];
    for (let end = text.indexOf(10); end >= 0; end = text.indexOf(10, start)) {
      before += 1;
      if (!lost.has(before)) hashLeaf(text.subarray(start, end), hashes, kept++);
      start = end + 1;
    }
    tree.addHashes(hashes.subarray(0, kept * HASH_BYTES));
  }
  return tree;
}

/** Compares a receipt with what was sent and the faults kept. @throws receipt_wrong, naming what does not agree. */
export async function checkReceipt(
  gateway: Gateway,
  manifest: Manifest,
  receipt: Receipt,
): Promise<void> {
  if (receipt.submission_id !== manifest.submission_id) wrong('it names another submission');
  if (receipt.furnisher_id !== manifest.furnisher_id) wrong('it names another furnisher');
  if (receipt.period !== manifest.period) wrong('it names another period');
  const digest = createHash('sha256').update(canonicalBytes(manifest)).digest('hex');
  if (receipt.manifest_sha256 !== digest) wrong('it answers another manifest');
  for (const kind of PART_KINDS) {
    const outcome = receipt.outcomes[kind];
    if (outcome.declared !== manifest.rows[kind] || totalOf(outcome) !== outcome.declared) {
      wrong(`its counts of ${kind} rows do not add up to the ${manifest.rows[kind]} sent`);
    }
  }
  const tree = await rootOfAccepted(gateway, manifest);
  if (tree.size !== receipt.outcomes.month.accepted) {
    wrong(
      `it counts ${receipt.outcomes.month.accepted} accepted months, its faults leave ${tree.size}`,
    );
  }
  const root = Buffer.from(tree.root()).toString('base64');
  if (receipt.merkle.size !== tree.size || receipt.merkle.root !== root) {
    wrong('its Merkle root is not that of the rows it says it accepted');
  }
}

interface Ended {
  readonly compact: string;
  readonly receipt: Receipt;
}

/** Writes the receipt and each row's outcome down, in one transaction; twice is as good as once. */
export async function recordReceipt(
  gateway: Gateway,
  id: string,
  period: string,
  ended: Ended,
): Promise<void> {
  await gateway.db.transaction(async (session) => {
    await session.query(
      `insert into furnished_month (period, account_id, revision, handover_id, outcome)
       select $2::date, h.account_id, h.revision, $1::uuid, coalesce(f.outcome, 'accepted')
       from (select *, row_number() over (order by row_number) as wire_number
             from handover_row where handover_id = $1::uuid and withheld_since is null) h
       left join (select distinct on (row_number) row_number, outcome from handover_fault
                  where handover_id = $1::uuid and kind = 'month' and outcome <> 'accepted'
                  order by row_number, fault_number) f on f.row_number = h.wire_number
       on conflict (period, account_id, revision) do update set
         handover_id = excluded.handover_id, outcome = excluded.outcome`,
      [id, firstDay(period)],
    );
    for (const [table, key, version, kind] of FURNISHED) {
      // sql: the four names are constants of this file.
      await session.query(
        `insert into ${table} (${key}, ${version})
         select s.ref, s.version
         from (select ref, version, row_number() over (order by row_number) as row_number
               from handover_sent where handover_id = $1 and kind = $2) s
         where s.row_number not in (
           select f.row_number from handover_fault f where f.handover_id = $1 and f.kind = $2
             and f.outcome in ('rejected', 'held', 'refused'))
         on conflict (${key}) do update set ${version} = excluded.${version}`,
        [id, kind],
      );
    }
    await session.query(
      `update furnished_account set first_period = f.period
       from furnished_month f
       where f.period = $2::date and f.handover_id = $1::uuid and f.outcome in ('accepted', 'unchanged')
         and furnished_account.account_id = f.account_id
         and (furnished_account.first_period is null or furnished_account.first_period > f.period)`,
      [id, firstDay(period)],
    );
    await settleOutbox(session, id, gateway.now());
    // An approval none of whose rows went was not used.
    await session.query(
      `delete from authorisation_use u where u.use_id = $1 and not exists (
         select 1 from handover_row h where h.handover_id = $1
           and h.authorisation_id = u.authorisation_id and h.withheld_since is null)`,
      [id],
    );
    await session.query(
      'analyze furnished_month, furnished_customer, furnished_account, furnished_authorisation',
    );
    await session.query(
      `update handover set state = 'received', receipt = $2, counts = $3, ended_at = $4
       where handover_id = $1`,
      [id, ended.compact, JSON.stringify(ended.receipt.outcomes), gateway.now()],
    );
  });
}

const FURNISHED = [
  ['furnished_customer', 'subject_id', 'identity_version', 'subject'],
  ['furnished_account', 'account_id', 'revision', 'account'],
  ['furnished_authorisation', 'authorisation_id', 'last_seq', 'authorisation'],
] as const;
