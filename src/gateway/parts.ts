/**
 * Cuts a hand-over into parts: people, accounts and authorisations the registry has not seen in
 * this version, then the month rows, ascending by account.
 *
 * What must stay true: a person, an account or a month is left out when nothing covers it at the
 * time its part is cut (last-look.ts); the same book and the same moment give the same bytes.
 */
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { leafOfEntry } from '../authorisation/hash.ts';
import { entriesOf } from '../authorisation/store.ts';
import type { Session } from '../database/database.ts';
import { firstDay } from '../model/period.ts';
import { copyText } from '../tape/copy-text.ts';
import { AGREEMENT_COLUMNS, type PartKind } from '../wire/part.ts';
import { decidePeriod, lockDecisions } from './gate.ts';
import type { Gateway } from './gateway.ts';
import { lookAgain, type PlannedPart } from './last-look.ts';

/**
 * Most month rows of a part: one part is one transaction at the registry and must fit in memory
 * here. Each part walks the furnisher's book at the registry, so few large parts cost less than many.
 */
const MONTH_ROWS = 100_000;
/** The same where the registry works at one part after another: two would only walk the book twice. */
const MONTH_ROWS_ALONE = 200_000;
/** A period of two parts' least is cut in two where the registry works at them side by side. */
const MONTH_ROWS_LEAST = 10_000;
/** Rows of the other kinds, which are longer. */
const OTHER_ROWS = 20_000;

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

/**
 * Authorisations with a limit on their uses: this hand-over is one use of each, from now on.
 * Call it in the transaction that decided.
 */
export async function recordUse(session: Session, id: string, moment: Date): Promise<void> {
  await session.query(
    `insert into authorisation_use (subject_id, authorisation_id, use_id, used_at)
     select distinct h.subject_id, h.authorisation_id, $1::uuid, $2::timestamptz
     from handover_row h
     join authorisation a on a.subject_id = h.subject_id and a.authorisation_id = h.authorisation_id
     where h.handover_id = $1::uuid and h.withheld_since is null
       and (a.fetch_type = 'ONETIME' or a.frequency_n is not null)
     on conflict (subject_id, authorisation_id, use_id) do nothing`,
    [id, moment],
  );
}

/**
 * Marks rows that nothing covers any more: they stay here, with the reason. A row that another
 * authorisation covers now goes under that one: the name on the row is what the registry judges.
 */
async function withholdLate(
  session: Session,
  gateway: Gateway,
  id: string,
  period: string,
): Promise<void> {
  const moment = gateway.now();
  await lockDecisions(session);
  await decidePeriod(session, gateway, period, moment, id);
  await session.query(
    `update handover_row set withheld_since = d.reason,
       authorisation_id = coalesce(d.authorisation_id, handover_row.authorisation_id)
     from decided d
     where handover_row.handover_id = $1::uuid and handover_row.account_id = d.account_id
       and (handover_row.withheld_since is distinct from d.reason
         or handover_row.authorisation_id <> d.authorisation_id)`,
    [id],
  );
  await recordUse(session, id, moment);
}

/**
 * Where month parts begin and end, in row numbers of the hand-over: as few parts as may be, but
 * two where there is enough for two and the registry works at two, all of one size to a row.
 * @param most rows of a part
 * @param atOnce parts that the registry works at side by side
 */
export async function planMonths(
  session: Session,
  id: string,
  most: number,
  atOnce: number,
): Promise<PlannedPart[]> {
  const { rows } = await session.query<{ first: number; last: number }>(
    `select min(row_number) as first, max(row_number) as last
     from (select row_number, (row_number() over (order by row_number) - 1) * parts / total as part
           from (select row_number, total,
                   greatest((total + $2::bigint - 1) / $2::bigint, least($4::bigint, total / $3::bigint)) as parts
                 from (select row_number, count(*) over () as total from handover_row
                       where handover_id = $1::uuid and withheld_since is null) going) sized) numbered
     group by part order by part`,
    [id, most, MONTH_ROWS_LEAST, Math.min(2, atOnce)],
  );
  return rows.map((row) => ({ kind: 'month', ...row }));
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
  await listAuthorisations(session, id);
}

/**
 * Authorisations that the registry does not know; what happens to one that it knows goes through
 * the outbox. Those before one in its arrangement go with it, and first: the registry judges
 * whether it may take their place.
 */
