/**
 * What every own page has in common over HTTP: the session by cookie, the language, forms that
 * were drawn in this session, failures as pages.
 *
 * What must stay true: a form counts only with the token of its session; nothing is kept by a
 * cache, told to another site or drawn inside another page; every failure is a page; a page of
 * another site can neither post here nor read an answer.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AssentError } from '../model/error.ts';
import { LANGUAGES, type Language } from '../model/notice.ts';
import type { ClaimProblem } from '../pages/dispute-pages.ts';
import { at, type MeFailure, type MeView, meFailurePage } from '../pages/me-layout.ts';
import { STYLE } from '../pages/style.ts';
import { EVIDENCE_BYTES_MAX, EVIDENCE_FILES_MAX } from '../registry/evidence.ts';
import { unreadMessages } from '../registry/own-looks.ts';
import type { Registry } from '../registry/registry.ts';
import { preferredLanguage } from './asking-pages.ts';
import type { Server } from './instance.ts';
import { codeOf, logged } from './problem.ts';

export const PREFIX = '/me';
const FORM_BYTES = 64 * 1024;
/** Pages a minute and address. */
const PAGES_PER_MINUTE = 240;

const STYLE_HASH = createHash('sha256').update(STYLE).digest('base64');
export const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': `default-src 'none'; style-src 'sha256-${STYLE_HASH}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'`,
  'cross-origin-opener-policy': 'same-origin',
  'x-robots-tag': 'noindex, nofollow, noarchive',
  vary: 'Accept-Language, Cookie',
};

export function sendPage(reply: FastifyReply, page: string, status = 200): FastifyReply {
  return reply.code(status).headers(HEADERS).type('text/html; charset=utf-8').send(page);
}

/** True for addresses of these pages. */
export const isMeAddress = (url: string) => /^\/me(?:[/?]|$)/.test(url);

/** What a form sent; files only where the route takes them. */
export type Form = URLSearchParams | FormData;

const textOf = (form: Form | null, name: string): string | null => {
  const value = form?.get(name) ?? null;
  return typeof value === 'string' ? value : null;
};

/** One field of a form, without space around it; empty when it is not there. */
export const fieldOf = (form: Form, name: string): string => (textOf(form, name) ?? '').trim();

/** Files of a form that hold something; a browser sends an empty one where none was chosen. */
export async function filesOf(form: Form, name: string): Promise<Uint8Array[]> {
  const files = form.getAll(name).filter((each): each is File => typeof each !== 'string');
  const chosen = files.filter(({ size, name: called }) => size > 0 || called !== '');
  return Promise.all(chosen.map(async (file) => new Uint8Array(await file.arrayBuffer())));
}

export function languageOf(request: FastifyRequest, form: Form | null): Language {
  const { lang } = request.query as { lang?: unknown };
  const asked = textOf(form, 'lang') ?? lang;
  const known = LANGUAGES.find((each) => each === asked);
  return known ?? preferredLanguage(request.headers['accept-language'], LANGUAGES);
}

const FAILURES: Readonly<Record<string, readonly [MeFailure, number]>> = {
  rate_limited: ['rate_limited', 429],
  not_found: ['not_found', 404],
  nothing_held: ['not_found', 404],
  file_unknown: ['not_found', 404],
  authorisation_unknown: ['not_found', 404],
  dispute_unknown: ['not_found', 404],
  block_unknown: ['not_found', 404],
  statement_unknown: ['not_found', 404],
  claim_invalid: ['outdated', 400],
  reports_used_up: ['outdated', 409],
  report_unknown: ['not_found', 404],
  evaluation_unknown: ['not_found', 404],
  session_unknown: ['session', 401],
  ticket_unknown: ['ticket', 404],
  form_outdated: ['outdated', 400],
  request_invalid: ['outdated', 400],
  body_too_large: ['outdated', 413],
  media_type_unsupported: ['outdated', 400],
};

