/**
 * What a person can do about their file, over HTTP: disputes with evidence, statements,
 * protection, "not me".
 *
 * What must stay true: a mistake in a form comes back with the form; whatever was done is answered
 * by a redirect; sent twice it is done once, because the second finds it done.
 */
import type { FastifyRequest } from 'fastify';
import { letterOf } from '../model/dispute-letter.ts';
import { AssentError } from '../model/error.ts';
import { BLOCK_KINDS, type BlockKind } from '../model/file-facts.ts';
import type { Language } from '../model/notice.ts';
import type { ReportAccount } from '../model/report-document.ts';
import { claimChoices, claimedValue } from '../pages/claim-values.ts';
import { type ClaimForm, claimPage, disputePage, disputesPage } from '../pages/dispute-pages.ts';
import { accountName } from '../pages/file-blocks.ts';
import { protectionPage } from '../pages/protection-page.ts';
import { RIGHTS_WORDS } from '../pages/rights-words.ts';
import { statementPage } from '../pages/statement-page.ts';
import { activeBlocks, BLOCK_REASONS, liftBlock, placeBlock } from '../registry/blocks.ts';
import { outcomeOf } from '../registry/dispute-views.ts';
import { disputeLook, openDispute, withdrawDispute } from '../registry/disputes.ts';
import { readOwnFile } from '../registry/own-report.ts';
import { ownDisputes, statementWords } from '../registry/own-rights.ts';
import type { Registry } from '../registry/registry.ts';
import { listStatements, makeStatement, withdrawStatement } from '../registry/statements.ts';
import { GROUND } from '../registry/theft-blocks.ts';
import { ACCOUNT_FIELDS, MONTH_FIELDS } from '../wire/claim.ts';
import type { Server } from './instance.ts';
import { subjectOf } from './me-schema.ts';
import {
  claimProblemOf,
  type Form,
  fieldOf,
  filesOf,
  formOf,
  goTo,
  languageOf,
  own,
  PREFIX,
  sendPage,
  viewOf,
  WITH_FILES,
} from './me-scope.ts';

const idOf = (request: FastifyRequest) => (request.params as { id: string }).id;

/** What was just done, in words; the address names it. */
function doneOf(request: FastifyRequest): string | null {
  const { done } = request.query as { done?: unknown };
  const words = RIGHTS_WORDS[languageOf(request, null)];
  const said: Readonly<Record<string, string>> = {
    disputed: words.disputeMade,
    dropped: words.disputeWithdrawn,
    stated: words.statementMade,
    taken: words.statementTaken,
    placed: words.placed,
    lifted: words.lifted,
    case: words.notMeMade,
  };
  return typeof done === 'string' && Object.hasOwn(said, done) ? (said[done] ?? null) : null;
}

function addDisputes(scope: Server, registry: Registry): void {
  scope.get('/disputes', own, async (request, reply) => {
    const disputes = await ownDisputes(registry, subjectOf(request).subject_id, null);
    const view = await viewOf(registry, request, { done: doneOf(request) });
    const lines = disputes.map((each) => ({
      ...each,
      letter: letterOf(outcomeOf(registry, each), view.language),
    }));
    return sendPage(reply, disputesPage(view, lines));
  });
  scope.get('/disputes/:id', own, async (request, reply) => {
    const [dispute] = await ownDisputes(registry, subjectOf(request).subject_id, idOf(request));
    if (!dispute) throw new AssentError('dispute_unknown');
    const view = await viewOf(registry, request, { done: doneOf(request) });
    return sendPage(
      reply,
      disputePage(view, dispute, letterOf(outcomeOf(registry, dispute), view.language)),
    );
  });
  scope.post('/disputes/:id/withdraw', own, async (request, reply) => {
    const form = formOf(registry, request);
    await done(
      'dispute_ended',
      withdrawDispute(registry, subjectOf(request).subject_id, idOf(request)),
    );
    return goTo(reply, request, form, `${PREFIX}/disputes/${idOf(request)}?done=dropped`);
  });
  scope.post('/looks/:id/not-me', own, async (request, reply) => {
    const form = formOf(registry, request);
    await done(
      'claim_running',
      disputeLook(registry, subjectOf(request).subject_id, idOf(request)),
    );
    return goTo(reply, request, form, `${PREFIX}/disputes?done=case`);
  });
}

