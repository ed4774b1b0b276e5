/**
 * A person's own pages at the registry, for people with a browser: entering, the overview, who
 * looked, approvals, messages, leaving.
 *
 * What must stay true: every page but entering needs a session; what changes something is a form
 * of this session, answered by a redirect, and may be sent twice; nothing of the person stands in
 * an address, and logs name route patterns alone.
 */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { AssentError } from '../model/error.ts';
import { enterPage, leftPage, nothingPage } from '../pages/enter-page.ts';
import { looksPage } from '../pages/looks-page.ts';
import { at } from '../pages/me-layout.ts';
import { ME_WORDS } from '../pages/me-words.ts';
import { messagesPage } from '../pages/messages-page.ts';
import { authorisationsPage, withdrawOwnPage } from '../pages/own-authorisations-page.ts';
import { ownAuthorisations, withdrawOwn } from '../registry/own-authorisations.ts';
import { ownLooks, readMessages } from '../registry/own-looks.ts';
import type { Registry } from '../registry/registry.ts';
import { endSession, isTicketGood, openSession } from '../registry/sessions.ts';
import { sessionCookie } from './authentication.ts';
import type { Server } from './instance.ts';
import {
  type Form,
  fieldOf,
  formToken,
  isFromElsewhere,
  isSame,
  languageOf,
  PAGES_PER_MINUTE,
  PREFIX,
  sendMeFailure,
  sendPage,
  takeForms,
  viewOf,
} from './me-scope.ts';

const rateLimit = { max: PAGES_PER_MINUTE, timeWindow: 60_000 };
const schema = { hide: true };
const open = { config: { access: 'public' as const, rateLimit }, schema };
/** Configuration of a page for somebody who is identified. */
export const own = { config: { access: { person: 'cookie' as const }, rateLimit }, schema };

/** Somebody whose file is known. */
export interface Known {
  readonly subject_id: string;
  readonly session_id: string;
}

/** @throws nothing_held */
export function knownOf(request: FastifyRequest): Known {
  const { subject_id, session_id } = request.person;
  if (subject_id === null) throw new AssentError('nothing_held');
  return { subject_id, session_id };
}

/** The form of a request, if it was drawn in its session. @throws form_outdated */
export function formOf(registry: Registry, request: FastifyRequest, form?: FormData): Form {
  const sent = form ?? (request.body instanceof URLSearchParams ? request.body : null);
  const token = formToken(registry, request.person.session_id);
  if (sent === null || isFromElsewhere(request) || !isSame(fieldOf(sent, 'form'), token))
    throw new AssentError('form_outdated');
  return sent;
}

/** The way back after a form: nothing is sent again by reloading. */
export function goTo(reply: FastifyReply, request: FastifyRequest, form: Form, path: string) {
  return reply.redirect(at({ language: languageOf(request, form) }, path), 303);
}

function cookieText(registry: Registry, token: string, seconds: number): string {
  const isSecure = registry.issuer.startsWith('https:') ? ['Secure'] : [];
  const parts = ['Path=/', `Max-Age=${seconds}`, 'HttpOnly', 'SameSite=Strict', ...isSecure];
  return [`${sessionCookie(registry.issuer)}=${token}`, ...parts].join('; ');
}

function addEntering(scope: Server, registry: Registry): void {
  scope.get('/enter/:ticket', open, async (request, reply) => {
    const { ticket } = request.params as { ticket: string };
    if (!(await isTicketGood(registry, ticket))) throw new AssentError('ticket_unknown');
    return sendPage(reply, enterPage(languageOf(request, null), ticket));
  });
  scope.post('/enter', open, async (request, reply) => {
    const form = request.body;
    if (!(form instanceof URLSearchParams) || isFromElsewhere(request))
      throw new AssentError('form_outdated');
    const { token, ends_at } = await openSession(registry, fieldOf(form, 'ticket'));
    const seconds = Math.floor((Date.parse(ends_at) - registry.now().getTime()) / 1000);
    reply.header('set-cookie', cookieText(registry, token, seconds));
    return goTo(reply, request, form, PREFIX);
  });
  scope.post('/leave', own, async (request, reply) => {
    const form = formOf(registry, request);
    await endSession(registry, request.person.session_id);
    reply.header('set-cookie', cookieText(registry, '', 0));
    return goTo(reply, request, form, `${PREFIX}/left`);
  });
  scope.get('/left', open, async (request, reply) =>
    sendPage(reply, leftPage(languageOf(request, null))),
  );
}

/** What a page says was just done: words of a closed list, named in the address. */
function doneOf(request: FastifyRequest): string | null {
  const { done } = request.query as { done?: unknown };
  const words = ME_WORDS[languageOf(request, null)];
  return done === 'withdrawn' ? words.withdrawn : null;
}

function addReading(scope: Server, registry: Registry): void {
  scope.get('/looks', own, async (request, reply) => {
    const looks = await ownLooks(registry, knownOf(request).subject_id);
    return sendPage(reply, looksPage({ ...(await viewOf(registry, request)), ...looks }));
  });
  scope.get('/messages', own, async (request, reply) => {
    const messages = await readMessages(registry, knownOf(request).subject_id);
    return sendPage(reply, messagesPage(await viewOf(registry, request), messages));
  });
}

function addAuthorisations(scope: Server, registry: Registry): void {
  scope.get('/authorisations', own, async (request, reply) => {
    const all = await ownAuthorisations(registry, knownOf(request).subject_id);
    const view = await viewOf(registry, request, { done: doneOf(request) });
    return sendPage(reply, authorisationsPage(view, all));
  });
  scope.get('/authorisations/:id/withdraw', own, async (request, reply) => {
    const { id } = request.params as { id: string };
    const all = await ownAuthorisations(registry, knownOf(request).subject_id);
    const named = all.find((each) => each.authorisation_id === id);
    if (!named) throw new AssentError('authorisation_unknown');
    return sendPage(reply, withdrawOwnPage(await viewOf(registry, request), named));
  });
  scope.post('/authorisations/:id/withdraw', own, async (request, reply) => {
    const form = formOf(registry, request);
    const { id } = request.params as { id: string };
    await withdrawOwn(registry, knownOf(request), id);
    return goTo(reply, request, form, `${PREFIX}/authorisations?done=withdrawn`);
  });
}

function addOverview(scope: Server, registry: Registry): void {
  scope.get('/', own, async (request, reply) => {
    const view = await viewOf(registry, request);
    if (request.person.subject_id === null) return sendPage(reply, nothingPage(view));
    return sendPage(reply, nothingPage(view));
  });
}

/** Adds a person's own pages to a registry's server. */
export function mePages(registry: Registry): (app: Server) => Promise<void> {
  return async (app) => {
    await app.register(
      async (scope: Server) => {
        scope.setErrorHandler(sendMeFailure);
        scope.setNotFoundHandler((request, reply) =>
          sendMeFailure(new AssentError('not_found'), request, reply),
        );
        takeForms(scope);
        addEntering(scope, registry);
        addOverview(scope, registry);
        addReading(scope, registry);
        addAuthorisations(scope, registry);
      },
      { prefix: PREFIX },
    );
  };
}
