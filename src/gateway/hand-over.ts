/**
 * The hand-over of one period: decide → cut into parts → upload → complete → receipt.
 *
 * What must stay true: what was decided is written down before anything leaves; a part is cut
 * again, with the state of its authorisations as of now, each time before it is sent, so a
 * withdrawal in between wins; a receipt is believed only if its signature, its counts and its
 * Merkle root agree with what was sent. Every step can be repeated after a crash.
 */
import type { Session } from '../database/database.ts';
import { signJws, type VerifyingKeys, verifyJws } from '../keys/jws.ts';
import { AssentError } from '../model/error.ts';
import { addMonths, firstDay } from '../model/period.ts';
import type { ApiClient } from '../wire/api-client.ts';
import type { Manifest, Receipt, SubmissionView } from '../wire/part.ts';
import { PART_KINDS, type PartKind } from '../wire/part.ts';
import { decidePeriod } from './gate.ts';
import type { Gateway, Progress } from './gateway.ts';
import { cutPart, type PlannedPart, planParts } from './parts.ts';
import { checkReceipt, keepFaults, recordReceipt } from './receipt.ts';

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

/** A key of our own in the advisory lock space ("deci"): one decision at a time uses an approval. */
const DECISION_LOCK = 0x64656369;

/** Authorisations with a limit on their uses: this hand-over is one use of each, from now on. */
const RECORD_USE = `insert into authorisation_use (subject_id, authorisation_id, use_id, used_at)
  select distinct h.subject_id, h.authorisation_id, $1::uuid, $2::timestamptz
  from handover_row h
  join authorisation a on a.subject_id = h.subject_id and a.authorisation_id = h.authorisation_id
  where h.handover_id = $1::uuid and (a.fetch_type = 'ONETIME' or a.frequency_n is not null)`;

/** Decides the period at this moment and writes the decision down, in one transaction. */
async function decide(gateway: Gateway, period: string): Promise<Handover> {
  return gateway.db.transaction(async (session) => {
    await session.query('select pg_advisory_xact_lock($1)', [DECISION_LOCK]);
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
       left join (select distinct account_id from furnished_month
                  where period < $2::date and outcome in ('accepted', 'unchanged')) e
         on e.account_id = d.account_id
       where d.reason is null
         and not exists (select 1 from already f where f.account_id = d.account_id)`,
      [handoverId, before],
    );
    await session.query(RECORD_USE, [handoverId, moment]);
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

async function uploadPart(
  gateway: Gateway,
  registry: Registry,
  handover: Handover,
  part: PlannedPart & { readonly there: string | null },
): Promise<void> {
  const cut = await cutPart(gateway, handover.handover_id, handover.period, part);
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
  await gateway.db.query(
    `insert into handover_part (handover_id, part_number, kind, rows, sha256, uploaded)
     values ($1, $2, $3, $4, $5, true)
     on conflict (handover_id, part_number) do update set
       kind = excluded.kind, rows = excluded.rows, sha256 = excluded.sha256, uploaded = true`,
    [handover.handover_id, part.part_number, part.kind, cut.rows, cut.sha256],
  );
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
  const parts = await planParts(gateway, id, handover.period);
  for (const [index, part] of parts.entries()) {
    progress(`${handover.period}: uploading`, index, parts.length, 'parts');
    const there = declared.parts.find((known) => known.part_number === part.part_number);
    await uploadPart(gateway, registry, handover, { ...part, there: there?.sha256 ?? null });
  }
  const manifest = await signJws(await buildManifest(gateway, handover), gateway.ring, {
    typ: 'assent-manifest+jws',
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
  const running = await findRunning(gateway.db, period);
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
    return { handover_id: null, state: 'nothing_to_hand_over', receipt: null, ...summary };
  }
  await send(gateway, registry, handover, progress);
  const receipt = await finish(gateway, registry, handover, progress);
  return { handover_id: handover.handover_id, state: 'received', receipt, ...summary };
}
