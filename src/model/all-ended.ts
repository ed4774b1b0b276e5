/**
 * Work side by side whose failure is heard of when all of it has ended.
 *
 * What must stay true: nothing goes on behind the back of whoever was told that it failed.
 */

/** Fulfilled when all are. @throws what the first of them that failed says, when all have ended */
export async function allEnded(work: Iterable<Promise<unknown>>): Promise<void> {
  const ended = await Promise.allSettled(work);
  const failed = ended.find((each) => each.status === 'rejected');
  if (failed) throw failed.reason;
}
