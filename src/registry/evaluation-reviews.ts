/**
 * A person contests their score and somebody looks: the request, the queue, the decision.
 *
 * What must stay true: only the person whose evaluation it is asks, once at a time for each; their
 * words are sealed under their key; the decision says why, and the person is told.
 * Source: domain facts C23 (PIPL 24), E3 (GDPR 22 and C-634/21: the score itself can be contested).
 */
import { AssentError } from '../model/error.ts';
import { tellPerson, traceAct } from './person.ts';
import type { Registry } from './registry.ts';

export const REVIEW_OUTCOMES = ['upheld', 'changed'] as const;
/** `upheld`: the score stands; `changed`: it rested on what was wrong, and was made anew. */
export type ReviewOutcome = (typeof REVIEW_OUTCOMES)[number];

export interface Review {
  readonly review_id: string;
  readonly evaluation_id: string;
  readonly state: 'open' | ReviewOutcome;
  readonly asked_at: Date;
  readonly due_at: Date;
  readonly ended_at: Date | null;
  readonly why: string | null;
}

const COLUMNS = `review_id, report_id as evaluation_id, state, asked_at, due_at, ended_at, why`;
/** Days to the answer where the profile names none. */
const DAYS = 20;
const DAY_MS = 86_400_000;
const placeOf = (reviewId: string) => `review ${reviewId}`;

/**
 * Asks that a person looks at an evaluation. Asked again while it is open, the open one is the
 * answer.
 * @param evaluationId of the person's own, or of one that a lender was given of them
 * @param words of the person, at most 2,000 characters
 * @throws evaluation_unknown: not there, or another's
 */
export function askReview(
  registry: Registry,
  subjectId: string,
  evaluationId: string,
  words: string,
): Promise<Review> {
  return registry.db.transaction(async (session) => {
    const { rows: found } = await session.query<{ wrapped_key: Uint8Array }>(
      `select s.wrapped_key from report r join subject s on s.subject_id = r.subject_id
       where r.subject_id = $1::uuid and r.report_id = $2::uuid and r.form = 'evaluation'
       for update of s`,
      [subjectId, evaluationId],
    );
    const [person] = found;
    if (!person) throw new AssentError('evaluation_unknown');
    // sql: COLUMNS is the constant above.
    const { rows: open } = await session.query<Review>(
      `select ${COLUMNS} from evaluation_review
       where subject_id = $1 and report_id = $2 and state = 'open'`,
      [subjectId, evaluationId],
    );
    if (open[0]) return open[0];
    const review_id = registry.newId();
    const asked_at = registry.now();
    const days = registry.profile?.dispute_days.answer ?? DAYS;
    // sql: COLUMNS is the constant above.
    const { rows } = await session.query<Review>(
      `insert into evaluation_review (subject_id, review_id, report_id, state, words_sealed,
         asked_at, due_at)
       values ($1, $2, $3, 'open', $4, $5, $6) returning ${COLUMNS}`,
      [
        subjectId,
        review_id,
        evaluationId,
        registry.ring.seal(person.wrapped_key, Buffer.from(words), placeOf(review_id)),
        asked_at,
        new Date(asked_at.getTime() + days * DAY_MS),
      ],
    );
    if (!rows[0]) throw new Error('the row was just written');
    return rows[0];
  });
}

/** The person's own reviews, newest first. */
export async function listOwnReviews(registry: Registry, subjectId: string): Promise<Review[]> {
  // sql: COLUMNS is the constant above.
  const { rows } = await registry.db.query<Review>(
    `select ${COLUMNS} from evaluation_review where subject_id = $1
     order by asked_at desc, review_id`,
    [subjectId],
  );
  return rows;
}

/** The queue: open reviews of everybody, the soonest due first. Names nobody. */
export async function listOpenReviews(registry: Registry): Promise<Review[]> {
  // sql: COLUMNS is the constant above.
  const { rows } = await registry.db.query<Review>(
    `select ${COLUMNS} from evaluation_review where state = 'open' order by due_at, review_id`,
  );
  return rows;
}

export interface OpenedReview extends Review {
  readonly subject_id: string;
  readonly words: string;
}

/**
 * One review with the person's words, for whoever looks; the look leaves its trace.
 * @throws review_unknown
 */
export function openReview(
  registry: Registry,
  reviewId: string,
  participantId: string,
): Promise<OpenedReview> {
  return registry.db.transaction(async (session) => {
    // sql: COLUMNS is the constant above.
    const { rows } = await session.query<
      Review & { subject_id: string; words_sealed: Uint8Array; wrapped_key: Uint8Array }
    >(
      `select ${COLUMNS}, v.subject_id, v.words_sealed, s.wrapped_key
       from evaluation_review v join subject s on s.subject_id = v.subject_id
       where review_id = $1::uuid`,
      [reviewId],
    );
    const [found] = rows;
    if (!found) throw new AssentError('review_unknown');
    const { words_sealed, wrapped_key, ...review } = found;
    const act = { purpose: 'review', reason: 'a score is contested' };
    await traceAct(registry, session, review.subject_id, { ...act, participant_id: participantId });
    const words = registry.ring.open(wrapped_key, words_sealed, placeOf(reviewId));
    return { ...review, words: Buffer.from(words).toString('utf8') };
  });
}

/**
 * Decides an open review; the person is told in the same transaction.
 * @param why in plain words, for the person
 * @throws review_unknown: not there, or decided already
 */
export function decideReview(
  registry: Registry,
  reviewId: string,
  decision: { readonly by: string; readonly outcome: ReviewOutcome; readonly why: string },
): Promise<Review> {
  return registry.db.transaction(async (session) => {
    // sql: COLUMNS is the constant above.
    const { rows } = await session.query<Review & { subject_id: string }>(
      `update evaluation_review set state = $2, ended_at = $3, ended_by = $4, why = $5
       where review_id = $1::uuid and state = 'open' returning ${COLUMNS}, subject_id`,
      [reviewId, decision.outcome, registry.now(), decision.by, decision.why],
    );
    const [found] = rows;
    if (!found) throw new AssentError('review_unknown');
    const { subject_id, ...review } = found;
    const { outcome, why } = decision;
    const facts = { review_id: reviewId, evaluation_id: review.evaluation_id, outcome, why };
    await tellPerson(registry, session, subject_id, { kind: 'review', facts });
    return review;
  });
}
