/**
 * What a person has running over their own file, each reading with its trace.
 *
 * What must stay true: as `own-looks.ts`.
 */
import { disputeRulesOf } from '../authorisation/dispute-rules.ts';
import { type DisputeView, viewDisputes } from './dispute-views.ts';
import { readOwn } from './own-looks.ts';
import type { Registry } from './registry.ts';

/** A dispute with the currency of each account it is about. */
export interface OwnDispute extends DisputeView {
  readonly currencies: Readonly<Record<string, string>>;
}

/** The disputes of a person, newest first. @param disputeId null: all of them */
export function ownDisputes(
  registry: Registry,
  subjectId: string,
  disputeId: string | null,
): Promise<OwnDispute[]> {
  return readOwn(registry, subjectId, 'disputes', async (session) => {
    const sought = { subject_id: subjectId, dispute_id: disputeId };
    const views = await viewDisputes(registry, session, sought);
    const { rows } = await session.query<{ account_id: string; currency: string }>(
      `select distinct on (account_id) account_id, currency from account where subject_id = $1
       order by account_id, revision desc`,
      [subjectId],
    );
    const currencies = Object.fromEntries(
      rows.map(({ account_id, currency }) => [account_id, currency]),
    );
    return views.map((view) => ({ ...view, currencies }));
  });
}

/** Words that a statement may have. */
export const statementWords = ({ profile }: Registry): number =>
  disputeRulesOf(profile).statement_words;
