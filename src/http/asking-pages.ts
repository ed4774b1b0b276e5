/**
 * The asking page over HTTP: for people with a browser, not for programs. Whoever has the link is
 * the person; there is no login, no cookie and no script.
 *
 * What must stay true: every answer is a page, failures included; a link that does not open gives
 * one and the same page whatever the reason; nothing is kept by a cache, told to another site or
 * drawn inside another page; the token appears in no log, because logs name route patterns alone.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import {
  answerRequest,
  type Choice,
  markShown,
  type OpenRequest,
  openRequest,
  withdrawApprovals,
} from '../gateway/answering.ts';
import { linkPath } from '../gateway/asking.ts';
import type { Gateway } from '../gateway/gateway.ts';
import { pageHash, textOf } from '../gateway/offer.ts';
import { isLanguage, type Language } from '../model/notice.ts';
import { askingPage, isInForce } from '../pages/asking-page.ts';
import { type FailureReason, failurePage } from '../pages/failure-page.ts';
import { receiptDocument, receiptPage } from '../pages/receipt-page.ts';
import { STYLE } from '../pages/style.ts';
import type { RequestView } from '../pages/view.ts';
import { withdrawPage } from '../pages/withdraw-page.ts';
import type { Server } from './instance.ts';
import { codeOf, logged } from './problem.ts';

const PREFIX = '/ask';
/** A form of every purpose there is stays far below. */
const FORM_BYTES = 16 * 1024;
/** Pages a minute and address: a family behind one address, not somebody trying tokens. */
const PAGES_PER_MINUTE = 240;

const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64');
const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
  'cross-origin-opener-policy': 'same-origin',
  'x-robots-tag': 'noindex, nofollow, noarchive',
  vary: 'Accept-Language',
};

function sendPage(reply: FastifyReply, page: string, status = 200): FastifyReply {
  return reply.code(status).headers(HEADERS).type('text/html; charset=utf-8').send(page);
}

/** The language that the browser likes best (RFC 9110, 12.5.4) of those there are. */
export function preferredLanguage(header: unknown, languages: readonly Language[]): Language {
  const liked = (typeof header === 'string' ? header : '')
    .slice(0, 500)
    .split(',')
    .map((part, order) => {
      const [tag = '', ...parameters] = part.trim().split(';');
      const q = parameters
        .map((each) => /^\s*q=([01](?:\.\d{0,3})?)\s*$/.exec(each)?.[1])
        .find(Boolean);
      return { language: tag.split('-')[0]?.toLowerCase(), weight: Number(q ?? 1), order };
    })
    .filter(({ weight }) => weight > 0)
    .sort((left, right) => right.weight - left.weight || left.order - right.order);
  const best = liked.find(({ language }) => languages.some((each) => each === language))?.language;
  return isLanguage(best) ? best : (languages[0] ?? 'en');
}

function failed(
  request: FastifyRequest,
  reply: FastifyReply,
  reason: FailureReason,
  status: number,
) {
  const first = preferredLanguage(request.headers['accept-language'], ['en', 'zh']);
  return sendPage(reply, failurePage(reason, first), status);
}

/** An address below the asking page that no route could even read. */
export const sendNoPage = (_error: unknown, request: FastifyRequest, reply: FastifyReply): void =>
  void failed(request, reply, 'not_found', 404);

/** Failures of ours and of the browser's request, as pages. */
function sendFailurePage(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const code = codeOf(error);
  if (code === 'rate_limited') failed(request, reply, 'rate_limited', 429);
  else if (code === 'not_found') failed(request, reply, 'not_found', 404);
  else if (['request_invalid', 'body_too_large', 'media_type_unsupported'].includes(code))
    failed(request, reply, 'outdated', 400);
  else {
    request.log.error(logged(error), 'page failed');
    failed(request, reply, 'failed', 500);
  }
}

/** True for addresses below the asking page. */
export const isPageAddress = (url: string) => url === PREFIX || url.startsWith(`${PREFIX}/`);

type Form = URLSearchParams;

function viewOf(
  gateway: Gateway,
  open: OpenRequest,
  token: string,
  language: Language,
): RequestView {
  const page_sha256 = pageHash(open.notice, open.offer, language);
  const { request_id, notice, offer } = open;
  const token_of_form = gateway.ring.keyedHash('assent/asking/form/1', request_id, page_sha256);
  return {
    path: linkPath(token),
    request_id,
    language,
    languages: open.languages,
    notice: offer.notice,
    text: textOf(notice, language),
    time_zone: notice.document.time_zone,
    answer_by: offer.answer_by,
    purposes: open.purposes,
    form_token: Buffer.from(token_of_form).toString('base64url'),
    page_sha256,
  };
}

