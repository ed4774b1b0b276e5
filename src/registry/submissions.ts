/**
 * Submissions as furnishers see them: declare, upload parts, complete, ask, fetch.
 *
 * What must stay true: another furnisher's submission and one that does not exist are answered
 * alike; every call can be repeated; a part is sealed before it is stored.
 */
import { createHash } from 'node:crypto';
import { Check, Errors } from 'typebox/value';
import { MANIFEST_TYP } from '../authorisation/batch.ts';
import { canonicalBytes, type VerifyingKeys, verifyJws } from '../keys/jws.ts';
import { AssentError } from '../model/error.ts';
import { firstDay } from '../model/period.ts';
import { RULE_SET_VERSION } from '../tape/rule-book.ts';
import {
  MANIFEST,
  type Manifest,
  PART_KINDS,
  type PartKind,
  type RowFault,
  SUBMISSION_STATES,
  type SubmissionState,
  type SubmissionView,
} from '../wire/part.ts';
import { partSeal, unfoldedAtUpload } from './part-text.ts';
import type { Registry } from './registry.ts';

export interface SubmissionRow {
  readonly submission_id: string;
  readonly furnisher_id: string;
  readonly period: string;
  readonly state: SubmissionState;
  readonly why: string | null;
  readonly manifest: Manifest | null;
  readonly counts: SubmissionView['outcomes'];
  readonly receipt: string | null;
  /** The manifest as it was signed: compact JWS. */
  readonly signed_manifest: string | null;
}

const COLUMNS = `submission_id, furnisher_id, to_char(period, 'YYYY-MM') as period, state, why,
  manifest, counts, receipt, signed_manifest`;

/** @param furnisherId whose it must be; null for a reader of all. @throws submission_unknown */
export async function findSubmission(
  registry: Registry,
  id: string,
  furnisherId: string | null,
): Promise<SubmissionRow> {
  const { rows } = await registry.db.query<SubmissionRow>(
    `select ${COLUMNS} from submission where submission_id = $1`,
    [id],
  );
  const [row] = rows;
  const isVisible = row && (furnisherId === null || row.furnisher_id === furnisherId);
  if (!isVisible) throw new AssentError('submission_unknown');
  return row;
}

export interface SubmissionPage {
  readonly submissions: SubmissionView[];
  /** Pass as `before` for older ones; null at the end. */
  readonly next: string | null;
}

/**
 * Submissions, newest first, without their parts.
 * @param furnisherId whose; null for everyone's
 * @param page.before `milliseconds:submission_id` of the last one seen, or empty
 */
export async function listSubmissions(
  registry: Registry,
  furnisherId: string | null,
  page: { readonly before: string; readonly limit: number },
): Promise<SubmissionPage> {
  const [time, id] = page.before.split(':');
  const before = page.before === '' ? null : new Date(Number(time));
  const { rows } = await registry.db.query<SubmissionRow & { declared_at: Date }>(
    `select ${COLUMNS}, declared_at from submission
     where ($1::uuid is null or furnisher_id = $1::uuid)
       and ($2::timestamptz is null or (declared_at, submission_id) < ($2::timestamptz, $3::uuid))
     order by declared_at desc, submission_id desc limit $4`,
    [furnisherId, before, before === null ? null : (id ?? null), page.limit],
  );
  const last = rows.length === page.limit ? rows.at(-1) : undefined;
  return {
    submissions: rows.map((row) => viewOf(registry, row, [])),
    next: last ? `${last.declared_at.getTime()}:${last.submission_id}` : null,
  };
}

function viewOf(
  registry: Registry,
  row: SubmissionRow,
  parts: SubmissionView['parts'],
): SubmissionView {
  return {
    submission_id: row.submission_id,
    furnisher_id: row.furnisher_id,
    period: row.period,
    state: row.state,
    what_to_do: SUBMISSION_STATES[row.state],
    why: row.why,
    parts,
    parts_at_once: registry.db.concurrency,
    outcomes: row.counts,
  };
}

