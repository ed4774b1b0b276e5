/**
 * A person's own score, by page: read it, try other facts, contest it.
 *
 * What must stay true: reading is traced and keeps nothing else; contesting one's own score keeps
 * the evaluation that is contested.
 */
import type { FastifyRequest } from 'fastify';
import { CHARACTERISTICS } from '../evaluation/catalogue.ts';
import { AssentError } from '../model/error.ts';
import { scorePage } from '../pages/score-page.ts';
import { SCORE_WORDS } from '../pages/score-words.ts';
import { askReview, listOwnReviews } from '../registry/evaluation-reviews.ts';
import {
  listEvaluationsOf,
  type OwnScore,
  ownEvaluation,
  readOwnScore,
} from '../registry/evaluations.ts';
import type { Registry } from '../registry/registry.ts';
import type { Server } from './instance.ts';
import { subjectOf } from './me-schema.ts';
import { fieldOf, formOf, goTo, languageOf, own, PREFIX, sendPage, viewOf } from './me-scope.ts';

const MOST_WORDS = 2000;

/** What the person wants to try; null: nothing, or nothing that can be. */
function triedOf(request: FastifyRequest): { id: string; to: string } | null {
  const { change, to } = request.query as { change?: unknown; to?: unknown };
  const known = CHARACTERISTICS.find(({ id }) => id === change);
  return known && typeof to === 'string' && /^-?\d{1,7}$/.test(to) ? { id: known.id, to } : null;
}

function scoreOf({ evaluation }: OwnScore, language: 'en' | 'zh') {
  const { score } = evaluation;
  return (
    score && {
      value: score.value,
      ...score.scale,
      ...score.range,
      percent: (score.bad_ppm / 10_000).toFixed(1),
      means: score.bad_means,
      card: score.scorecard,
      reasons: score.reasons.map(({ texts, points_lost }) => ({
        says: texts[language].says,
        points_lost,
      })),
    }
  );
}

/** What a person would do, in words: the meaning of the characteristic and the value it would have. */
const doesOf = (id: string, language: 'en' | 'zh') =>
  CHARACTERISTICS.find((each) => each.id === id)?.improve?.[language] ?? '';

/** Adds the pages of the score. */
export function addScorePages(scope: Server, registry: Registry): void {
  scope.get('/score', own, async (request, reply) => {
    const { subject_id } = subjectOf(request);
    const tried = triedOf(request);
    const changes = tried ? { [tried.id]: Number(tried.to) } : {};
    const found = await readOwnScore(registry, subject_id, changes);
    const { done } = request.query as { done?: unknown };
    const language = languageOf(request, null);
    const said = done === 'contested' ? SCORE_WORDS[language].contested : null;
    const view = await viewOf(registry, request, { done: said });
    const page = scorePage({
      ...view,
      sufficiency: found.evaluation.sufficiency,
      score: scoreOf(found, language),
      improvements: found.improvements.map(({ characteristic, score, gain }) => ({
        does: doesOf(characteristic, language),
        score,
        gain,
      })),
      choices: CHARACTERISTICS.map(({ id, meaning }) => ({ id, meaning: meaning[language] })),
      tried: tried && { ...tried, score: found.changed },
      evaluations: await listEvaluationsOf(registry, subject_id),
      reviews: await listOwnReviews(registry, subject_id),
    });
    return sendPage(reply, page);
  });
  scope.post('/score/contest', own, async (request, reply) => {
    const form = formOf(registry, request);
    const { subject_id } = subjectOf(request);
    const words = fieldOf(form, 'words').slice(0, MOST_WORDS);
    if (words === '') throw new AssentError('form_outdated');
    const named = fieldOf(form, 'evaluation');
    const id = named || (await ownEvaluation(registry, subject_id)).report_id;
    await askReview(registry, subject_id, id, words);
    return goTo(reply, request, form, `${PREFIX}/score?done=contested`);
  });
}
