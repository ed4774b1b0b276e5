/**
 * Cuts a hand-over into parts: people, accounts and authorisations the registry has not seen in
 * this version, then the month rows, ascending by account.
 *
 * What must stay true: a month row is left out when its authorisation no longer holds at the time
 * of cutting; the same book and the same moment give the same bytes.
 */
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { leafOfEntry } from '../authorisation/hash.ts';
import { entriesOf } from '../authorisation/store.ts';
import type { Session } from '../database/database.ts';
import { firstDay } from '../model/period.ts';
import { copyText } from '../tape/copy-text.ts';
import type { PartKind } from '../wire/part.ts';
import { decidePeriod } from './gate.ts';
import type { Gateway } from './gateway.ts';

/** Month rows of a part: one part is one transaction at the registry and must fit in memory here. */
const MONTH_ROWS = 100_000;
/** Rows of the other kinds, which are longer. */
const OTHER_ROWS = 20_000;

export interface PlannedPart {
  readonly part_number: number;
  readonly kind: PartKind;
  /** First and last row number, inclusive. */
  readonly first: number;
  readonly last: number;
}

export interface CutPart {
  readonly rows: number;
  /** Of the text, lower-case hex. */
  readonly sha256: string;
  /** gzip of the text. */
  readonly body: Uint8Array;
  /** SHA-256 of the body, base64 (RFC 9530). */
  readonly bodyDigest: string;
  /** Leaf hashes of its authorisation lines side by side; empty for the other kinds. */
  readonly leaves: Uint8Array;
}

/** Marks rows whose authorisation no longer holds: they stay here, with the reason. */
async function withholdLate(
  session: Session,
  gateway: Gateway,
  id: string,
  period: string,
): Promise<void> {
  await decidePeriod(session, gateway, period, gateway.now(), id);
  await session.query(
    `update handover_row set withheld_since = d.reason
     from decided d
     where handover_row.handover_id = $1::uuid and handover_row.account_id = d.account_id
       and handover_row.withheld_since is distinct from d.reason`,
    [id],
  );
}

/** Lists what has to travel beside the months, with the version the registry has not seen. */
async function listSent(session: Session, id: string): Promise<void> {
  await session.query('delete from handover_sent where handover_id = $1', [id]);
  await session.query(
    `create temp table going on commit drop as
     select subject_id, account_id, authorisation_id from handover_row
     where handover_id = $1::uuid and withheld_since is null`,
    [id],
  );
  await session.query('analyze going');
  await session.query(
    `insert into handover_sent (handover_id, kind, row_number, ref, version)
     select $1::uuid, 'subject', row_number() over (order by c.subject_id), c.subject_id, c.identity_version
     from (select distinct subject_id from going) g
     join customer c on c.subject_id = g.subject_id
     left join furnished_customer f on f.subject_id = c.subject_id
     where c.identity_version > coalesce(f.identity_version, 0)`,
    [id],
  );
  await session.query(
    `insert into handover_sent (handover_id, kind, row_number, ref, version)
     select $1::uuid, 'account', row_number() over (order by k.account_id), k.account_id, k.revision
     from going g
     join account k on k.account_id = g.account_id
     left join furnished_account f on f.account_id = k.account_id
     where k.revision > coalesce(f.revision, 0)`,
    [id],
  );
  // Those the registry does not know; what happens to one that it knows goes through the outbox.
  await session.query(
    `insert into handover_sent (handover_id, kind, row_number, ref, version)
     select $1::uuid, 'authorisation', row_number() over (order by a.authorisation_id),
            a.authorisation_id, a.last_seq
     from (select distinct authorisation_id from going) g
     join authorisation a on a.authorisation_id = g.authorisation_id
     left join furnished_authorisation f on f.authorisation_id = a.authorisation_id
     where f.authorisation_id is null`,
    [id],
  );
}

/** Decides once more, as of now, and plans the parts. */
export async function planParts(
  gateway: Gateway,
  id: string,
  period: string,
): Promise<PlannedPart[]> {
  return gateway.db.transaction(async (session) => {
    await withholdLate(session, gateway, id, period);
    await listSent(session, id);
    await session.query('delete from handover_part where handover_id = $1', [id]);
    const { rows } = await session.query<{ kind: PartKind; n: number }>(
      `select kind, count(*) as n from handover_sent where handover_id = $1 group by kind
       union all
       select 'month', count(*) from handover_row where handover_id = $1 and withheld_since is null`,
      [id],
    );
    const parts: PlannedPart[] = [];
    for (const kind of ['subject', 'account', 'authorisation', 'month'] as const) {
      const total = rows.find((row) => row.kind === kind)?.n ?? 0;
      const size = kind === 'month' ? (gateway.partRows ?? MONTH_ROWS) : OTHER_ROWS;
      for (let first = 1; first <= total; first += size) {
        const last = Math.min(total, first + size - 1);
        parts.push({ part_number: parts.length + 1, kind, first, last });
      }
    }
    return parts;
  });
}

async function gather(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const chunk of chunks) pieces.push(chunk);
  return Buffer.concat(pieces);
}

