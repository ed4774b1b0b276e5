/**
 * A person's own pages at the registry, for people with a browser: entering, the overview, who
 * looked, approvals, messages, leaving.
 *
 * What must stay true: every page but entering needs a session; what changes something is a form
 * of this session, answered by a redirect, and may be sent twice; nothing of the person stands in
 * an address, and logs name route patterns alone.
 */
import type { FastifyRequest } from 'fastify';
import { AssentError } from '../model/error.ts';
import { enterPage, leftPage } from '../pages/enter-page.ts';
import { looksPage } from '../pages/looks-page.ts';
import { ME_WORDS } from '../pages/me-words.ts';
import { messagesPage } from '../pages/messages-page.ts';
import { authorisationsPage, withdrawOwnPage } from '../pages/own-authorisations-page.ts';
import { ownAuthorisations, withdrawOwn } from '../registry/own-authorisations.ts';
import { ownLooks, readMessages } from '../registry/own-looks.ts';
import type { Registry } from '../registry/registry.ts';
import { endSession, isTicketGood, openSession } from '../registry/sessions.ts';
import { sessionCookie } from './authentication.ts';
import type { Server } from './instance.ts';
import { addFilePages } from './me-file-pages.ts';
import { addIdentityPages } from './me-identity-pages.ts';
import { addRightsPages } from './me-rights-pages.ts';
import { subjectOf } from './me-schema.ts';
import {
  fieldOf,
  formOf,
  goTo,
  isFromElsewhere,
  languageOf,
  open,
  own,
  PREFIX,
  sendMeFailure,
  sendPage,
  takeForms,
  viewOf,
} from './me-scope.ts';
import { addScorePages } from './me-score-pages.ts';

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
    const looks = await ownLooks(registry, subjectOf(request).subject_id);
    return sendPage(reply, looksPage({ ...(await viewOf(registry, request)), ...looks }));
  });
  scope.get('/messages', own, async (request, reply) => {
    const messages = await readMessages(registry, subjectOf(request).subject_id);
    return sendPage(reply, messagesPage(await viewOf(registry, request), messages));
  });
}

function addAuthorisations(scope: Server, registry: Registry): void {
  scope.get('/authorisations', own, async (request, reply) => {
    const all = await ownAuthorisations(registry, subjectOf(request).subject_id);
    const view = await viewOf(registry, request, { done: doneOf(request) });
    return sendPage(reply, authorisationsPage(view, all));
  });
  scope.get('/authorisations/:id/withdraw', own, async (request, reply) => {
    const { id } = request.params as { id: string };
    const all = await ownAuthorisations(registry, subjectOf(request).subject_id);
    const named = all.find((each) => each.authorisation_id === id);
    if (!named) throw new AssentError('authorisation_unknown');
    return sendPage(reply, withdrawOwnPage(await viewOf(registry, request), named));
  });
  scope.post('/authorisations/:id/withdraw', own, async (request, reply) => {
    const form = formOf(registry, request);
    const { id } = request.params as { id: string };
    await withdrawOwn(registry, subjectOf(request), id);
    return goTo(reply, request, form, `${PREFIX}/authorisations?done=withdrawn`);
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
        addFilePages(scope, registry);
        addReading(scope, registry);
        addAuthorisations(scope, registry);
        addRightsPages(scope, registry);
        addScorePages(scope, registry);
        addIdentityPages(scope, registry);
      },
      { prefix: PREFIX },
    );
  };
}
