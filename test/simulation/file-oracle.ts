/**
 * The oracle of the file: what the registry may keep of what it was given, what it may show, and
 * what it must say of what is missing, worked out slowly from the events alone.
 *
 * What must stay true: nothing of `src/` is imported. Source: domain facts 3.7 (a) to (e), 2.1
 * C4, C20, C24, 2.2 U2; the table of effects in docs/FEED.md.
 */
import { type Approval, covers, monthsLater, type Scene, stateAt } from './oracle.ts';

/** One revision of a month, and the approval under which it came. */
export interface Revision {
  readonly revision: number;
  readonly authorisation_id: string;
  readonly days_past_due: number;
  readonly open: boolean;
}

/** A month at the registry; the newest revision is the last. */
export interface Held {
  readonly account: string;
  readonly kind: string;
  readonly period: string;
  readonly revisions: readonly Revision[];
  /** When its clock started, as it was when others of the account were erased. */
  readonly kept_clock?: string;
}

/** The values of a profile that say what becomes of what is held. */
export interface FileLaw {
  readonly name: string;
  readonly withdrawal_effect: string;
  readonly effect_after: readonly string[];
  readonly adverse_retention: { readonly months: number; readonly from: string };
}

/** The registry at one moment. `scene.provider_id` is the lender of the account. */
export interface FileScene extends Scene {
  readonly keeping: FileLaw;
}

/** Each is stricter for the one who holds the data than the one before it. */
const LAX_FIRST = ['STOP_NEW', 'STOP_AND_RESTRICT', 'STOP_AND_ERASE'];
/** Where the profile has another word for a state. */
const PROFILE_WORD: Readonly<Record<string, string>> = { revoked: 'revoked_by_other' };

/** What is known of an approval at a moment, in words; empty: nothing. */
function statesUntil(approval: Approval, now: string): { state: string; at: string }[] {
  const known = approval.happenings.filter((each) => each.recorded_at <= now);
  return known.flatMap((each, index) => {
    const until = { ...approval, happenings: known.slice(0, index + 1) };
    const state = stateAt(until, now);
    return state === null ? [] : [{ state, at: each.at }];
  });
}

/**
 * What its end does to the months held under an approval; null: nothing. Withdrawn is the
 * person's word; other ends count where the law of the place says so. The stricter of what was
 * agreed and what the law says.
 */
function ownEffectOf(approval: Approval, scene: FileScene): string | null {
  const { keeping, now } = scene;
  const ends = statesUntil(approval, now).filter(
    ({ state }) =>
      state === 'withdrawn' || keeping.effect_after.includes(PROFILE_WORD[state] ?? state),
  );
  if (ends.length === 0) return null;
  const agreed = LAX_FIRST.indexOf(approval.terms.withdrawal.effect);
  const law = LAX_FIRST.indexOf(keeping.withdrawal_effect);
  return LAX_FIRST[Math.max(agreed, law)] ?? null;
}

const isSameArrangement = (left: Approval, right: Approval) =>
  left.terms.arrangement_id === right.terms.arrangement_id &&
  left.terms.parties.provider_id === right.terms.parties.provider_id;

/** Whether the end of another, of which the registry heard at this moment, ends this one as well. */
function isReached(approval: Approval, ended: Approval, at: string): boolean {
  return isSameArrangement(approval, ended) && stateAt(approval, at) === 'superseded';
}

/**
 * What has become of the months held under an approval: by its own end, and by that of one in the
 * same arrangement when this one was superseded. The strictest holds.
 */
function effectOf(approval: Approval, all: readonly Approval[], scene: FileScene): string | null {
  const effects = [ownEffectOf(approval, scene)];
  for (const other of all) {
    if (other === approval || !isSameArrangement(approval, other)) continue;
    let before: string | null = null;
    for (const { recorded_at } of other.happenings.filter(
      (each) => each.recorded_at <= scene.now,
    )) {
      const effect = ownEffectOf(other, { ...scene, now: recorded_at });
      if (effect !== before && isReached(approval, other, recorded_at)) effects.push(effect);
      before = effect;
    }
  }
  const ranks = effects.map((effect) => LAX_FIRST.indexOf(effect ?? ''));
  return LAX_FIRST[Math.max(...ranks)] ?? null;
}

const newest = ({ revisions }: Held): Revision => {
  const last = revisions.at(-1);
  if (!last) throw new Error('a month without a revision');
  return last;
};
/** Every month of the simulation is furnished as of its 28th. */
const asOf = ({ period }: Held) => `${period}-28T00:00:00.000Z`;
const isLate = (month: Held) => newest(month).days_past_due > 0;

/**
 * The statutory clock of a late month. Order 631, article 16: from the end of the event, which is
 * the first month afterwards that is not late; FCRA 605: from the first of the late months in a
 * row. While no end is known, the newest month stands for it.
 */
export function clockRuns(month: Held, account: readonly Held[], scene: FileScene): boolean {
  if (!isLate(month)) return false;
  const { months, from } = scene.keeping.adverse_retention;
  return scene.now < monthsLater(clockStart(month, account, from), months);
}

const afterIt = (month: Held, account: readonly Held[]) =>
  account.filter((each) => each.period > month.period);

