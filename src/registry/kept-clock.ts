/**
 * The clocks that late months keep when others of their account are erased (effects.ts): what
 * divided a month from an older event, or ended its own, may be among those that go.
 *
 * What must stay true: what is shown and what is purged go by the same kept clock; a clock goes
 * with its month. The texts are about a month `n`, and null where it keeps none.
 */

/**
 * Where the clock counts from the first delinquency: the day kept for the month, or for the last
 * before it in its unbroken run.
 * @param standing the account's months as they stand: (period, days_past_due)
 */
export const keptBegan = (standing: string) => `(select least(x.starts, n.first_delinquency_on)
  from kept_clock x where x.subject_id = n.subject_id and x.account_id = n.account_id
    and x.clock = 'first_delinquency' and x.period <= n.period
    and not exists (select 1 from ${standing} c
      where c.period >= x.period and c.period < n.period and c.days_past_due = 0)
  order by x.period desc limit 1)`;

/** Where it counts from the end of the event: the day kept for the month. */
export const KEPT_END = `(select x.starts from kept_clock x where x.subject_id = n.subject_id
  and x.account_id = n.account_id and x.clock = 'end_of_event' and x.period = n.period)`;
