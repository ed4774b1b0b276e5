/**
 * What a person has running over their own file, each reading with its trace.
 *
 * What must stay true: as `own-looks.ts`.
 */
import { disputeRulesOf } from '../authorisation/dispute-rules.ts';
import { type DisputeView, viewDisputes } from './dispute-views.ts';
import { readOwn } from './own-looks.ts';
import type { Registry } from './registry.ts';

/** The disputes of a person, newest first. @param disputeId null: all of them */
export function ownDisputes(
  registry: Registry,
  subjectId: string,
  disputeId: string | null,
): Promise<DisputeView[]> {
  const sought = { subject_id: subjectId, dispute_id: disputeId };
  return readOwn(registry, subjectId, 'disputes', (session) =>
    viewDisputes(registry, session, sought),
  );
}

/** Words that a statement may have. */
export const statementWords = ({ profile }: Registry): number =>
  disputeRulesOf(profile).statement_words;
