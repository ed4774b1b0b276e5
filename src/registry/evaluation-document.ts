/**
 * An evaluation as it is answered and kept: what it was made of, and the text that is made of it.
 *
 * What must stay true: the text is canonical JSON (RFC 8785) of what was kept and of the cards it
 * names by their hashes, so it can be made again byte for byte; the hash of the inputs stands in
 * it; it names no identity and no lender.
 */
import canonicalize from 'canonicalize';
import { adverseAction } from '../evaluation/adverse-action.ts';
import { type Card, cardDigest } from '../evaluation/card.ts';
import { type Cards, type EvaluationFacts, evaluate } from '../evaluation/evaluate.ts';
import { AssentError } from '../model/error.ts';
import type { Audience, Issue } from '../model/report-document.ts';
import type { Registry } from './registry.ts';
import { sha256Of } from './sealed-issue.ts';

/** Raised when the same facts and cards give other bytes. */
export const EVALUATOR_VERSION = 1;

export interface EvaluationIssue {
  readonly audience: Audience;
  readonly enquiry: Issue['enquiry'];
  readonly on: EvaluationFacts;
  /** The cards in force, by the SHA-256 of their canonical JSON; null: none. */
  readonly scorecards: { readonly full: string | null; readonly thin: string | null };
  readonly source: { readonly name: string; readonly address: string };
  readonly profile: Issue['profile'];
  readonly issued_at: string;
  readonly report_id: string;
  readonly evaluator_version: number;
}

const canonical = (value: object) => canonicalize(value) ?? '';

/** The text that goes out. @throws characteristic_invalid; RangeError: of another evaluator */
export function evaluationText(issue: EvaluationIssue, cards: Cards): string {
  const { on, source, profile, audience, enquiry, issued_at, report_id } = issue;
  if (issue.evaluator_version !== EVALUATOR_VERSION)
    throw new RangeError(`no evaluator ${issue.evaluator_version}`);
  const { score, ...evaluation } = evaluate(on, cards);
  return canonical({
    ...evaluation,
    score,
    adverse_action: score && adverseAction(score, source, profile.name),
    application: on.application,
    audience,
    enquiry,
    evaluation_id: report_id,
    evaluator_version: issue.evaluator_version,
    inputs_sha256: sha256Of(canonical({ on, scorecards: issue.scorecards })),
    issued_at,
    profile,
  });
}

/** The cards that an issue names. @throws scorecard_unknown: one is not there any more */
export async function cardsOf(
  session: Pick<Registry['db'], 'query'>,
  { scorecards }: Pick<EvaluationIssue, 'scorecards'>,
): Promise<Cards> {
  const { rows } = await session.query<{ sha256: string; card: Card }>(
    'select sha256, card from scorecard where sha256 = any($1::text[])',
    [[scorecards.full, scorecards.thin].filter((each) => each !== null)],
  );
  const of = (sha256: string | null) => {
    if (sha256 === null) return null;
    const card = rows.find((row) => row.sha256 === sha256)?.card;
    if (!card || cardDigest(card) !== sha256) throw new AssentError('scorecard_unknown');
    return card;
  };
  return { full: of(scorecards.full), thin: of(scorecards.thin) };
}
