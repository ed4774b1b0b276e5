/**
 * What is a person's because of an account or an approval of theirs without naming it: the claims
 * about a look, the evidence of a claim, a dispute, the report that answered an enquiry.
 *
 * What must stay true: when people are parted it goes where the account or the approval goes. A
 * dispute goes with its claims; an open one that would be torn between the two holds the parting.
 */
import type { Session } from '../database/database.ts';
import type { Choice, RowKey } from './owned-tables.ts';
import { notMovable } from './people.ts';

/** $1 the person, $2 accounts, $3 authorisations, $4 claims that go in any case. */
const CLAIMS = `
  select c.claim_id, c.dispute_id, coalesce(c.account_id = any($2::uuid[]), false)
    or coalesce(a.authorisation_id = any($3::uuid[]), false) or c.claim_id = any($4::uuid[]) as goes,
    coalesce(d.state = 'open', false) as is_open
  from claim c
  left join access a on a.subject_id = c.subject_id and a.access_id = c.access_id
  left join dispute d on d.subject_id = c.subject_id and d.dispute_id = c.dispute_id
  where c.subject_id = $1`;
/** $1 the person, $2 ids; one column for each member of a key. */
const EVIDENCE = `select evidence_id from claim_evidence
  where subject_id = $1 and claim_id = any($2::uuid[])`;
const COMPENSATION = `select dispute_id, owed_by from compensation
  where subject_id = $1 and dispute_id = any($2::uuid[])`;
const REPORTS = `select r.report_id from report r
  join enquiry e on e.subject_id = r.subject_id and e.enquiry_id = r.enquiry_id
  where r.subject_id = $1 and e.authorisation_id = any($2::uuid[])`;
const REVIEWS = `select review_id from evaluation_review
  where subject_id = $1 and report_id = any($2::uuid[])`;

interface ClaimRow {
  readonly claim_id: string;
  readonly dispute_id: string;
  readonly goes: boolean;
  readonly is_open: boolean;
}

/** Disputes all of whose claims go. @throws identity_not_movable: an open one would be torn */
function disputesGoing(claims: readonly ClaimRow[]): string[] {
  const torn = new Set(claims.filter(({ goes }) => !goes).map(({ dispute_id }) => dispute_id));
  const going = claims.filter(({ goes }) => goes);
  const held = going.find(({ dispute_id, is_open }) => is_open && torn.has(dispute_id));
  if (held)
    notMovable(`dispute ${held.dispute_id} is about what goes and what stays: decide it first`);
  return [...new Set(going.map(({ dispute_id }) => dispute_id))].filter((id) => !torn.has(id));
}

/**
 * Keys by table of what follows a choice of one person's rows, before they are moved.
 * @param choice with the keys of the claims that go in any case
 * @throws identity_not_movable: an open dispute is about what goes and what stays
 */
export async function followersOf(
  session: Session,
  subjectId: string,
  choice: Choice,
): Promise<Readonly<Record<string, readonly RowKey[]>>> {
  const { account_ids, authorisation_ids, keys } = choice;
  const keysOf = async (sql: string, ids: readonly string[]): Promise<RowKey[]> =>
    // sql: one of the constants above.
    (await session.query<Record<string, string>>(sql, [subjectId, [...ids]])).rows.map((row) =>
      Object.values(row),
    );
  const { rows } = await session.query<ClaimRow>(CLAIMS, [
    ...[subjectId, [...account_ids], [...authorisation_ids]],
    keys.map(([id]) => String(id)),
  ]);
  const claims = rows.filter(({ goes }) => goes).map(({ claim_id }) => claim_id);
  const disputes = disputesGoing(rows);
  const reports = await keysOf(REPORTS, authorisation_ids);
  return {
    claim: claims.map((id) => [id]),
    claim_evidence: await keysOf(EVIDENCE, claims),
    dispute: disputes.map((id) => [id]),
    compensation: await keysOf(COMPENSATION, disputes),
    report: reports,
    evaluation_review: await keysOf(
      REVIEWS,
      reports.map(([id]) => String(id)),
    ),
  };
}