function clockStart(month: Held, account: readonly Held[], from: string): string {
  if (from === 'end_of_event') {
    const after = afterIt(month, account);
    const ended = after.find((later) => !isLate(later)) ?? after.at(-1) ?? month;
    return month.kept_clock ?? asOf(ended);
  }
  let first = month;
  for (const earlier of account.filter((each) => each.period < month.period).reverse()) {
    // What was kept of a run says when that began, whatever has gone before it.
    if (first.kept_clock !== undefined || !isLate(earlier)) break;
    first = earlier;
  }
  return first.kept_clock ?? asOf(first);
}

/**
 * The start of a late month's clock that no erasure of others may move; undefined while its event
 * goes on.
 */
export function settledClock(
  month: Held,
  account: readonly Held[],
  from: string,
): string | undefined {
  if (!isLate(month)) return undefined;
  const goesOn = afterIt(month, account).every(isLate);
  return from === 'end_of_event' && goesOn ? undefined : clockStart(month, account, from);
}

/**
 * China's credit repair: what was late by little from 2020 to 2025, and repaid by the end of March
 * 2026, is not displayed from 2026 on. In the simulation a late month is late by half a yuan, of
 * which only an open account tells.
 */
function isRepaired(month: Held, account: readonly Held[], { keeping, now }: FileScene): boolean {
  const isRepaid = account.some(
    (later) => later.period > month.period && later.period <= '2026-03' && !isLate(later),
  );
  const isSpoken = newest(month).open && month.period >= '2020-01' && month.period <= '2025-12';
  return keeping.name === 'CN' && isLate(month) && isSpoken && isRepaid && now >= '2026-01-01';
}

/** Some approval of this lender covers the month now: the law of storing is that of showing. */
function isCovered(month: Held, all: readonly Approval[], scene: FileScene): boolean {
  const { days_past_due, open } = newest(month);
  const { account, kind, period } = month;
  // The registry looks at no birth date here.
  const row = { account, kind, period, days_past_due, open, adult_from: null };
  return all
    .filter(({ terms }) => terms.parties.provider_id === scene.provider_id)
    .some(({ terms }) => covers(terms.authorisation_id, all, row, scene).covered);
}

function effectOn(month: Held, all: readonly Approval[], scene: FileScene): string | null {
  const { authorisation_id } = newest(month);
  const under = all.find(({ terms }) => terms.authorisation_id === authorisation_id);
  return under ? effectOf(under, all, scene) : null;
}

/** Whether a month that is held may be shown. @param account all months held of the account */
export function isShown(
  month: Held,
  account: readonly Held[],
  all: readonly Approval[],
  scene: FileScene,
): boolean {
  // Purged or not, what is obsolete is shown to nobody.
  if (isLate(month) && !clockRuns(month, account, scene)) return false;
  if (isRepaired(month, account, scene)) return false;
  const effect = effectOn(month, all, scene);
  if (effect === null || effect === 'STOP_NEW') return true;
  return clockRuns(month, account, scene) || isCovered(month, all, scene);
}

/** Ends after which nobody takes the place of what has ended. */
const FINAL = ['expired', 'revoked', 'invalidated', 'withdrawn'];

/**
 * Whether the end of this approval, which is known since this moment, erases the month: what stands
 * under whatever is to be erased goes as soon as nothing covers it any more.
 */
export function isErased(
  month: Held,
  ended: Approval,
  account: readonly Held[],
  all: readonly Approval[],
  scene: FileScene,
): boolean {
  if (ended.terms.parties.recipient_class !== 'registry') return false;
  if (!FINAL.includes(stateAt(ended, scene.now) ?? '')) return false;
  if (effectOn(month, all, scene) !== 'STOP_AND_ERASE') return false;
  return !clockRuns(month, account, scene) && !isCovered(month, all, scene);
}

/** Since when the person wants nothing held under it to be shown; null: they said nothing of it. */
function withdrawnSince(approval: Approval, all: readonly Approval[], now: string): string | null {
  const moments = all.flatMap((other) => {
    const own = other.happenings.find(
      (each, n) =>
        each.recorded_at <= now &&
        each.type === 'withdrawn' &&
        other.happenings.slice(0, n).every(({ type }) => type !== 'withdrawn'),
    );
    if (!own) return [];
    const isItself = other === approval;
    return isItself || isReached(approval, other, own.recorded_at) ? [own.at] : [];
  });
  return moments.sort()[0] ?? null;
}

/**
 * Since when the history is incomplete by the person's own choice, `YYYY-MM-DD`; null: it is not.
 * Another approval in force from the same lender, for the purpose and the products, makes it whole.
 */
export function incompleteSince(all: readonly Approval[], now: string): string | null {
  const withdrawn = all.flatMap((approval) => {
    if (approval.terms.parties.recipient_class !== 'registry') return [];
    const since = withdrawnSince(approval, all, now);
    if (since === null) return [];
    const { parties, purpose, data } = approval.terms;
    const isWhole = all.some(
      (other) =>
        stateAt(other, now) === 'given' &&
        other.terms.parties.provider_id === parties.provider_id &&
        other.terms.purpose.code === purpose.code &&
        data.products.every((product) => other.terms.data.products.includes(product)),
    );
    return isWhole ? [] : [since.slice(0, 10)];
  });
  return withdrawn.sort()[0] ?? null;
}
