/**
 * The hand-over of one period: exchange events → decide → cut into parts → upload → complete →
 * receipt.
 *
 * What must stay true: what was decided is written down before anything leaves; a part is cut
 * again, with the state of its authorisations as of now, each time before it is sent, so a
 * withdrawal in between wins, on whichever side; a receipt is believed only if its signature, its counts and its
 * Merkle root agree with what was sent. Every step can be repeated after a crash.
 */
import { MANIFEST_TYP } from '../authorisation/batch.ts';
import type { Session } from '../database/database.ts';
import { signJws, type VerifyingKeys, verifyJws } from '../keys/jws.ts';
import { MerkleTree } from '../log/merkle.ts';
import { AssentError } from '../model/error.ts';
import { addMonths, firstDay } from '../model/period.ts';
import type { ApiClient } from '../wire/api-client.ts';
import type { Manifest, Receipt, SubmissionView } from '../wire/part.ts';
import { PART_KINDS, type PartKind } from '../wire/part.ts';
import { exchangeEvents, pullFeed } from './feed.ts';
import { decidePeriod, lockDecisions } from './gate.ts';
import type { Gateway, Progress } from './gateway.ts';
import { pushEvents, queueTravelling, settleOutbox } from './outbox.ts';
import { type CutPart, cutPart, planParts, recordUse } from './parts.ts';
import { checkReceipt, keepFaults, recordReceipt } from './receipt.ts';
import { sweep } from './sweep.ts';

export interface Registry {
  readonly api: ApiClient;
  /** The registry's public keys, pinned when the gateway was introduced to it. */
  readonly keys: VerifyingKeys;
  readonly sleep: (ms: number) => Promise<void>;
}

export interface HandOverReport {
  readonly handover_id: string | null;
  readonly period: string;
  readonly state: 'received' | 'nothing_to_hand_over';
  readonly in_scope: number;
  readonly already_handed_over: number;
  readonly released: number;
  readonly withheld: Readonly<Record<string, number>>;
  readonly receipt: Receipt | null;
}

interface Handover {
  readonly handover_id: string;
  readonly period: string;
  readonly in_scope: number;
  readonly already_handed_over: number;
  readonly released: number;
  readonly withheld: Record<string, number>;
}

const COLUMNS = `handover_id, to_char(period, 'YYYY-MM') as period, in_scope,
  already_handed_over, released, withheld`;

async function findRunning(session: Session, period: string): Promise<Handover | null> {
  // sql: COLUMNS is a constant.
  const { rows } = await session.query<Handover>(
    `select ${COLUMNS} from handover where period = $1 and state = 'decided'`,
    [firstDay(period)],
  );
  return rows[0] ?? null;
}

/** Decides the period at this moment and writes the decision down, in one transaction. */
async function decide(gateway: Gateway, period: string): Promise<Handover> {
  return gateway.db.transaction(async (session) => {
    await lockDecisions(session);
    const handoverId = gateway.newId();
    const moment = gateway.now();
    await decidePeriod(session, gateway, period, moment, handoverId);
    await session.query(
      `create temp table already on commit drop as
       select d.account_id from decided d
       join furnished_month f on f.period = $1::date and f.account_id = d.account_id
         and f.revision = d.revision and f.outcome in ('accepted', 'unchanged', 'rejected')`,
      [firstDay(period)],
    );
    const counts = await session.query<{ reason: string | null; already: boolean; n: number }>(
      `select d.reason, d.reason is null and f.account_id is not null as already, count(*) as n
       from decided d left join already f on f.account_id = d.account_id
       group by 1, 2 order by 1, 2`,
    );
    const withheld: Record<string, number> = {};
    let [released, already, inScope] = [0, 0, 0];
    for (const row of counts.rows) {
      inScope += row.n;
      if (row.reason !== null) withheld[row.reason] = row.n;
      else if (row.already) already = row.n;
      else released = row.n;
    }
    await session.query(
      `insert into handover (handover_id, period, state, decided_at, in_scope,
                             already_handed_over, released, withheld)
       values ($1, $2, 'decided', $3, $4, $5, $6, $7)`,
      [handoverId, firstDay(period), moment, inScope, already, released, JSON.stringify(withheld)],
    );
    const before = firstDay(addMonths(period, -1));
    await session.query(
      `insert into handover_row (handover_id, account_id, revision, authorisation_id, subject_id,
                                 preceding, row_number)
       select $1::uuid, d.account_id, d.revision, d.authorisation_id, d.subject_id,
              case when p.account_id is not null then 'furnished'
                   when e.account_id is not null then 'withheld' else 'first' end,
              row_number() over (order by d.account_id)
       from decided d
       left join (select distinct account_id from furnished_month
                  where period = $2::date and outcome in ('accepted', 'unchanged')) p
         on p.account_id = d.account_id
       left join furnished_account e on e.account_id = d.account_id and e.first_period < $2::date
       where d.reason is null
         and not exists (select 1 from already f where f.account_id = d.account_id)`,
      [handoverId, before],
    );
    await recordUse(session, handoverId, moment);
    await session.query(
      'analyze handover_row (handover_id, account_id, row_number, withheld_since)',
    );
    return {
      handover_id: handoverId,
      period,
      in_scope: inScope,
      already_handed_over: already,
      released,
      withheld,
    };
  });
}

