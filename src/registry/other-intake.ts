/**
 * People and accounts enter the store: some thousand rows at a time, before the months that refer
 * to them.
 *
 * What must stay true: one document is one person; a name never joins two; identity is sealed
 * before it reaches the database; a locator points to what its furnisher sent, never another's.
 */

import type { Session } from '../database/database.ts';
import { storeRecords } from '../matching/match.ts';
import { checkIdentityNumber, normaliseName } from '../model/identity-number.ts';
import { IDENTITY_KINDS, type IdentityKind } from '../model/record.ts';
import { UUID } from '../model/uuid.ts';
import { copyText, readCopyField, textLine } from '../tape/copy-text.ts';
import { ACCOUNT_WIDTHS, ARRIVED, arrivedValues, isAccountLine } from './account-lines.ts';
import { isGuarded, isGuardedAccount } from './guard.ts';
import { claimHash, findDecisions } from './identity-decisions.ts';
import { featuresOf } from './identity-pieces.ts';
import { openDetailsCases } from './open-cases.ts';
import { outcomeOf, type PartOutcome } from './part-outcome.ts';
import type { Registry } from './registry.ts';
import { relyOnAuthorisations, relyOnPeople } from './serialise.ts';

type Fault = PartOutcome['faults'][number];

export interface TextPart {
  readonly lines: readonly string[];
  readonly firstRow: number;
  readonly furnisher_id: string;
  readonly submission_id: string;
}

export function fault(
  row_number: number,
  outcome: Fault['outcome'],
  rule: string,
  field: string | null = null,
): Fault {
  return { row_number, outcome, rule, severity: outcome === 'held' ? 'hold' : 'reject', field };
}

function fieldsOf(
  part: TextPart,
  widths: readonly number[],
  faults: Fault[],
): { row: number; fields: (string | null)[] }[] {
  return part.lines.flatMap((line, index) => {
    const row = part.firstRow + index;
    const [number, ...fields] = line.split('\t').map(readCopyField);
    if (Number(number) === row && widths.includes(fields.length) && UUID.test(fields[0] ?? ''))
      return [{ row, fields }];
    faults.push(fault(row, 'rejected', 'W01'));
    return [];
  });
}

export interface IncomingSubject {
  readonly row: number;
  readonly subject_ref: string;
  readonly version: number;
  readonly kind: string;
  readonly document: Uint8Array;
  readonly details: Uint8Array;
  readonly identity: string;
  readonly name: string | null;
  readonly birth_date: string | null;
}

