/**
 * The oracle: what the law and the record allow, worked out slowly and obviously from the events
 * alone.
 *
 * What must stay true: nothing of `src/` is imported, not even its calendar or its state machine,
 * so that a mistake there is not repeated here. It answers for one row at one moment: which of the
 * person's approvals cover it, or which reasons may be given for withholding it. Among several
 * approvals that fail the system may let any speak that is really in force; the choice is its own.
 * Source: domain facts 2.1 to 2.6, 3.4, 3.7; design.md 6.
 */

/** As much of an authorisation record as decides something. */
export interface Terms {
  readonly authorisation_id: string;
  /** Shared by those that took each other's place. */
  readonly arrangement_id: string;
  readonly legal_basis: string;
  /** The guardian who answered; null: the person. */
  readonly principal: { readonly on_behalf_of: string | null };
  readonly evidence: { readonly method: string };
  readonly notice: { readonly id: string; readonly version: number };
  readonly parties: {
    readonly provider_id: string;
    readonly recipient_class: string;
    readonly recipient_id: string | null;
  };
  readonly purpose: {
    readonly code: string;
    readonly service_conditional: boolean;
    readonly necessity_text: string | null;
    readonly alternative_offered: string | null;
  };
  readonly data: {
    readonly classes: readonly string[];
    readonly products: readonly string[];
    readonly accounts: 'ALL' | readonly string[];
    readonly range_from: string | null;
    readonly range_to: string | null;
  };
  readonly limits: {
    readonly mode: string;
    readonly fetch: string;
    readonly frequency: { readonly n: number; readonly unit: string } | null;
    readonly starts_at: string;
    readonly expires_at: string | null;
    readonly condition: string | null;
    readonly onward: 'NONE' | readonly string[];
  };
  readonly withdrawal: { readonly effect: string };
}

/** Something that happened to an approval, and when this side of the wire learned of it. */
export interface Happening {
  readonly seq: number;
  readonly type: string;
  readonly at: string;
  readonly recorded_at: string;
}

export interface Approval {
  readonly terms: Terms;
  readonly happenings: readonly Happening[];
  readonly uses: readonly { readonly use_id: string; readonly used_at: string }[];
}

export interface Row {
  readonly account: string;
  readonly kind: string;
  readonly period: string;
  readonly days_past_due: number;
  readonly open: boolean;
  /** First day as an adult; null: known to be one. */
  readonly adult_from: string | null;
}

/** The values of a profile that decide something. */
export interface Law {
  /** `YYYY-MM-DD` */
  readonly effective_from: string;
  readonly guardian_may_answer: boolean;
  readonly written_consent: boolean;
  readonly separate_per_recipient: boolean;
  readonly legal_bases: readonly {
    readonly basis: string;
    readonly purposes: readonly string[];
    readonly rows: string;
  }[];
  readonly conditionality: string;
  readonly notice_change: string;
  readonly validity_months: number | null;
}

/** One side of the wire at one moment. */
export interface Scene {
  /** ISO 8601, UTC, milliseconds: such texts sort as the moments do. */
  readonly now: string;
  readonly provider_id: string;
  /** Its own use never counts against it. */
  readonly use_id: string;
  readonly law: Law | null;
  /** Oldest notice version that still authorises. */
  readonly notices: Readonly<Record<string, number>>;
  /** What is wanted with the row; without, the registry is to store it. */
  readonly wants?: Wants;
}

export interface Wants {
  readonly recipient_class: string;
  readonly recipient_id: string | null;
  readonly purposes: readonly string[];
}
const STORING: Wants = {
  recipient_class: 'registry',
  recipient_id: null,
  purposes: ['F1', 'F2'],
};

export interface Verdict {
  /** Ids of the approvals that cover the row; empty: it must be withheld. */
  readonly covering: readonly string[];
  /** The reasons that may be given; empty when it is covered. */
  readonly reasons: readonly string[];
}