async function subjectText(
  session: Session,
  gateway: Gateway,
  range: unknown[],
): Promise<Uint8Array> {
  const { rows } = await session.query<{
    row_number: number;
    subject_id: string;
    subject_ref: string;
    identity_version: number;
    wrapped_key: Uint8Array;
    identity_sealed: Uint8Array;
  }>(
    `select s.row_number, c.subject_id, c.subject_ref, c.identity_version, c.wrapped_key, c.identity_sealed
     from handover_sent s join customer c on c.subject_id = s.ref
     where s.handover_id = $1 and s.kind = 'subject' and s.row_number between $2 and $3
     order by s.row_number`,
    range as [string, number, number],
  );
  return copyText(
    rows.map((row) => {
      const opened = gateway.ring.open(
        row.wrapped_key,
        row.identity_sealed,
        `customer ${row.subject_ref}`,
      );
      const identity = JSON.parse(Buffer.from(opened).toString('utf8')) as (string | null)[];
      const [kind = null, country = null, number = null, name = null, birthDate = null] = identity;
      return {
        row: row.row_number,
        values: [
          row.subject_id,
          String(row.identity_version),
          kind,
          country,
          number,
          name,
          birthDate,
        ],
      };
    }),
  );
}

async function accountText(session: Session, range: unknown[]): Promise<Uint8Array> {
  await session.query(
    `create temp table part_text on commit drop as
     select s.row_number, k.account_id, k.subject_id, k.revision, k.kind, k.brand, k.currency,
            k.opened_on, k.closed_on, k.original_amount_minor, k.term_months
     from handover_sent s join account k on k.account_id = s.ref
     where s.handover_id = $1::uuid and s.kind = 'account' and s.row_number between $2::bigint and $3::bigint
     order by s.row_number`,
    range as [string, number, number],
  );
  return gather(session.copyOut('copy part_text to stdout'));
}

interface AuthorisationLines {
  readonly text: Uint8Array;
  readonly leaves: Uint8Array;
}

async function authorisationLines(session: Session, range: unknown[]): Promise<AuthorisationLines> {
  const { rows } = await session.query<{ row_number: number; ref: string }>(
    `select row_number, ref from handover_sent
     where handover_id = $1 and kind = 'authorisation' and row_number between $2 and $3
     order by row_number`,
    range as [string, number, number],
  );
  const entries = await entriesOf(
    session,
    rows.map((row) => row.ref),
  );
  const byId = new Map(entries.map((entry) => [entry.record.authorisation_id, entry]));
  const leaves: Uint8Array[] = [];
  const lines = rows.map(({ row_number, ref }) => {
    const entry = byId.get(ref);
    if (!entry) throw new Error('an authorisation is listed but not there');
    const { subject_ref, record, events } = entry;
    leaves.push(leafOfEntry(entry));
    return `${row_number}\t${JSON.stringify({ subject_ref, record, events })}\n`;
  });
  return { text: Buffer.from(lines.join('')), leaves: Buffer.concat(leaves) };
}

/** Month lines of a hand-over by their number on the wire. */
export async function monthText(
  session: Session,
  id: string,
  period: string,
  first: number,
  last: number,
): Promise<Uint8Array> {
  await session.query(
    `create temp table part_text on commit drop as
     select h.wire_number, h.account_id, h.authorisation_id, h.revision, h.preceding, m.as_of,
            m.status, m.limit_minor, m.borrowed_minor, m.balance_minor, m.due_minor, m.paid_minor,
            m.days_past_due, m.past_due_minor, m.first_delinquency_on, m.last_paid_on, m.five_class,
            m.adverse_notice_on
     from (select *, row_number() over (order by row_number) as wire_number
           from handover_row where handover_id = $1::uuid and withheld_since is null) h
     join account_month m on m.period = $2::date and m.account_id = h.account_id
       and m.revision = h.revision
     where h.wire_number between $3::bigint and $4::bigint
     order by h.wire_number`,
    [id, firstDay(period), first, last],
  );
  return gather(session.copyOut('copy part_text to stdout'));
}

/** Cuts one planned part out of the book as it stands now. */
export async function cutPart(
  gateway: Gateway,
  id: string,
  period: string,
  part: PlannedPart,
): Promise<CutPart> {
  const { text, leaves } = await gateway.db.transaction(async (session) => {
    const range = [id, part.first, part.last];
    const only = (bytes: Uint8Array) => ({ text: bytes, leaves: new Uint8Array() });
    if (part.kind === 'subject') return only(await subjectText(session, gateway, range));
    if (part.kind === 'account') return only(await accountText(session, range));
    if (part.kind === 'authorisation') return authorisationLines(session, range);
    return only(await monthText(session, id, period, part.first, part.last));
  });
  const body = gzipSync(text, { level: 1 });
  return {
    rows: part.last - part.first + 1,
    sha256: createHash('sha256').update(text).digest('hex'),
    body,
    bodyDigest: createHash('sha256').update(body).digest('base64'),
    leaves,
  };
}