interface Upload {
  readonly part_number: number;
  readonly kind: PartKind;
  readonly cut: CutPart;
  /** Digest of what the registry has under this number. */
  readonly there: string | null;
}

async function uploadPart(
  gateway: Gateway,
  registry: Registry,
  handover: Handover,
  { cut, ...part }: Upload,
  tree: MerkleTree,
): Promise<void> {
  if (cut.bodyDigest !== part.there)
    await registry.api.send({
      method: 'PUT',
      path: `/v1/submissions/${handover.handover_id}/parts/${part.part_number}`,
      query: { kind: part.kind },
      bytes: cut.body,
      headers: {
        'content-type': 'application/octet-stream',
        'content-digest': `sha-256=:${cut.bodyDigest}:`,
      },
      idempotent: true,
    });
  tree.addHashes(cut.leaves);
  await gateway.db.query(
    `insert into handover_part (handover_id, part_number, kind, rows, sha256, uploaded, merkle_state)
     values ($1, $2, $3, $4, $5, true, $6)
     on conflict (handover_id, part_number) do update set
       kind = excluded.kind, rows = excluded.rows, sha256 = excluded.sha256, uploaded = true,
       merkle_state = excluded.merkle_state`,
    [handover.handover_id, part.part_number, part.kind, cut.rows, cut.sha256, tree.serialise()],
  );
}

/** The tree over the authorisation lines of all parts. */
async function authorisationTree(session: Session, id: string): Promise<MerkleTree> {
  const { rows } = await session.query<{ merkle_state: Uint8Array }>(
    `select merkle_state from handover_part where handover_id = $1 and merkle_state is not null
     order by part_number desc limit 1`,
    [id],
  );
  return rows[0] ? MerkleTree.restore(rows[0].merkle_state) : new MerkleTree();
}

async function buildManifest(gateway: Gateway, handover: Handover): Promise<Manifest> {
  const { rows: parts } = await gateway.db.query<{
    part_number: number;
    kind: PartKind;
    rows: number;
    sha256: string;
  }>(
    `select part_number, kind, rows, sha256 from handover_part where handover_id = $1
     order by part_number`,
    [handover.handover_id],
  );
  const tree = await authorisationTree(gateway.db, handover.handover_id);
  const rows = Object.fromEntries(
    PART_KINDS.map((kind) => [
      kind,
      parts.filter((part) => part.kind === kind).reduce((sum, part) => sum + part.rows, 0),
    ]),
  ) as Record<PartKind, number>;
  return {
    submission_id: handover.handover_id,
    furnisher_id: gateway.furnisher_id,
    period: handover.period,
    rows,
    parts,
    authorisation_tree: { size: tree.size, root: Buffer.from(tree.root()).toString('base64') },
  };
}

/** How long to wait for the end of processing before giving the terminal back. */
const WAIT_MAX_MS = 30 * 60 * 1000;

async function waitForEnd(
  registry: Registry,
  { handover_id: id, period }: Handover,
  progress: Progress,
): Promise<SubmissionView> {
  let waited = 0;
  for (let wait = 20; waited < WAIT_MAX_MS; wait = Math.min(wait * 1.5, 2000)) {
    const view = await registry.api.json<SubmissionView>({
      method: 'GET',
      path: `/v1/submissions/${id}`,
      idempotent: true,
    });
    if (view.state !== 'processing') return view;
    progress(`${period}: the registry is processing`, 0, null);
    await registry.sleep(wait);
    waited += wait;
  }
  throw new AssentError('registry_unreachable', {
    detail: 'the submission is still being processed; run the same command again to go on',
  });
}