/** How strict an end is: of two ends the stricter holds, and nothing else follows an end. */
const STRICTNESS: Readonly<Record<string, number>> = {
  superseded: 1,
  expired: 1,
  revoked: 2,
  invalidated: 3,
  withdrawn: 4,
};

/** What an approval is after what has happened: the life cycle of domain facts 3.7. */
export function stateAfter(types: readonly string[]): string {
  let state = 'unknown';
  for (const type of types) {
    const ended = STRICTNESS[state];
    if (ended !== undefined && (STRICTNESS[type] ?? 0) <= ended) continue;
    if (type === 'requested') state = 'pending';
    if (type === 'given') state = 'given';
    if (type === 'resumed') state = 'given';
    if (type === 'paused') state = 'paused';
    if (type === 'refused') state = 'refused';
    if (type === 'lapsed') state = 'lapsed';
    if (type === 'withdrawn') state = 'withdrawn';
    if (type === 'expired') state = 'expired';
    if (type === 'revoked') state = 'revoked';
    if (type === 'invalidated') state = 'invalidated';
    if (type === 'superseded') state = 'superseded';
  }
  return state;
}

/** What is known of an approval at a moment; null: nothing yet. */
export function stateAt(approval: Approval, now: string): string | null {
  const known = approval.happenings
    .filter((each) => each.at <= now)
    .filter((each) => each.recorded_at <= now)
    .sort((left, right) => left.seq - right.seq);
  if (known.length === 0) return null;
  return stateAfter(known.map((each) => each.type));
}