async function listAuthorisations(session: Session, id: string): Promise<void> {
  await session.query(
    `create temp table unknown_there on commit drop as
     select t.authorisation_id, t.supersedes, t.last_seq from (
       select a.authorisation_id, a.supersedes, a.last_seq
       from (select distinct authorisation_id from going) g
       join authorisation a on a.authorisation_id = g.authorisation_id
       union
       select b.authorisation_id, b.supersedes, b.last_seq
       from (select distinct authorisation_id from going) g
       join authorisation a on a.authorisation_id = g.authorisation_id and a.supersedes is not null
       join authorisation b on b.subject_id = a.subject_id
         and b.arrangement_id = a.arrangement_id and b.purpose = a.purpose
       where exists (select 1 from authorisation_event e where e.subject_id = b.subject_id
         and e.authorisation_id = b.authorisation_id and e.type = 'given')) t
     left join furnished_authorisation f on f.authorisation_id = t.authorisation_id
     where f.authorisation_id is null`,
  );
  await session.query('analyze unknown_there');
  await session.query(
    `insert into handover_sent (handover_id, kind, row_number, ref, version)
     with recursive later as (
       select authorisation_id, supersedes from unknown_there where supersedes is not null),
     depth as (
       select l.authorisation_id, 1 as n from later l
       where not exists (select 1 from later b where b.authorisation_id = l.supersedes)
       union all
       select l.authorisation_id, d.n + 1 from depth d
       join later l on l.supersedes = d.authorisation_id)
     select $1::uuid, 'authorisation',
       row_number() over (order by coalesce(d.n, 0), t.authorisation_id), t.authorisation_id,
       t.last_seq
     from unknown_there t left join depth d on d.authorisation_id = t.authorisation_id`,
    [id],
  );
  // Without it a planner takes the list for a few rows, and the last look walks it for each one.
  await session.query('analyze handover_sent (handover_id, kind, row_number, ref)');
}

/**
 * Decides once more, as of now, and plans the parts.
 * @param atOnce parts that the registry works at side by side; one of an older release does not say
 */
export async function planParts(
  gateway: Gateway,
  id: string,
  period: string,
  atOnce = 2,
): Promise<PlannedPart[]> {
  return gateway.db.transaction(async (session) => {
    await withholdLate(session, gateway, id, period);
    await listSent(session, id);
    await session.query('delete from handover_part where handover_id = $1', [id]);
    const { rows } = await session.query<{ kind: PartKind; n: number }>(
      'select kind, count(*) as n from handover_sent where handover_id = $1 group by kind',
      [id],
    );
    const parts: PlannedPart[] = [];
    for (const kind of ['subject', 'account', 'authorisation'] as const) {
      const total = rows.find((row) => row.kind === kind)?.n ?? 0;
      for (let first = 1; first <= total; first += OTHER_ROWS) {
        parts.push({ kind, first, last: Math.min(total, first + OTHER_ROWS - 1) });
      }
    }
    const most = gateway.partRows ?? (atOnce > 1 ? MONTH_ROWS : MONTH_ROWS_ALONE);
    parts.push(...(await planMonths(session, id, most, atOnce)));
    return parts;
  });
}

/** The hand-over, the first and last row number of a part, and the lines that left before it. */
type Lines = readonly [id: string, first: number, last: number, before: number];

/** $1 … $4 the lines, $5 kind: what is listed, numbered as it travels. */
const LINES = `select $4::bigint + row_number() over (order by row_number) as row_number, ref
  from handover_sent where handover_id = $1::uuid and kind = $5::text
    and row_number between $2::bigint and $3::bigint`;

async function gather(chunks: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const chunk of chunks) pieces.push(chunk);
  return Buffer.concat(pieces);
}

