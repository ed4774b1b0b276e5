/**
 * Evaluations: made of the facts that an authorisation opens, kept like a report, shown to the
 * lender that asked, or to the person themself.
 *
 * What must stay true: an evaluation is a report in another form: the same permit, the same trace
 * before a byte goes out, the same key; income is read only where the law lets the lender ask for
 * it; a person sees their own without asking anybody.
 * Source: domain facts 5; C2, C23, E3, U9.
 */
import { profileDigest, reportRulesOf } from '../authorisation/report-rules.ts';
import type { Session } from '../database/database.ts';
import type { Application } from '../evaluation/affordability.ts';
import { cardDigest } from '../evaluation/card.ts';
import { characteristicsOf } from '../evaluation/characteristics-of.ts';
import {
  type Cards,
  type EvaluationFacts,
  improvements,
  isThin,
  simulate,
  type WhatIf,
} from '../evaluation/evaluate.ts';
import { AssentError } from '../model/error.ts';
import type { FileFacts } from '../model/file-facts.ts';
import { EVALUATOR_VERSION, type EvaluationIssue, evaluationText } from './evaluation-document.ts';
import type { Registry } from './registry.ts';
import { type IssuedReport, storeReport, traceOwn } from './report.ts';
import { type KeyedFacts, readKeyedFacts } from './report-facts.ts';
import { activeCards } from './scorecards.ts';
import { sealIssue, sha256Of } from './sealed-issue.ts';

/** What an evaluation is asked about. */
export interface EvaluationRequest {
  readonly cards: Cards;
  /** Null: no loan is asked for. */
  readonly application: Application | null;
}

/** An application as it was sent. */
export interface SentApplication extends Application {
  /** The person was warned of what telling an income may do, and agreed in writing. */
  readonly income_warned: boolean;
}

/**
 * The application as it may be used.
 * @throws application_invalid: an income without the warning that the profile asks for
 */
export function readApplication(
  registry: Pick<Registry, 'profile'>,
  sent: SentApplication | null,
): Application | null {
  if (sent === null) return null;
  const { income_warned, ...application } = sent;
  const isBarred = registry.profile?.sensitive_warning === true && !income_warned;
  if (application.income_minor !== null && isBarred)
    throw new AssentError('application_invalid', {
      detail: 'income_minor needs income_warned: the person was warned and agreed in writing',
    });
  return application;
}

function factsFor(
  registry: Registry,
  facts: FileFacts,
  application: Application | null,
): EvaluationFacts {
  const rules = reportRulesOf(registry.profile);
  if (!rules) throw new AssentError('profile_unknown');
  return {
    facts,
    thin: rules.thin,
    counts_once_days: rules.new_credit_counts_once_days,
    application,
  };
}

/** Makes an evaluation with what is to be kept of it; the caller stores it with the trace. */
export function issueEvaluation(
  registry: Registry,
  { facts, wrapped_key }: KeyedFacts,
  { cards, application }: EvaluationRequest,
  to: Pick<EvaluationIssue, 'audience' | 'enquiry'>,
): IssuedReport {
  const { profile } = registry;
  if (!profile) throw new AssentError('profile_unknown');
  const report_id = registry.newId();
  const issue: EvaluationIssue = {
    ...to,
    on: factsFor(registry, facts, application),
    scorecards: {
      full: cards.full && cardDigest(cards.full),
      thin: cards.thin && cardDigest(cards.thin),
    },
    source: { name: 'Assent registry', address: registry.issuer },
    profile: { name: profile.name, sha256: profileDigest(profile) },
    issued_at: facts.at,
    report_id,
    evaluator_version: EVALUATOR_VERSION,
  };
  const text = evaluationText(issue, cards);
  const facts_sealed = sealIssue(registry, wrapped_key, report_id, issue);
  return { report_id, text, sha256: sha256Of(text), facts_sealed, issued_at: new Date(facts.at) };
}

/** Who looks at their own file, as the trace has it. */
export interface OwnLook {
  readonly participant_id: string;
  readonly reason: string;
}

/** The person's own evaluation: traced, kept and issued. @throws file_unknown, profile_unknown */
export function ownEvaluation(
  registry: Registry,
  subjectId: string,
  look: OwnLook,
  application: Application | null = null,
): Promise<IssuedReport> {
  return registry.db.transaction(async (session) => {
    const keyed = await lookAtOwn(registry, session, subjectId, look);
    const cards = await activeCards(registry, session);
    const evaluation = issueEvaluation(
      registry,
      keyed,
      { cards, application },
      { audience: 'subject', enquiry: null },
    );
    const to = { form: 'evaluation' as const, recipient_id: look.participant_id };
    await storeReport(session, subjectId, evaluation, to);
    return evaluation;
  });
}

async function lookAtOwn(
  registry: Registry,
  session: Session,
  subjectId: string,
  look: OwnLook,
): Promise<KeyedFacts> {
  const moment = registry.now();
  const at = { ...registry, now: () => moment };
  await traceOwn(at, session, subjectId, { ...look, audience: 'subject', purpose: 'E2' });
  const keyed = await readKeyedFacts(at, session, subjectId);
  if (!keyed) throw new AssentError('file_unknown');
  return keyed;
}

export interface Simulation {
  /** Null: there is no score, so nothing would change it. */
  readonly now: number | null;
  readonly changed: number | null;
  readonly improvements: readonly WhatIf[];
}

/**
 * What the person's score would be with other facts, and what would help most. Nothing is kept
 * but the trace.
 * @param changes values of characteristics by their id
 * @throws file_unknown; characteristic_invalid: a change of what is no characteristic
 */
export function simulateOwn(
  registry: Registry,
  subjectId: string,
  look: OwnLook,
  changes: Readonly<Record<string, number | null>>,
): Promise<Simulation> {
  return registry.db.transaction(async (session) => {
    const { facts } = await lookAtOwn(registry, session, subjectId, look);
    const values = characteristicsOf(facts);
    const cards = await activeCards(registry, session);
    const card = values && (isThin(values) ? cards.thin : cards.full);
    if (!values || !card) return { now: null, changed: null, improvements: [] };
    const unknown = Object.keys(changes).find((id) => !Object.hasOwn(values, id));
    if (unknown !== undefined)
      throw new AssentError('characteristic_invalid', {
        detail: 'a change names what is no characteristic of the catalogue',
      });
    return { ...simulate(card, values, changes), improvements: improvements(card, values) };
  });
}