/** Waits; that it was done already is as good. */
async function done(code: AssentError['code'], doing: Promise<unknown>): Promise<void> {
  await doing.catch((error: unknown) => {
    if (!(error instanceof AssentError && error.code === code)) throw error;
  });
}

const PERIOD = /^\d{4}-\d{2}$/;

interface ClaimPlace {
  readonly account: ReportAccount;
  readonly period: string | null;
}

/** What a form or an address names, if the file holds it. @throws not_found */
async function placeOf(
  registry: Registry,
  subjectId: string,
  named: { readonly account: string; readonly period: string },
): Promise<ClaimPlace> {
  const { document } = await readOwnFile(registry, subjectId, 'disputes');
  const account = document.accounts?.find((each) => each.account_id === named.account);
  const period = PERIOD.test(named.period) ? named.period : null;
  const isHeld = period === null || account?.months.some((month) => month.period === period);
  if (!account || !isHeld) throw new AssentError('not_found');
  return { account, period };
}

function claimForm(
  language: Language,
  { account, period }: ClaimPlace,
  sent: Pick<ClaimForm, 'chosen' | 'value' | 'theft' | 'problem'>,
): ClaimForm {
  const fields = period === null ? ACCOUNT_FIELDS : MONTH_FIELDS;
  return {
    account: { account_id: account.account_id, name: accountName(account) },
    period,
    choices: claimChoices(language, account, period, fields),
    ...sent,
  };
}

function addClaiming(scope: Server, registry: Registry): void {
  scope.get('/disputes/new', own, async (request, reply) => {
    const { account, period } = request.query as Record<string, unknown>;
    const named = { account: String(account ?? ''), period: String(period ?? '') };
    const place = await placeOf(registry, subjectOf(request).subject_id, named);
    const view = await viewOf(registry, request);
    const sent = { chosen: '', value: '', theft: false, problem: null };
    return sendPage(reply, claimPage(view, claimForm(view.language, place, sent)));
  });
  scope.post('/disputes', WITH_FILES, async (request, reply) => {
    const form = formOf(registry, request);
    const { subject_id } = subjectOf(request);
    const named = { account: fieldOf(form, 'account'), period: fieldOf(form, 'period') };
    const place = await placeOf(registry, subject_id, named);
    const [chosen, value] = [fieldOf(form, 'field'), fieldOf(form, 'value')];
    const theft = fieldOf(form, 'theft') !== '';
    const isWhole = chosen === 'month' || chosen === 'account';
    const claim = {
      field: chosen,
      account_id: place.account.account_id,
      period: place.period,
      claimed_value: isWhole ? null : claimedValue(chosen, value, place.account.currency),
      evidence: await filesOf(form, 'files'),
    };
    try {
      const { dispute_id } = await openDispute(registry, subject_id, {
        claims: [claim],
        ground: theft ? GROUND : null,
      });
      return goTo(reply, request, form, `${PREFIX}/disputes/${dispute_id}?done=disputed`);
    } catch (error) {
      const problem = claimProblemOf(error, chosen);
      const view = await viewOf(registry, request, { form });
      const page = claimForm(view.language, place, { chosen, value, theft, problem });
      return sendPage(reply, claimPage(view, page), 422);
    }
  });
}