async function send(
  gateway: Gateway,
  registry: Registry,
  handover: Handover,
  progress: Progress,
): Promise<void> {
  const id = handover.handover_id;
  const declared = await registry.api.json<SubmissionView>({
    method: 'PUT',
    path: `/v1/submissions/${id}`,
    json: { period: handover.period },
    idempotent: true,
  });
  if (declared.state !== 'open') return; // Completed before a crash: only the answer is missing.
  await pullFeed(gateway, registry);
  const parts = await planParts(gateway, id, handover.period, declared.parts_at_once);
  const tree = new MerkleTree();
  const left: Record<PartKind, number> = { subject: 0, account: 0, authorisation: 0, month: 0 };
  let part_number = 0;
  for (const [index, part] of parts.entries()) {
    progress(`${handover.period}: uploading`, index, parts.length, 'parts');
    const cut = await cutPart(gateway, id, handover.period, part, left[part.kind]);
    if (cut.rows === 0) continue; // Everybody in it withdrew since the plan.
    left[part.kind] += cut.rows;
    part_number += 1;
    const there = declared.parts.find((known) => known.part_number === part_number)?.sha256 ?? null;
    const upload = { part_number, kind: part.kind, cut, there };
    await uploadPart(gateway, registry, handover, upload, tree);
  }
  // Whoever withdrew since the parts were cut: the registry hears of it before it reads them.
  await queueTravelling(gateway, id);
  await pushEvents(gateway, registry);
  const manifest = await signJws(await buildManifest(gateway, handover), gateway.ring, {
    typ: MANIFEST_TYP,
  });
  await registry.api.json({
    method: 'POST',
    path: `/v1/submissions/${id}/completion`,
    json: { manifest },
    idempotent: true,
  });
}

async function finish(
  gateway: Gateway,
  registry: Registry,
  handover: Handover,
  progress: Progress,
): Promise<Receipt> {
  const id = handover.handover_id;
  const view = await waitForEnd(registry, handover, progress);
  if (view.state === 'rejected') {
    await gateway.db.transaction(async (session) => {
      await session.query(`update handover set state = 'rejected' where handover_id = $1`, [id]);
      await settleOutbox(session, id, gateway.now());
      await session.query('delete from authorisation_use where use_id = $1', [id]);
    });
    throw new AssentError('submission_rejected', {
      detail: view.why ?? 'the registry gave no reason',
    });
  }
  const answer = await registry.api.send({
    method: 'GET',
    path: `/v1/submissions/${id}/receipt`,
    idempotent: true,
  });
  const compact = Buffer.from(answer.body).toString('utf8').trim();
  const payload = await verifyJws(compact, registry.keys, { typ: 'assent-receipt+jws' });
  const receipt = payload as unknown as Receipt;
  await keepFaults(gateway, registry.api, id);
  const manifest = await buildManifest(gateway, handover);
  await checkReceipt(gateway, manifest, receipt);
  await recordReceipt(gateway, handover.handover_id, handover.period, { compact, receipt });
  return receipt;
}

/**
 * Hands one period over, or goes on with the one that was interrupted.
 * @param period `YYYY-MM`
 * @throws registry_unreachable, submission_rejected, receipt_wrong; every one leaves a state that
 * the same call resumes.
 */
export async function handOver(
  gateway: Gateway,
  registry: Registry,
  period: string,
  progress: Progress = () => {},
): Promise<HandOverReport> {
  await exchangeEvents(gateway, registry);
  const running = await findRunning(gateway.db, period);
  // The registry learns of what time has ended with the rows of the same hand-over.
  if (!running) await sweep(gateway);
  progress(`${period}: deciding`, 0, null);
  const handover = running ?? (await decide(gateway, period));
  const summary = {
    period,
    in_scope: handover.in_scope,
    already_handed_over: handover.already_handed_over,
    released: handover.released,
    withheld: handover.withheld,
  };
  if (handover.released === 0) {
    await gateway.db.query(
      `update handover set state = 'received', ended_at = $2 where handover_id = $1`,
      [handover.handover_id, gateway.now()],
    );
    // What time has ended is told all the same; unheard, it waits for the next exchange.
    await pushEvents(gateway, registry);
    return { handover_id: null, state: 'nothing_to_hand_over', receipt: null, ...summary };
  }
  await send(gateway, registry, handover, progress);
  const receipt = await finish(gateway, registry, handover, progress);
  return { handover_id: handover.handover_id, state: 'received', receipt, ...summary };
}
