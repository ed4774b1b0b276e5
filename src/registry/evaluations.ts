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
  type Evaluation,
  type EvaluationFacts,
  evaluate,
  improvements,
  simulate,
  type WhatIf,
} from '../evaluation/evaluate.ts';
import { AssentError } from '../model/error.ts';
import type { FileFacts } from '../model/file-facts.ts';
import { EVALUATOR_VERSION, type EvaluationIssue, evaluationText } from './evaluation-document.ts';
import { OWN_PURPOSE } from './own-looks.ts';
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

/** The person's own evaluation: traced, kept and issued. @throws file_unknown, profile_unknown */
export function ownEvaluation(
  registry: Registry,
  subjectId: string,
  application: Application | null = null,
): Promise<IssuedReport> {
  return registry.db.transaction(async (session) => {
    const keyed = await lookAtOwn(registry, session, subjectId);
    const cards = await activeCards(registry, session);
    const evaluation = issueEvaluation(
      registry,
      keyed,
      { cards, application },
      { audience: 'subject', enquiry: null },
    );
    const to = { form: 'evaluation' as const, recipient_id: registry.registry_id };
    await storeReport(session, subjectId, evaluation, to);
    return evaluation;
  });
}

/** What a person reads their own score from; the trace is written first. @throws file_unknown */
async function lookAtOwn(
  registry: Registry,
  session: Session,
  subjectId: string,
): Promise<KeyedFacts> {
  const moment = registry.now();
  const at = { ...registry, now: () => moment };
  await traceOwn(at, session, subjectId, {
    audience: 'subject',
    participant_id: registry.registry_id,
    purpose: OWN_PURPOSE,
    reason: 'score',
  });
  const keyed = await readKeyedFacts(at, session, subjectId);
  if (!keyed) throw new AssentError('file_unknown');
  return keyed;
}

export interface OwnScore {
  readonly evaluation: Evaluation;
  /** What would win the most points, one thing at a time. */
  readonly improvements: readonly WhatIf[];
  /** The score with the changes; null: there is no score, or nothing was changed. */
  readonly changed: number | null;
}

/**
 * What a person reads of their own score: the evaluation, what would help, and what other facts
 * would give. Traced; nothing else is kept.
 * @param changes values of characteristics by their id
 * @throws file_unknown; characteristic_invalid: a change of what is no characteristic
 */
export function readOwnScore(
  registry: Registry,
  subjectId: string,
  changes: Readonly<Record<string, number | null>>,
): Promise<OwnScore> {
  return registry.db.transaction(async (session) => {
    const { facts } = await lookAtOwn(registry, session, subjectId);
    const cards = await activeCards(registry, session);
    const evaluation = evaluate(factsFor(registry, facts, null), cards);
    const values = characteristicsOf(facts);
    const card = evaluation.score?.scorecard.kind === 'thin' ? cards.thin : cards.full;
    if (!evaluation.score || !values || !card)
      return { evaluation, improvements: [], changed: null };
    if (Object.keys(changes).some((id) => !Object.hasOwn(values, id)))
      throw new AssentError('characteristic_invalid', {
        detail: 'a change names what is no characteristic of the catalogue',
      });
    const isChanged = Object.keys(changes).length > 0;
    return {
      evaluation,
      improvements: improvements(card, values),
      changed: isChanged ? simulate(card, values, changes).changed : null,
    };
  });
}

export interface ListedEvaluation {
  readonly evaluation_id: string;
  /** Who was given it; null: the person. */
  readonly recipient: string | null;
  readonly issued_at: Date;
}

/** Every evaluation of a person, the newest first. */
export async function listEvaluationsOf(
  registry: Registry,
  subjectId: string,
): Promise<ListedEvaluation[]> {
  const { rows } = await registry.db.query<ListedEvaluation>(
    `select r.report_id as evaluation_id, r.issued_at,
       case when p.role = 'operator' then null else p.name end as recipient
     from report r left join participant p on p.participant_id = r.recipient_id
     where r.subject_id = $1 and r.form = 'evaluation'
     order by r.issued_at desc, r.report_id`,
    [subjectId],
  );
  return rows;
}
