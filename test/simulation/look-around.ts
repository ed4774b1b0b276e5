/**
 * The steps of an episode in which enquirers look, several at once, by permit and by enquiry.
 *
 * What must stay true: of looks that come together the oracle knows how many may be let through,
 * not which; what each is shown is compared month by month; a use is counted once however often
 * it is asked for.
 */
import { reportRulesOf } from '../../src/authorisation/report-rules.ts';
import type { ReportDocument } from '../../src/model/report-document.ts';
import { type Answered, answerText } from '../../src/registry/answer-looks.ts';
import { enquire } from '../../src/registry/enquiries.ts';
import { claimPermit } from '../../src/registry/permits.ts';
import { compareHeld, type Run } from './hand-over-steps.ts';
import { shownOf } from './held-check.ts';
import { fail } from './knowledge.ts';
import type { Person } from './ledger.ts';
import { judgeLook, type LookVerdict, type ShownAccount, usesLeft } from './look-oracle.ts';
import { approvalOf, changeLook, LOOKS, type LookAnswer, wordsOf } from './look-steps.ts';
import { type Approval, type Law, type Scene, stateAt } from './oracle.ts';
import { say, tick } from './steps.ts';
import { checkLookUses } from './uses-check.ts';

interface Question {
  readonly look: LookAnswer;
  readonly scene: Scene;
  readonly file: readonly ShownAccount[];
  readonly own: readonly Approval[];
}

/** Who is looked at: mostly somebody whose leave is in force, and of whom there is something. */
function pickLook({ world, looks, random, ledgers }: Run): LookAnswer | null {
  const inForce = looks.filter((each) => stateAt(approvalOf(each), world.clock) === 'given');
  const telling = inForce.filter(({ person }) => shownOf(world, ledgers, person).length > 0);
  // What was used, or was let through before something happened to it, is asked for again.
  const used = looks.filter(({ uses }) => uses.length > 0);
  const from =
    used.length > 0 && random.chance(0.25)
      ? used
      : [telling, inForce, looks].find((list) => list.length > 0 && random.chance(0.8));
  const list = from ?? looks;
  return list[random.between(0, Math.max(0, list.length - 1))] ?? null;
}

/** Everything a look is judged by, as it stands. */
function questionOf(run: Run, look: LookAnswer, purposes: readonly string[]): Question {
  const { world, ledgers, looks } = run;
  const { person, enquirer } = look;
  const own = looks
    .filter((each) => each.person === person && each.enquirer === enquirer)
    .map(approvalOf);
  const scene = {
    now: world.clock,
    use_id: '',
    provider_id: world.registry.registry_id,
    law: world.registry.profile as Law | null,
    notices: world.notices,
    wants: {
      ...{ recipient_class: 'lender', recipient_id: world.enquirers[enquirer]?.id ?? '' },
      purposes,
    },
  };
  return { look, scene, file: shownOf(world, ledgers, person), own };
}

/** How many of so many looks are let through, and why the others are not. */
function expectedOf({ look, scene, file, own }: Question, asked: number) {
  const verdict = judgeLook(approvalOf(look), own, file, scene);
  const isOpen = verdict.open.length > 0;
  const left = usesLeft(approvalOf(look), scene.now);
  return { verdict, allowed: isOpen ? Math.min(asked, left) : 0 };
}

/** What may be said of a look that is not let through: what is open was used up. */
const whyNot = ({ open, reasons }: LookVerdict): readonly string[] =>
  open.length > 0 ? ['limit_reached', ...reasons] : reasons;

const askFor = (run: Run, look: LookAnswer) =>
  run.random.chance(0.4) ? permitSome(run, look) : enquireSome(run, look);

/** Many look, some of them at once. */
export async function lookAround(run: Run): Promise<void> {
  await compareHeld(run);
  for (let n = run.random.between(4, 12); n > 0; n -= 1) {
    const look = pickLook(run);
    if (look) await askFor(run, look);
    tick(run, 0);
  }
  await checkLookUses(run);
}

/** Leave to look changes; the enquirer looks at that moment, by the old leave and by the new. */
export async function changeThenLook(run: Run): Promise<void> {
  const { random, looks } = run;
  const look = await changeLook(run);
  if (!look || !random.chance(0.6)) return;
  if (random.chance(0.5)) tick(run, 0);
  await compareHeld(run);
  const [old, next] = [look, looks.find((each) => each.before === look)];
  for (const each of next ? [next, old] : [old]) await askFor(run, each);
  await checkLookUses(run);
}

/** Some ask leave to look, at once; one of them twice. */
async function permitSome(run: Run, look: LookAnswer): Promise<void> {
  const { random, world, tally } = run;
  const purpose = random.chance(0.8) ? look.record.purpose.code : random.pick(LOOKS);
  const question = questionOf(run, look, [purpose]);
  const { scene } = question;
  const uses = Array.from({ length: random.between(1, 5) }, () => random.uuid());
  const claim = (use_id: string) =>
    claimPermit(world.registry, {
      ...{ enquirer_id: scene.wants?.recipient_id ?? '', use_id },
      ...{ authorisation_id: look.record.authorisation_id, purpose },
    });
  const { verdict, allowed } = expectedOf(question, uses.length);
  const answers = await Promise.all([...uses, ...uses.slice(0, 1)].map(claim));
  say(
    run,
    `${wordsOf(look)} permits for ${purpose}: ${answers.map(({ reason }) => reason ?? 'yes')}`,
  );
  const winners = new Set(answers.filter(({ permitted }) => permitted).map(({ use_id }) => use_id));
  const facts = { ...question, verdict, allowed, answers };
  if (winners.size !== allowed) fail('other permits than the oracle gives', facts);
  const opened = question.file.length === 0 ? 0 : verdict.open.length;
  for (const { permitted, accounts, reason } of answers) {
    if (permitted && accounts !== opened) fail('a permit opens other accounts', facts);
    if (!permitted && !whyNot(verdict).includes(reason ?? '')) fail(`${reason} is not why`, facts);
  }
  for (const use_id of winners) look.uses.push({ use_id, used_at: world.clock });
  tally.looks += answers.length;
  tally.seen += winners.size;
  const [winner] = winners;
  if (winner === undefined || !random.chance(0.5)) return;
  if (!(await claim(winner)).permitted) fail('the same look is another one', facts);
}

