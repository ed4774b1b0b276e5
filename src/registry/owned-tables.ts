/**
 * What belongs to a person: every table with a `subject_id`, read from the catalogue, so that a
 * table that is made later follows its person without anybody remembering it.
 *
 * What must stay true: a row is moved by deleting and inserting it in one statement (`subject_id`
 * is the distribution column); what was moved is listed by table and key, so that exactly that can
 * be moved back; names come from the catalogue and are quoted, values are parameters.
 */
import type { Session } from '../database/database.ts';

/**
 * Not moved: the person's own row, the log of changes by which parts are judged again, whose
 * records outlived them, and scores of a run: they are of the file as it was, one for each person.
 */
const STAYS: readonly string[] = ['subject', 'authorisation_change', 'erased_person', 'score'];

export interface OwnedTable {
  readonly name: string;
  readonly columns: readonly string[];
  /** Of its primary key, without `subject_id`. */
  readonly key: readonly string[];
}

interface CatalogueRow extends OwnedTable {
  readonly columns: string[];
  readonly key: string[];
}

/** Every table with a `subject_id`; `authorisation_change` and `subject` too. */
export async function allOwnedTables(session: Session): Promise<OwnedTable[]> {
  const { rows } = await session.query<CatalogueRow>(
    `select c.relname as name,
       array_agg(a.attname::text order by a.attnum) filter (where a.attname <> 'subject_id')
         as columns,
       coalesce(array_agg(a.attname::text order by a.attnum)
         filter (where a.attname <> 'subject_id' and a.attnum = any(i.indkey)), '{}') as key
     from pg_class c
     join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
     join pg_index i on i.indrelid = c.oid and i.indisprimary
     where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p')
       and not c.relispartition and exists (select 1 from pg_attribute s
         where s.attrelid = c.oid and s.attname = 'subject_id' and not s.attisdropped)
     group by c.relname order by c.relname`,
  );
  return rows;
}

/** Those whose rows follow the person. */
export async function ownedTables(session: Session): Promise<OwnedTable[]> {
  return (await allOwnedTables(session)).filter(({ name }) => !STAYS.includes(name));
}

/** A row's key as JSON values, in the order of `OwnedTable.key`. */
export type RowKey = readonly unknown[];
/** Keys of moved rows by table. */
export type Moved = Readonly<Record<string, readonly RowKey[]>>;

const quoted = (names: readonly string[], of = '') =>
  names.map((name) => `${of}"${name}"`).join(', ');
const keyOf = ({ key }: OwnedTable, of: string) => `jsonb_build_array(${quoted(key, of)})`;

/** What of one person's rows is to move. */
export interface Choice {
  readonly keys: readonly RowKey[];
  /** Rows of these accounts, and rows of no account under these authorisations, go along. */
  readonly account_ids: readonly string[];
  readonly authorisation_ids: readonly string[];
}

/** $3 keys, $4 accounts, $5 authorisations. */
function chosenSql(table: OwnedTable): string {
  const has = (column: string) => table.columns.includes(column);
  const ofAccount = has('account_id') ? 't.account_id = any($4::uuid[])' : '$4::uuid[] is null';
  const free = has('account_id') ? 't.account_id is null and ' : '';
  const ofAuthorisation = has('authorisation_id')
    ? `(${free}t.authorisation_id = any($5::uuid[]))`
    : '$5::uuid[] is null';
  return `(${keyOf(table, 't.')} in (select jsonb_array_elements($3::text::jsonb))
    or ${ofAccount} or ${ofAuthorisation})`;
}

/**
 * Moves rows of one table from a person to another and names them.
 * @param choice null: all of them
 */
export async function moveRows(
  session: Session,
  table: OwnedTable,
  way: { readonly from: string; readonly to: string },
  choice: Choice | null,
): Promise<readonly RowKey[]> {
  const columns = quoted(table.columns);
  const which = choice === null ? '' : ` and ${chosenSql(table)}`;
  // sql: names from the catalogue, quoted.
  const { rows } = await session.query<{ moved: RowKey[] }>(
    `with gone as (delete from "${table.name}" t where t.subject_id = $1::uuid${which}
       returning t.*),
     kept as (insert into "${table.name}" (subject_id, ${columns})
       select $2::uuid, ${columns} from gone)
     select coalesce(jsonb_agg(${keyOf(table, 'g.')}), '[]') as moved from gone g`,
    choice === null
      ? [way.from, way.to]
      : [
          way.from,
          way.to,
          JSON.stringify(choice.keys),
          [...choice.account_ids],
          [...choice.authorisation_ids],
        ],
  );
  return rows[0]?.moved ?? [];
}

/** Deletes all rows of these people in one table; how many there were. */
export async function deleteRows(
  session: Session,
  table: OwnedTable,
  subjectIds: readonly string[],
): Promise<number> {
  // sql: a name from the catalogue, quoted.
  const { affected } = await session.query(
    `delete from "${table.name}" where subject_id = any($1::uuid[])`,
    [[...subjectIds]],
  );
  return affected;
}

/** One sealed value of each subject key that a person's rows need, in columns named `…_sealed`. */
export async function sealedSamples(session: Session, subjectId: string): Promise<Uint8Array[]> {
  const samples: Uint8Array[] = [];
  for (const { name, columns } of await ownedTables(session)) {
    for (const column of columns.filter((each) => each.endsWith('_sealed'))) {
      // sql: names from the catalogue, quoted. Bytes 2 to 9 name the key; 2 begins a subject's bytes.
      const { rows } = await session.query<{ sealed: Uint8Array }>(
        `select distinct on (substr("${column}", 2, 8)) "${column}" as sealed from "${name}"
         where subject_id = $1 and substr("${column}", 1, 1) = '\\x02'::bytea`,
        [subjectId],
      );
      samples.push(...rows.map(({ sealed }) => sealed));
    }
  }
  return samples;
}