export async function viewSubmission(
  registry: Registry,
  id: string,
  furnisherId: string | null,
): Promise<SubmissionView> {
  const row = await findSubmission(registry, id, furnisherId);
  const { rows } = await registry.db.query<{ part_number: number; kind: string; sha256: string }>(
    `select part_number, kind, sha256 from submission_part where submission_id = $1
     order by part_number`,
    [id],
  );
  return viewOf(registry, row, rows);
}

/** Declares a submission under an id of the furnisher's; the same again changes nothing. */
export async function declareSubmission(
  registry: Registry,
  furnisherId: string,
  id: string,
  period: string,
): Promise<SubmissionView> {
  await registry.db.query(
    `insert into submission (submission_id, furnisher_id, period, state, profile, rule_set_version, declared_at)
     values ($1, $2, $3, 'open', $4, $5, $6) on conflict (submission_id) do nothing`,
    [
      id,
      furnisherId,
      firstDay(period),
      registry.profile?.name ?? 'none',
      RULE_SET_VERSION,
      registry.now(),
    ],
  );
  const view = await viewSubmission(registry, id, furnisherId);
  if (view.period !== period) {
    throw new AssentError('submission_conflict', { detail: `it was declared for ${view.period}` });
  }
  return view;
}

export interface PartUpload {
  readonly part_number: number;
  readonly kind: PartKind;
  readonly body: Uint8Array;
  /** The Content-Digest header (RFC 9530), `sha-256=:…:`. */
  readonly content_digest: string;
}

/** Stores (or replaces) one part. @throws digest_mismatch, submission_state, submission_unknown */
export async function storePart(
  registry: Registry,
  furnisherId: string,
  id: string,
  part: PartUpload,
): Promise<void> {
  const row = await findSubmission(registry, id, furnisherId);
  const digest = createHash('sha256').update(part.body).digest('base64');
  if (part.content_digest !== `sha-256=:${digest}:`) throw new AssentError('digest_mismatch');
  const unfolded = await unfoldedAtUpload(part.body, part.kind);
  const sealed = registry.ring.sealWhole(part.body, partSeal(id, part.part_number));
  await registry.db.transaction(async (session) => {
    const { rows } = await session.query<{ state: string }>(
      'select state from submission where submission_id = $1 for update',
      [id],
    );
    if (rows[0]?.state !== 'open') {
      throw new AssentError('submission_state', {
        detail: `it is ${row.state}; parts are taken while it is open`,
      });
    }
    await session.query(
      `insert into submission_part (submission_id, part_number, kind, sha256, bytes, content_sealed,
         unfolded, processed)
       values ($1, $2, $3, $6, $4, $5, $7, false)
       on conflict (submission_id, part_number) do update set
         kind = excluded.kind, sha256 = excluded.sha256, bytes = excluded.bytes,
         content_sealed = excluded.content_sealed, unfolded = excluded.unfolded`,
      [
        id,
        part.part_number,
        part.kind,
        part.body.length,
        sealed,
        digest,
        unfolded && JSON.stringify(unfolded),
      ],
    );
  });
}

function checkManifest(
  manifest: Manifest,
  row: SubmissionRow,
  parts: readonly { part_number: number; kind: string }[],
): void {
  const fail = (detail: string): never => {
    throw new AssentError('manifest_wrong', { detail });
  };
  if (manifest.submission_id !== row.submission_id) fail('it names another submission');
  if (manifest.furnisher_id !== row.furnisher_id) fail('it names another furnisher');
  if (manifest.period !== row.period) fail('it names another period');
  for (const [index, part] of manifest.parts.entries()) {
    const there = parts[index];
    if (part.part_number !== index + 1) fail('its parts are not numbered from 1');
    if (there?.part_number !== part.part_number) fail(`part ${index + 1} was not uploaded`);
    if (there?.kind !== part.kind) fail(`part ${index + 1} was uploaded as another kind`);
  }
  if (manifest.authorisation_tree.size !== manifest.rows.authorisation)
    fail('its tree has not a leaf for each authorisation row');
  for (const kind of PART_KINDS) {
    const sum = manifest.parts
      .filter((part) => part.kind === kind)
      .reduce((total, part) => total + part.rows, 0);
    if (sum !== manifest.rows[kind]) fail(`its parts do not add up to its ${kind} rows`);
  }
  const order = manifest.parts.map((part) => PART_KINDS.indexOf(part.kind));
  if (order.some((rank, index) => rank < (order[index - 1] ?? 0)))
    fail('its kinds are out of order');
}