/** The account numbers of the lenders, by those of the registry; with how many there are of a person. */
async function accountsOf(run: Run, person: Person) {
  const { world } = run;
  const { rows } = await world.registry.db.query<{ account_id: string; ref: string }>(
    'select account_id, account_ref as ref from account_locator',
  );
  const names = new Map<string, string>();
  for (const { db } of world.gateways) {
    const known = await db.query<{ account_id: string; account_ref: string }>(
      'select account_id, account_ref from account',
    );
    for (const { account_id, account_ref } of known.rows) names.set(account_id, account_ref);
  }
  const isTheirs = (ref: string) => ref.slice(2).startsWith(`p${person.number}a`);
  const there = rows.map((row) => ({ id: row.account_id, ref: names.get(row.ref) ?? '' }));
  return there.filter(({ ref }) => isTheirs(ref));
}

interface Asked {
  readonly question: Question;
  readonly verdict: LookVerdict;
  /** How many of them may be let through. */
  readonly allowed: number;
  /** The registry knows an account of the person. */
  readonly isHit: boolean;
  /** A report is an answer to what it is for. */
  readonly isKnownPurpose: boolean;
  readonly answers: readonly Answered[];
}

/** Those let through are as many as may be, and the others hear why not. @returns those */
function checkOutcomes(asked: Asked, facts: object): Answered[] {
  const { verdict, allowed, isHit, isKnownPurpose, answers } = asked;
  const through = answers.filter(({ reason }) => reason === (isHit ? null : 'no_hit'));
  if (through.length !== (isKnownPurpose ? allowed : 0))
    fail('other looks than the oracle gives', facts);
  const reasons = isKnownPurpose ? whyNot(verdict) : ['purpose_not_permitted'];
  for (const { reason } of answers.filter((each) => !through.includes(each)))
    if (!reasons.includes(reason ?? '')) fail(`${reason} is not why`, facts);
  return through;
}

/** A report shows the accounts and months that the oracle opens, and no others. @returns months */
function checkReport(
  text: string,
  { question, verdict }: Asked,
  names: ReadonlyMap<string, string>,
  facts: object,
): number {
  const { accounts } = JSON.parse(text) as ReportDocument;
  const shown = (accounts ?? []).flatMap(({ account_id, months }) => [
    names.get(account_id),
    ...months.map(({ period, revision }) => `${names.get(account_id)} ${period} ${revision}`),
  ]);
  // Where there is nothing to show, what is open is no account.
  const open = question.file.length > 0 ? verdict.open : [];
  const expected = open.flatMap(({ ref, months }) => [
    ref,
    ...months.map(({ period, revisions }) => `${ref} ${period} ${revisions.at(-1)?.revision}`),
  ]);
  if (JSON.stringify(shown.sort()) !== JSON.stringify(expected.sort()))
    fail('a report shows other months than it may', { ...facts, shown, expected });
  return shown.length;
}

/** Some enquire, at once; what each is shown is compared. */
async function enquireSome(run: Run, look: LookAnswer): Promise<void> {
  const { random, world, tally } = run;
  const known = reportRulesOf(world.registry.profile)?.purposes ?? [];
  const fit = known.filter(({ looks }) => looks.some((code) => code === look.record.purpose.code));
  const [first, ...others] = fit.length > 0 && random.chance(0.8) ? fit : known;
  if (!first) return;
  const purpose = random.pick([first, ...others]);
  // E1 is answered with a score, and everything else with a report.
  const looks = purpose.looks.filter((code) => code !== 'E1');
  const question = questionOf(run, look, looks);
  const { scene } = question;
  const there = await accountsOf(run, look.person);
  const uses = Array.from({ length: random.between(1, 3) }, () => random.uuid());
  const request = (use_id: string) => ({
    ...{ enquirer_id: scene.wants?.recipient_id ?? '', use_id, person: null },
    ...{ authorisation_id: look.record.authorisation_id, purpose: purpose.code },
    form: 'full' as const,
  });
  const expected = expectedOf(question, uses.length);
  const answers = await Promise.all(uses.map((id) => enquire(world.registry, request(id))));
  const reasons = answers.map(({ reason }) => reason ?? 'yes');
  say(run, `${wordsOf(look)} enquires, ${purpose.code}: ${reasons}`);
  const facts = { ...question, ...expected, there, reasons };
  const [isHit, isKnownPurpose] = [there.length > 0, looks.length > 0];
  const asked = { question, ...expected, isHit, isKnownPurpose, answers };
  const through = checkOutcomes(asked, facts);
  const names = new Map(there.map(({ id, ref }) => [id, ref]));
  for (const { report } of through)
    if (report) tally.shown += checkReport(report.text, asked, names, facts);
  for (const [n, answer] of answers.entries())
    if (through.includes(answer)) look.uses.push({ use_id: uses[n] ?? '', used_at: world.clock });
  tally.looks += answers.length;
  tally.seen += through.length;
  const [use_id] = uses;
  const [before] = answers;
  if (use_id === undefined || !before || !random.chance(0.4)) return;
  const again = await enquire(world.registry, request(use_id));
  if (answerText(again) !== answerText(before)) fail('the same enquiry has another answer', facts);
}