const isLeap = (year: number) => (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
function daysOf(year: number, month: number): number {
  if (month === 2) return isLeap(year) ? 29 : 28;
  return [4, 6, 9, 11].includes(month) ? 30 : 31;
}
const two = (n: number) => String(n).padStart(2, '0');

/** The same day and time so many months on; the last day of a month that is too short. */
export function monthsLater(moment: string, months: number): string {
  const year = Number(moment.slice(0, 4));
  const month = Number(moment.slice(5, 7));
  const day = Number(moment.slice(8, 10));
  const count = year * 12 + (month - 1) + months;
  const newYear = Math.floor(count / 12);
  const newMonth = (count % 12) + 1;
  const newDay = Math.min(day, daysOf(newYear, newMonth));
  return `${String(newYear).padStart(4, '0')}-${two(newMonth)}-${two(newDay)}${moment.slice(10)}`;
}

/** One unit of time before a moment. */
export function unitBefore(moment: string, unit: string): string {
  if (unit === 'MONTH') return monthsLater(moment, -1);
  if (unit === 'YEAR') return monthsLater(moment, -12);
  const hours = unit === 'DAY' ? 24 : 1;
  return new Date(Date.parse(moment) - hours * 60 * 60 * 1000).toISOString();
}

/** Everything that stands in the way of one approval in force; empty: it covers the row. */
function obstacles(
  approval: Approval,
  all: readonly Approval[],
  row: Row,
  scene: Scene,
  law: Law,
): string[] {
  const { terms } = approval;
  const { data, limits, notice, parties, purpose } = terms;
  const { now, wants = STORING } = scene;
  const late = row.days_past_due > 0;
  const found: string[] = [];

  // Post-dated approvals (ReBIT consentStart) and their end (consentExpiry).
  if (limits.starts_at > now) found.push('pending');
  if (limits.expires_at !== null && limits.expires_at <= now) found.push('expired');
  // A jurisdiction may bound how long an approval lasts.
  if (law.validity_months !== null && monthsLater(limits.starts_at, law.validity_months) <= now)
    found.push('expired');

  // PIPL 13, GDPR 6: a basis the law of the place knows, for this purpose and this kind of row.
  let lawful = false;
  for (const basis of law.legal_bases) {
    if (basis.basis !== terms.legal_basis) continue;
    if (!basis.purposes.includes(purpose.code)) continue;
    if (basis.rows === 'adverse' && !late) continue;
    lawful = true;
  }
  if (!lawful) found.push('condition_unlawful');

  // A no is not got around by another basis for the same purpose.
  if (terms.legal_basis !== 'consent') {
    for (const other of all) {
      if (other.terms.parties.provider_id !== parties.provider_id) continue;
      if (other.terms.purpose.code !== purpose.code) continue;
      // What was said to one lender who asks is not said to another.
      const isLook = wants.recipient_class === 'lender';
      if (isLook && other.terms.parties.recipient_id !== parties.recipient_id) continue;
      if (other.terms.legal_basis !== 'consent') continue;
      const answer = stateAt(other, now);
      if (answer === 'refused' || answer === 'withdrawn') found.push('refused');
    }
  }

  // PIPL 16, GDPR 7(4): approval as a condition of service.
  if (purpose.service_conditional) {
    const necessary = purpose.necessity_text !== null && purpose.necessity_text !== '';
    const alternative = purpose.alternative_offered !== null && purpose.alternative_offered !== '';
    if (law.conditionality === 'void') found.push('condition_unlawful');
    if (law.conditionality === 'flagged' && !necessary) found.push('condition_unlawful');
    if (law.conditionality === 'flagged_with_alternative' && !(necessary && alternative))
      found.push('condition_unlawful');
  }

  // Order 631, articles 18 and 29: consent in writing, where the law of the place asks for it.
  const spoken = terms.evidence.method === 'VOICE';
  if (law.written_consent && terms.legal_basis === 'consent' && spoken)
    found.push('condition_unlawful');

  // PIPL 14: what was agreed to is what was shown.
  if (law.notice_change === 'ask_again') {
    const oldest = scene.notices[notice.id];
    if (oldest !== undefined && notice.version < oldest) found.push('notice_outdated');
  }

  // To whom and for what. F2 is adverse data only.
  if (parties.recipient_class !== wants.recipient_class) found.push('out_of_scope');
  if (parties.recipient_id !== null && parties.recipient_id !== wants.recipient_id)
    found.push('out_of_scope');
  // PIPL 23: each class of recipients is asked for by itself.
  if (law.separate_per_recipient && limits.onward !== 'NONE')
    for (const name of limits.onward)
      if (name !== wants.recipient_class) found.push('out_of_scope');
  if (!wants.purposes.includes(purpose.code)) found.push('out_of_scope');
  if (purpose.code === 'F2' && !late) found.push('out_of_scope');
  // The registry stores: QUERY and VIEW do not let it.
  if (wants === STORING && limits.mode !== 'STORE') found.push('out_of_scope');

  // Which data: products, accounts, periods, classes (order 4 of 2021, article 7).
  if (!data.products.includes(row.kind)) found.push('out_of_scope');
  if (data.accounts !== 'ALL' && !data.accounts.includes(row.account)) found.push('out_of_scope');
  if (data.range_from !== null && row.period < data.range_from) found.push('out_of_scope');
  if (data.range_to !== null && row.period > data.range_to) found.push('out_of_scope');
  if (!data.classes.includes('MONTHLY_PERFORMANCE')) found.push('out_of_scope');
  const before = row.period < limits.starts_at.slice(0, 7);
  if (before && !data.classes.includes('HISTORY')) found.push('out_of_scope');

  // Account Aggregator templates CT003 and CT035.
  if (limits.condition === 'LOAN_ACTIVE' && !row.open) found.push('out_of_scope');
  if (limits.condition === 'OVERDUE_GT_1D' && row.days_past_due <= 1) found.push('out_of_scope');

  // Account Aggregator 2017 and 2018: one time is once; so many times in a unit, no more.
  const used = approval.uses.filter((each) => each.use_id !== scene.use_id && each.used_at <= now);
  if (limits.fetch === 'ONETIME' && used.length > 0) found.push('limit_reached');
  if (limits.frequency !== null) {
    const since = unitBefore(now, limits.frequency.unit);
    const lately = used.filter((each) => each.used_at > since);
    if (lately.length >= limits.frequency.n) found.push('limit_reached');
  }
  return found;
}

/** How far an approval got that does not cover the row; the one that got furthest speaks. */
type Standing = 'nobodys' | 'not_theirs' | 'replaced' | 'ended' | 'in_force';
const FURTHEST_FIRST: readonly Standing[] = [
  'in_force',
  'ended',
  'replaced',
  'not_theirs',
  'nobodys',
];

interface Failure {
  readonly standing: Standing;
  readonly reasons: readonly string[];
}

const isMinor = (row: Row, scene: Scene) =>
  row.adult_from !== null && scene.now.slice(0, 10) < row.adult_from;

/** What may be said of one approval alone; null: it covers the row. */
function failureOf(
  approval: Approval,
  state: string,
  all: readonly Approval[],
  row: Row,
  scene: Scene,
  law: Law,
): Failure | null {
  // PIPL 31, GDPR 8 and the like: nobody under age answers; a guardian, where the law knows one.
  const guarded = approval.terms.principal.on_behalf_of !== null;
  if (isMinor(row, scene) && !(guarded && law.guardian_may_answer))
    return { standing: 'nobodys', reasons: ['minor'] };
  if (guarded && !law.guardian_may_answer)
    return { standing: 'not_theirs', reasons: ['out_of_scope'] };
  if (state === 'superseded') return { standing: 'replaced', reasons: ['invalidated'] };
  if (state !== 'given') return { standing: 'ended', reasons: [state] };
  const reasons = obstacles(approval, all, row, scene, law);
  return reasons.length === 0 ? null : { standing: 'in_force', reasons };
}

/** The law of the place, if there is one and it has begun. A gap is never an allowance. */
function lawInForce({ law, now }: Scene): Law | null {
  return law !== null && law.effective_from <= now.slice(0, 10) ? law : null;
}

/** The verdict over one row. @param all every approval of the person, of whatever provider */
export function judge(all: readonly Approval[], row: Row, scene: Scene): Verdict {
  const law = lawInForce(scene);
  if (law === null) return { covering: [], reasons: ['no_profile'] };

  const covering: string[] = [];
  const failures: Failure[] = [];
  for (const approval of all) {
    // Only what this provider was approved to give to the registry is looked at.
    if (approval.terms.parties.provider_id !== scene.provider_id) continue;
    if (approval.terms.parties.recipient_class !== 'registry') continue;
    const state = stateAt(approval, scene.now);
    if (state === null) continue;
    const failure = failureOf(approval, state, all, row, scene, law);
    if (failure === null) covering.push(approval.terms.authorisation_id);
    else failures.push(failure);
  }
  if (covering.length > 0) return { covering, reasons: [] };
  for (const standing of FURTHEST_FIRST) {
    const reasons = failures
      .filter((each) => each.standing === standing)
      .flatMap((each) => each.reasons);
    if (reasons.length > 0) return { covering, reasons };
  }
  return { covering, reasons: [isMinor(row, scene) ? 'minor' : 'never_asked'] };
}

/** Whether one named approval covers the row: what the registry asks of what it receives. */
export function covers(
  id: string,
  all: readonly Approval[],
  row: Row,
  scene: Scene,
): { readonly covered: boolean; readonly reasons: readonly string[] } {
  const law = lawInForce(scene);
  if (law === null) return { covered: false, reasons: ['no_profile'] };
  const approval = all.find((each) => each.terms.authorisation_id === id);
  const state = approval ? stateAt(approval, scene.now) : null;
  if (!approval || state === null) return { covered: false, reasons: ['never_asked'] };
  const failure = failureOf(approval, state, all, row, scene, law);
  return { covered: failure === null, reasons: failure?.reasons ?? [] };
}