function readSubject(
  registry: Registry,
  part: TextPart,
  row: number,
  fields: (string | null)[],
  faults: Fault[],
): IncomingSubject[] {
  const [ref, version, kind, country, number, name, birthDate] = fields;
  const isKind = (IDENTITY_KINDS as readonly (string | null | undefined)[]).includes(kind);
  const today = registry.now().toISOString().slice(0, 10);
  const checked = isKind
    ? checkIdentityNumber(kind as IdentityKind, number ?? '', { country: country ?? null, today })
    : null;
  if (!checked?.ok || !/^[1-9]\d{0,8}$/.test(version ?? '')) {
    faults.push(fault(row, 'rejected', 'V03', 'identity_number'));
    return [];
  }
  // A furnisher's own reference means nothing elsewhere: it is scoped to the furnisher.
  const scope = kind === 'furnisher_reference' ? part.furnisher_id : '';
  const details = [normaliseName(name ?? ''), birthDate ?? ''];
  return [
    {
      row,
      subject_ref: ref ?? '',
      version: Number(version),
      kind: kind ?? '',
      document: registry.ring.keyedHash(
        'document',
        kind ?? '',
        country ?? '',
        scope,
        checked.normalised,
      ),
      details: registry.ring.keyedHash('details', ...details),
      identity: JSON.stringify({
        kind,
        country,
        number: checked.normalised,
        name,
        birth_date: birthDate,
      }),
      name: name ?? null,
      birth_date: birthDate ?? null,
    },
  ];
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
/** Accepted: these details of the document were corrected here since. */
const former = (row: number): Fault => ({
  ...fault(row, 'accepted', 'V03_FORMER', 'identity_number'),
  severity: 'warn',
});
/** How COPY reads bytes. */
const bytea = (bytes: Uint8Array) => `\\x${hex(bytes)}`;

interface KnownPerson {
  readonly subject_id: string;
  readonly details: string;
}

/** Who has each document already, by the document's hash in hexadecimal. */
async function findDocuments(
  session: Session,
  incoming: readonly IncomingSubject[],
): Promise<Map<string, KnownPerson>> {
  await session.query(
    'create temp table stage_document (row_number bigint, document_hash bytea) on commit drop',
  );
  await session.copyIn('copy stage_document from stdin', [
    copyText(incoming.map(({ row, document }) => ({ row, values: [bytea(document)] }))),
  ]);
  const { rows } = await session.query<KnownPerson & { document: string }>(
    `select encode(d.document_hash, 'hex') as document, d.subject_id,
            encode(s.details_hash, 'hex') as details
     from (select distinct document_hash from stage_document) g
     join subject_document d on d.document_hash = g.document_hash
     join subject s on s.subject_id = d.subject_id`,
  );
  return new Map(rows.map((row) => [row.document, row]));
}

export interface Located {
  readonly subject_id: string;
  readonly each: IncomingSubject;
}

interface Sorted {
  readonly located: readonly Located[];
  readonly fresh: readonly Located[];
  /** Whose document is known with other details: theirs is for the operator to say. */
  readonly doubtful: readonly Located[];
}

/** Whose each line is: by an equal document and details, or by what was decided of the two. */
async function sortIncoming(
  registry: Registry,
  session: Session,
  incoming: readonly IncomingSubject[],
  faults: Fault[],
): Promise<Sorted> {
  const known = await findDocuments(session, incoming);
  const isKnown = ({ document, details }: IncomingSubject) =>
    known.get(hex(document))?.details === hex(details);
  const decisions = await findDecisions(session, () =>
    incoming.filter((each) => !isKnown(each)).map((each) => claimHash(registry.ring, each)),
  );
  const [located, fresh, doubtful]: [Located[], Located[], Located[]] = [[], [], []];
  for (const each of incoming) {
    const match = known.get(hex(each.document));
    const decision =
      decisions.size === 0 || isKnown(each)
        ? undefined
        : decisions.get(hex(claimHash(registry.ring, each)));
    if (decision) {
      if (decision.standing === 'former') faults.push(former(each.row));
      located.push({ subject_id: decision.subject_id, each });
    } else if (match && !isKnown(each)) {
      faults.push(fault(each.row, 'held', 'V03_DETAILS', 'identity_number'));
      doubtful.push({ subject_id: match.subject_id, each });
    } else {
      const subject_id = match?.subject_id ?? registry.newId();
      if (!match) {
        known.set(hex(each.document), { subject_id, details: hex(each.details) });
        fresh.push({ subject_id, each });
      }
      located.push({ subject_id, each });
    }
  }
  return { located, fresh, doubtful };
}

/** Lines of kind subject. */
export async function takeSubjects(
  registry: Registry,
  session: Session,
  part: TextPart,
): Promise<PartOutcome> {
  await relyOnPeople(session);
  const faults: Fault[] = [];
  const incoming = fieldsOf(part, [7], faults).flatMap(({ row, fields }) =>
    readSubject(registry, part, row, fields, faults),
  );
  const { located, fresh, doubtful } = await sortIncoming(registry, session, incoming, faults);
  await copySubjects(registry, session, fresh);
  await openDetailsCases(registry, session, part.furnisher_id, doubtful);
  await session.query(`create temp table stage_located (row_number bigint, subject_ref uuid,
    subject_id uuid, identity_version int) on commit drop`);
  await session.copyIn('copy stage_located from stdin', [
    copyText(
      located.map(({ subject_id, each }) => ({
        row: each.row,
        values: [each.subject_ref, subject_id, String(each.version)],
      })),
    ),
  ]);
  await session.query(
    `insert into subject_locator (subject_ref, furnisher_id, subject_id, identity_version)
     select distinct on (subject_ref) subject_ref, $1::uuid, subject_id, identity_version
     from stage_located order by subject_ref, identity_version desc, row_number desc
     on conflict (subject_ref, furnisher_id) do update set subject_id = excluded.subject_id,
       identity_version = excluded.identity_version
     where subject_locator.identity_version < excluded.identity_version`,
    [part.furnisher_id],
  );
  return outcomeOf(part.lines.length, faults);
}

/** COPY into the store itself, in the order of the key. */
async function copySubjects(
  registry: Registry,
  session: Session,
  fresh: readonly Located[],
): Promise<void> {
  if (fresh.length === 0) return;
  const created = registry.now().toISOString();
  const lines = fresh
    .map(({ subject_id, each }) => {
      const key = registry.ring.newSubjectKey();
      const identity = key.seal(Buffer.from(each.identity), `subject ${subject_id}`);
      const sealed = [bytea(key.wrapped), bytea(identity), bytea(each.details)];
      return textLine([subject_id, each.kind, ...sealed, created]);
    })
    .sort();
  await session.copyIn(
    `copy subject (subject_id, identity_kind, wrapped_key, identity_sealed, details_hash,
       created_at) from stdin`,
    [Buffer.from(lines.join(''))],
  );
  const documents = fresh.map((f) => textLine([bytea(f.each.document), f.subject_id])).sort();
  await session.copyIn('copy subject_document (document_hash, subject_id) from stdin', [
    Buffer.from(documents.join('')),
  ]);
  await storeRecords(
    session,
    fresh.map(({ subject_id, each }) => ({
      subject_id,
      record_id: subject_id,
      features: featuresOf(registry, each),
    })),
  );
}

/**
 * Tells people whose account was ended by mistake and is furnished open again.
 * @param good constant SQL: which staged rows are taken
 */
async function tellReinstated(registry: Registry, session: Session, good: string): Promise<void> {
  // sql: `good` is made of constants. The id that a known account does not need is the message's.
  await session.query(
    `insert into message (subject_id, message_id, kind, facts, at)
     select subject_id, account_id, 'account_reinstated',
       jsonb_build_object('account_id', known_id), $1::timestamptz
     from stage_account where known_closed_on is not null and closed_on is null and ${good}`,
    [registry.now()],
  );
}

/** Lines of kind account. */
export async function takeAccounts(
  registry: Registry,
  session: Session,
  part: TextPart,
): Promise<PartOutcome> {
  await relyOnPeople(session);
  const faults: Fault[] = [];
  const seen = new Set<string | null>();
  const rows = fieldsOf(part, ACCOUNT_WIDTHS, faults).filter(({ row, fields }) => {
    const ref = fields[0] ?? null;
    const isGood = !seen.has(ref) && isAccountLine(fields);
    seen.add(ref);
    if (!isGood) faults.push(fault(row, 'rejected', 'W01'));
    return isGood;
  });
  await session.query(ARRIVED);
  await session.copyIn('copy arrived_account from stdin', [
    copyText(
      rows.map(({ row, fields }) => ({ row, values: arrivedValues(registry.newId(), fields) })),
    ),
  ]);
  await session.query(
    `create temp table stage_account on commit drop as
     select t.*, s.subject_id, l.account_id as known_id, l.subject_id as known_subject,
            l.revision as known_revision, l.closed_on as known_closed_on
     from arrived_account t
     left join subject_locator s on s.subject_ref = t.subject_ref and s.furnisher_id = $1::uuid
     left join account_locator l on l.account_ref = t.account_ref and l.furnisher_id = $1::uuid`,
    [part.furnisher_id],
  );
  // Shared with whoever guards a value: it is seen here, or its guard hides what is stored.
  await relyOnAuthorisations(session, part.furnisher_id);
  const guarded = (await isGuarded(session, part.furnisher_id, []))
    ? isGuardedAccount('stage_account')
    : 'false';
  // sql: `guarded` is a constant of guard.ts.
  const { rows: bad } = await session.query<{
    row: number;
    outcome: Fault['outcome'];
    rule: string;
  }>(
    `select row_number as row, case when subject_id is null then 'rejected' when known_subject <> subject_id then 'held' when known_revision >= revision then 'unchanged' else 'held' end as outcome,
            case when subject_id is null then 'V01_SUBJECT' when known_subject <> subject_id then 'V01_OWNER' when known_revision >= revision then 'unchanged' else 'V16' end as rule
     from stage_account where subject_id is null or known_subject <> subject_id or known_revision >= revision or ${guarded}`,
  );
  for (const each of bad) faults.push(fault(each.row, each.outcome, each.rule, 'account_ref'));
  const good = `subject_id is not null and (known_subject is null or known_subject = subject_id) and (known_revision is null or known_revision < revision) and not ${guarded}`;
  // sql: `good` is made of the constants above.
  await session.query(
    `insert into account (subject_id, account_id, revision, furnisher_id, account_ref, kind, brand, currency,
       opened_on, closed_on, original_amount_minor, term_months, submission_id, agreement_id,
       agreement_limit_minor, agreement_opened_on, agreement_ends_on)
     select subject_id, coalesce(known_id, account_id), revision, $1::uuid, account_ref, kind, brand, currency,
       opened_on, closed_on, original_amount_minor, term_months, $2::uuid, agreement_id,
       agreement_limit_minor, agreement_opened_on, agreement_ends_on
     from stage_account where ${good} order by subject_id`,
    [part.furnisher_id, part.submission_id],
  );
  await tellReinstated(registry, session, good);
  // sql: `good` is made of the constants above.
  await session.query(
    `insert into account_locator (account_ref, furnisher_id, subject_id, account_id, revision, kind, opened_on,
       closed_on, original_amount_minor, term_months)
     select account_ref, $1::uuid, subject_id, account_id, revision, kind, opened_on, closed_on,
       original_amount_minor, term_months from stage_account where ${good}
     on conflict (account_ref, furnisher_id) do update set revision = excluded.revision,
       opened_on = excluded.opened_on, closed_on = excluded.closed_on,
       original_amount_minor = excluded.original_amount_minor, term_months = excluded.term_months`,
    [part.furnisher_id],
  );
  return outcomeOf(part.lines.length, faults);
}