/** Failures of ours and of the browser's request, as pages. */
export function sendMeFailure(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const code = codeOf(error);
  const [reason, status] = FAILURES[code] ?? ['failed', 500];
  if (status === 500) request.log.error(logged(error), 'page failed');
  sendPage(reply, meFailurePage(reason, languageOf(request, null)), status);
}

/** The token of every form of a session; tells nothing of the session's own. */
function formToken(registry: Registry, sessionId: string): string {
  return Buffer.from(registry.ring.keyedHash('assent/person/form/1', sessionId)).toString(
    'base64url',
  );
}

function isSame(left: string, right: string): boolean {
  const [a, b] = [Buffer.from(left), Buffer.from(right)];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** True when the browser says that another site sent it (Fetch Metadata). */
export const isFromElsewhere = ({ headers }: FastifyRequest): boolean =>
  ['cross-site', 'same-site'].includes(String(headers['sec-fetch-site'] ?? ''));

/** The frame of a page for the person of the request. */
export async function viewOf(
  registry: Registry,
  request: FastifyRequest,
  over: { readonly form?: Form | null; readonly done?: string | null } = {},
): Promise<MeView> {
  const { session_id, subject_id } = request.person;
  return {
    language: languageOf(request, over.form ?? null),
    form_token: formToken(registry, session_id),
    done: over.done ?? null,
    unread: subject_id === null ? 0 : await unreadMessages(registry.db, subject_id),
  };
}

/** Multipart as the platform reads it (RFC 7578); what is none is no form. */
async function readMultipart(type: string, bytes: Buffer): Promise<FormData> {
  try {
    return await new Response(new Uint8Array(bytes), {
      headers: { 'content-type': type },
    }).formData();
  } catch {
    throw new AssentError('form_outdated');
  }
}

/** Takes forms; each route's `bodyLimit` bounds what comes with files. */
export function takeForms(scope: Server): void {
  scope.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: FORM_BYTES },
    async (_request: FastifyRequest, text: string | Buffer) => new URLSearchParams(String(text)),
  );
  scope.addContentTypeParser(
    'multipart/form-data',
    { parseAs: 'buffer' },
    async (request: FastifyRequest, bytes: string | Buffer) =>
      readMultipart(request.headers['content-type'] ?? '', Buffer.from(bytes)),
  );
}

const rateLimit = { max: PAGES_PER_MINUTE, timeWindow: 60_000 };
const schema = { hide: true };
/** Configuration of a page for anyone. */
export const open = { config: { access: 'public' as const, rateLimit }, schema };
/** Configuration of a page for somebody who is identified. */
export const own = { config: { access: { person: 'cookie' as const }, rateLimit }, schema };

/** The form of a request, if it was drawn in its session. @throws form_outdated */
export function formOf(registry: Registry, request: FastifyRequest): Form {
  const { body } = request;
  const sent = body instanceof URLSearchParams || body instanceof FormData ? body : null;
  const token = formToken(registry, request.person.session_id);
  if (sent === null || isFromElsewhere(request) || !isSame(fieldOf(sent, 'form'), token))
    throw new AssentError('form_outdated');
  return sent;
}

/** The way back after a form: nothing is sent again by reloading. */
export function goTo(reply: FastifyReply, request: FastifyRequest, form: Form, path: string) {
  return reply.redirect(at({ language: languageOf(request, form) }, path), 303);
}

/** Which field of the form a refusal is about. */
export function claimProblemOf(error: unknown, chosen: string): ClaimProblem {
  if (!(error instanceof AssentError)) throw error;
  if (error.code === 'claim_running') return 'running';
  if (error.code === 'evidence_invalid') return 'evidence';
  if (error.code === 'theft_invalid') return 'theft';
  if (error.code !== 'claim_invalid') throw error;
  if (chosen === '') return 'field';
  return error.detail.includes('already') ? 'same' : 'value';
}

/** Configuration of a page that takes files. */
export const WITH_FILES = {
  ...own,
  bodyLimit: EVIDENCE_FILES_MAX * EVIDENCE_BYTES_MAX + FORM_BYTES,
};