function sameText(left: string, right: string): boolean {
  const [a, b] = [Buffer.from(left), Buffer.from(right)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** Language of a request: what its address or form asks for, else what the browser likes. */
function languageOf(request: FastifyRequest, open: OpenRequest, form: Form | null): Language {
  const { lang } = request.query as { lang?: unknown };
  const asked = form?.get('lang') ?? lang;
  const own = open.languages.find((each) => each === asked);
  if (own) return own;
  const header = request.headers['accept-language'];
  const inOrder = [open.offer.language, ...open.languages];
  return preferredLanguage(header, [...new Set(inOrder)]);
}

interface Opened {
  readonly token: string;
  readonly open: OpenRequest;
  readonly view: RequestView;
  readonly form: Form | null;
}

/** What was chosen; a form that says both says no. */
const choicesOf = (form: Form, open: OpenRequest) =>
  new Map(
    open.purposes.flatMap(({ authorisation_id: id }): [string, Choice][] => {
      const chosen = form.getAll(`choice.${id}`);
      const choice = (['refuse', 'approve'] as const).find((each) => chosen.includes(each));
      return choice ? [[id, choice]] : [];
    }),
  );

async function takeAnswers(
  gateway: Gateway,
  { token, open, view, form }: Opened & { readonly form: Form },
  request: FastifyRequest,
  reply: FastifyReply,
) {
  const choices = choicesOf(form, open);
  const isWhole = open.purposes.every(
    ({ is_open, authorisation_id }) => !is_open || choices.has(authorisation_id),
  );
  if (!isWhole) return sendPage(reply, askingPage(view, { choices }), 422);
  const page_sha256 = form.get('page') ?? '';
  const answers = { language: view.language, page_sha256, choices };
  const isTaken = await answerRequest(gateway, token, answers);
  if (!isTaken) return failed(request, reply, 'outdated', 400);
  return reply.redirect(`${view.path}/receipt?lang=${view.language}`, 303);
}

/** What `/withdraw/:which` names: approvals in force; null: nothing of this request. */
function namedBy(which: string, { open }: Opened) {
  const known = open.purposes.filter(
    ({ authorisation_id }) => which === 'all' || which === authorisation_id,
  );
  return known.length > 0 ? known.filter(isInForce) : null;
}

/** Adds the pages to a scope of their own. */
function addPages(scope: Server, gateway: Gateway): void {
  const page = {
    config: {
      access: 'public' as const,
      rateLimit: { max: PAGES_PER_MINUTE, timeWindow: 60_000 },
    },
    bodyLimit: FORM_BYTES,
    schema: { hide: true },
  };
  type Handler = (opened: Opened, request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;
  /** Opens the link first; a form must have been drawn here. */
  const opening = (handler: Handler) => async (request: FastifyRequest, reply: FastifyReply) => {
    const { token } = request.params as { token: string };
    const open = await openRequest(gateway, token);
    if (!open) return failed(request, reply, 'not_found', 404);
    const form = request.method === 'POST' ? new URLSearchParams(String(request.body ?? '')) : null;
    const view = viewOf(gateway, open, token, languageOf(request, open, form));
    if (form && !sameText(form.get('form') ?? '', view.form_token))
      return failed(request, reply, 'outdated', 400);
    return handler({ token, open, view, form }, request, reply);
  };
  scope.get(
    '/:token',
    page,
    opening(async ({ open, view }, request, reply) => {
      if (request.method === 'GET') await markShown(gateway, open);
      return sendPage(reply, askingPage(view));
    }),
  );
  scope.post(
    '/:token',
    page,
    opening(async (opened, request, reply) => {
      const form = opened.form ?? new URLSearchParams();
      return takeAnswers(gateway, { ...opened, form }, request, reply);
    }),
  );
  scope.get(
    '/:token/receipt',
    page,
    opening(async ({ view }, _request, reply) => {
      const isNothing = view.purposes.every(({ is_open }) => is_open);
      if (isNothing) return reply.redirect(`${view.path}?lang=${view.language}`, 303);
      return sendPage(reply, receiptPage(view));
    }),
  );
  scope.get(
    '/:token/receipt.json',
    page,
    opening(async ({ view }, _request, reply) =>
      reply
        .headers(HEADERS)
        .header('content-disposition', `attachment; filename="receipt-${view.request_id}.json"`)
        .type('application/json; charset=utf-8')
        .send(`${JSON.stringify(receiptDocument(view), null, 2)}\n`),
    ),
  );
  scope.route({
    method: ['GET', 'POST'],
    url: '/:token/withdraw/:which',
    ...page,
    handler: opening(async (opened, request, reply) => {
      const { which } = request.params as { which: string };
      const { token, view, form } = opened;
      const named = namedBy(which, opened);
      if (named === null) return failed(request, reply, 'not_found', 404);
      const receipt = `${view.path}/receipt?lang=${view.language}`;
      if (named.length === 0) return reply.redirect(receipt, 303);
      const inView = view.purposes.filter(({ authorisation_id: id }) =>
        named.some(({ authorisation_id }) => authorisation_id === id),
      );
      if (!form) return sendPage(reply, withdrawPage(view, which, inView));
      await withdrawApprovals(
        gateway,
        token,
        named.map(({ authorisation_id }) => authorisation_id),
      );
      return reply.redirect(receipt, 303);
    }),
  });
}

/** Adds the asking pages of a gateway to its server. */
export function askingPages(gateway: Gateway): (app: Server) => Promise<void> {
  return async (app) => {
    await app.register(
      async (scope: Server) => {
        scope.setErrorHandler(sendFailurePage);
        scope.setNotFoundHandler((request, reply) => failed(request, reply, 'not_found', 404));
        scope.addContentTypeParser(
          'application/x-www-form-urlencoded',
          { parseAs: 'string', bodyLimit: FORM_BYTES },
          async (_request: FastifyRequest, text: string | Buffer) => String(text),
        );
        addPages(scope, gateway);
      },
      { prefix: PREFIX },
    );
  };
}