/** The page of statements, with what was sent when it was wrong. */
async function statements(
  registry: Registry,
  request: FastifyRequest,
  over: { readonly form?: Form; readonly sent: { text: string; account_id: string } | null },
): Promise<string> {
  const { subject_id } = subjectOf(request);
  const { document } = await readOwnFile(registry, subject_id, 'file');
  const accounts = (document.accounts ?? []).map((each) => ({
    account_id: each.account_id,
    name: accountName(each),
  }));
  const nameOf = (id: string | null) =>
    accounts.find(({ account_id }) => account_id === id)?.name ?? null;
  const standing = await listStatements(registry, subject_id);
  const view = await viewOf(registry, request, {
    form: over.form ?? null,
    done: doneOf(request),
  });
  return statementPage({
    ...view,
    accounts,
    statements: standing.map((each) => ({ ...each, about: nameOf(each.account_id) })),
    words_max: statementWords(registry),
    sent: over.sent,
  });
}

function addStatements(scope: Server, registry: Registry): void {
  scope.get('/statement', own, async (request, reply) =>
    sendPage(reply, await statements(registry, request, { sent: null })),
  );
  scope.post('/statement', own, async (request, reply) => {
    const form = formOf(registry, request);
    const [text, account_id] = [fieldOf(form, 'text'), fieldOf(form, 'account')];
    const { subject_id } = subjectOf(request);
    const language = languageOf(request, form);
    try {
      const standing = await listStatements(registry, subject_id);
      const isSaid = standing.some((each) => each.text === text.normalize('NFC'));
      const wish = { text, language, account_id: account_id || null };
      if (!isSaid) await makeStatement(registry, subject_id, wish);
    } catch (error) {
      if (!(error instanceof AssentError && error.code === 'statement_invalid')) throw error;
      const sent = { text, account_id };
      return sendPage(reply, await statements(registry, request, { form, sent }), 422);
    }
    return goTo(reply, request, form, `${PREFIX}/statement?done=stated`);
  });
  scope.post('/statement/:id/withdraw', own, async (request, reply) => {
    const form = formOf(registry, request);
    await withdrawStatement(registry, subjectOf(request).subject_id, idOf(request));
    return goTo(reply, request, form, `${PREFIX}/statement?done=taken`);
  });
}

async function protection(
  registry: Registry,
  request: FastifyRequest,
  over: { readonly form?: Form; readonly wrong: BlockKind | null },
): Promise<string> {
  const { subject_id } = subjectOf(request);
  const blocks = await activeBlocks(registry.db, subject_id, registry.now());
  const view = await viewOf(registry, request, { form: over.form ?? null, done: doneOf(request) });
  return protectionPage({ ...view, blocks, wrong: over.wrong });
}

function addProtection(scope: Server, registry: Registry): void {
  scope.get('/protection', own, async (request, reply) =>
    sendPage(reply, await protection(registry, request, { wrong: null })),
  );
  scope.post('/protection/:id', own, async (request, reply) => {
    const form = formOf(registry, request);
    const kind = BLOCK_KINDS.find((each) => each === idOf(request));
    if (!kind) throw new AssentError('not_found');
    const reason = BLOCK_REASONS.find((each) => each === fieldOf(form, 'reason')) ?? 'other';
    const months = fieldOf(form, 'months');
    const isBan = kind === 'credit_ban' && months !== '';
    if (isBan && !/^(?:[1-9]\d{0,2}|1[01]\d\d|1200)$/.test(months))
      return sendPage(reply, await protection(registry, request, { form, wrong: kind }), 422);
    const wish = { kind, reason, months: isBan ? Number(months) : null };
    await placeBlock(registry, subjectOf(request).subject_id, wish);
    return goTo(reply, request, form, `${PREFIX}/protection?done=placed`);
  });
  scope.post('/protection/:id/lift', own, async (request, reply) => {
    const form = formOf(registry, request);
    await liftBlock(registry, subjectOf(request).subject_id, idOf(request));
    return goTo(reply, request, form, `${PREFIX}/protection?done=lifted`);
  });
}

/** Adds the pages of a person's rights to the scope of own pages. */
export function addRightsPages(scope: Server, registry: Registry): void {
  addDisputes(scope, registry);
  addClaiming(scope, registry);
  addStatements(scope, registry);
  addProtection(scope, registry);
}