/** Completes a submission with its signed manifest; processing may begin. Repeatable. */
export async function completeSubmission(
  registry: Registry,
  furnisherId: string,
  id: string,
  signed: { readonly manifest: string; readonly keys: VerifyingKeys },
): Promise<SubmissionView> {
  const payload = await verifyJws(signed.manifest, signed.keys, { typ: MANIFEST_TYP });
  if (!Check(MANIFEST, payload)) {
    const [problem] = Errors(MANIFEST, payload);
    throw new AssentError('manifest_wrong', {
      detail: `at ${problem?.instancePath || '/'} it ${problem?.message ?? 'is not as it must be'}`,
    });
  }
  const manifest: Manifest = payload;
  await registry.db.transaction(async (session) => {
    const { rows } = await session.query<SubmissionRow>(
      `select ${COLUMNS} from submission where submission_id = $1 and furnisher_id = $2 for update`,
      [id, furnisherId],
    );
    const [row] = rows;
    if (!row) throw new AssentError('submission_unknown');
    if (row.state !== 'open') {
      const isSame =
        row.manifest &&
        Buffer.from(canonicalBytes(row.manifest)).equals(Buffer.from(canonicalBytes(manifest)));
      if (!isSame)
        throw new AssentError('submission_state', {
          detail: `it is ${row.state}, with another manifest`,
        });
      return;
    }
    const parts = await session.query<{ part_number: number; kind: string }>(
      'select part_number, kind from submission_part where submission_id = $1 order by part_number',
      [id],
    );
    checkManifest(manifest, row, parts.rows);
    // Cut again after a withdrawal, a hand-over may have fewer parts than were uploaded at first.
    await session.query(
      'delete from submission_part where submission_id = $1 and part_number > $2',
      [id, manifest.parts.length],
    );
    await session.query(
      `update submission set state = 'processing', manifest = $2, signed_manifest = $4,
         completed_at = $3 where submission_id = $1`,
      [id, JSON.stringify(manifest), registry.now(), signed.manifest],
    );
  });
  return viewSubmission(registry, id, furnisherId);
}

export interface FaultPage {
  readonly faults: RowFault[];
  /** Pass as `after` for the next page; null at the end. */
  readonly next: string | null;
}

/** Faults of a submission in the order of parts and rows. @param after `part:fault` or empty */
export async function listFaults(
  registry: Registry,
  id: string,
  furnisherId: string | null,
  page: { readonly after: string; readonly limit: number },
): Promise<FaultPage> {
  await findSubmission(registry, id, furnisherId);
  const [part = 0, fault = 0] = page.after.split(':').map(Number);
  const { rows } = await registry.db.query<
    RowFault & { part_number: number; fault_number: number }
  >(
    `select part_number, fault_number, kind, row_number, outcome, rule, severity, field
     from submission_fault where submission_id = $1 and (part_number, fault_number) > ($2, $3)
     order by part_number, fault_number limit $4`,
    [id, part, fault, page.limit],
  );
  const last = rows.length === page.limit ? rows.at(-1) : undefined;
  return {
    faults: rows.map(({ part_number: _part, fault_number: _fault, ...row }) => row),
    next: last ? `${last.part_number}:${last.fault_number}` : null,
  };
}