async function subjectText(session: Session, gateway: Gateway, lines: Lines): Promise<Uint8Array> {
  const { rows } = await session.query<{
    row_number: number;
    subject_id: string;
    subject_ref: string;
    identity_version: number;
    wrapped_key: Uint8Array;
    identity_sealed: Uint8Array;
  }>(
    `select s.row_number, c.subject_id, c.subject_ref, c.identity_version, c.wrapped_key, c.identity_sealed
     from (${LINES}) s join customer c on c.subject_id = s.ref
     order by s.row_number`,
    [...lines, 'subject'],
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

/** How COPY ends the line of an account without an agreement. */
const NO_AGREEMENT = `${'\t\\N'.repeat(AGREEMENT_COLUMNS)}\n`;

async function accountText(session: Session, lines: Lines): Promise<Uint8Array> {
  await session.query(
    `create temp table part_text on commit drop as
     select s.row_number, k.account_id, k.subject_id, k.revision, k.kind, k.brand, k.currency,
            k.opened_on, k.closed_on, k.original_amount_minor, k.term_months, k.agreement_id,
            k.agreement_limit_minor, k.agreement_opened_on, k.agreement_ends_on
     from (${LINES}) s join account k on k.account_id = s.ref
     order by s.row_number`,
    [...lines, 'account'],
  );
  const text = await gather(session.copyOut('copy part_text to stdout'));
  // One spelling of no agreement: nothing. The bytes are ASCII here, whatever stands before them.
  return Buffer.from(text.toString('latin1').replaceAll(NO_AGREEMENT, '\n'), 'latin1');
}

interface CutText {
  readonly text: Uint8Array;
  readonly leaves: Uint8Array;
}

async function authorisationText(session: Session, lines: Lines): Promise<CutText> {
  const { rows } = await session.query<{ row_number: number; ref: string }>(
    `select row_number, ref from (${LINES}) s order by row_number`,
    [...lines, 'authorisation'],
  );
  const entries = await entriesOf(
    session,
    rows.map((row) => row.ref),
  );
  const byId = new Map(entries.map((entry) => [entry.record.authorisation_id, entry]));
  const leaves: Uint8Array[] = [];
  const texts = rows.map(({ row_number, ref }) => {
    const entry = byId.get(ref);
    if (!entry) throw new Error('an authorisation is listed but not there');
    const { subject_ref, record, events } = entry;
    leaves.push(leafOfEntry(entry));
    return `${row_number}\t${JSON.stringify({ subject_ref, record, events })}\n`;
  });
  return { text: Buffer.from(texts.join('')), leaves: Buffer.concat(leaves) };
}

/** The month lines of a stretch of a hand-over that leave, numbered as they travel. */
export async function monthText(
  session: Session,
  lines: Lines,
  period: string,
): Promise<Uint8Array> {
  await session.query(
    `create temp table part_text on commit drop as
     select h.wire_number, h.account_id, h.authorisation_id, h.revision, h.preceding, m.as_of,
            m.status, m.limit_minor, m.borrowed_minor, m.balance_minor, m.due_minor, m.paid_minor,
            m.days_past_due, m.past_due_minor, m.first_delinquency_on, m.last_paid_on, m.five_class,
            m.adverse_notice_on
     from (select *, $4::bigint + row_number() over (order by row_number) as wire_number
           from handover_row where handover_id = $1::uuid and withheld_since is null
             and row_number between $2::bigint and $3::bigint) h
     join account_month m on m.period = $5::date and m.account_id = h.account_id
       and m.revision = h.revision
     order by h.wire_number`,
    [...lines, firstDay(period)],
  );
  return gather(session.copyOut('copy part_text to stdout'));
}

/**
 * Cuts one planned part out of the book as it stands now. Parts are cut in their order.
 * @param before how many lines of its kind left in the parts before it
 */
export async function cutPart(
  gateway: Gateway,
  id: string,
  period: string,
  part: PlannedPart,
  before: number,
): Promise<CutPart> {
  const { rows, text, leaves } = await gateway.db.transaction(async (session) => {
    const rows = await lookAgain(session, gateway, { id, period }, part);
    const lines: Lines = [id, part.first, part.last, before];
    const only = async (bytes: Promise<Uint8Array>): Promise<CutText> => ({
      text: await bytes,
      leaves: new Uint8Array(),
    });
    const textOf = {
      subject: () => only(subjectText(session, gateway, lines)),
      account: () => only(accountText(session, lines)),
      authorisation: () => authorisationText(session, lines),
      month: () => only(monthText(session, lines, period)),
    };
    return { rows, ...(await textOf[part.kind]()) };
  });
  const body = gzipSync(text, { level: 1 });
  return {
    rows,
    sha256: createHash('sha256').update(text).digest('hex'),
    body,
    bodyDigest: createHash('sha256').update(body).digest('base64'),
    leaves,
  };
}
