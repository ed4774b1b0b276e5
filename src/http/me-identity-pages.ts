/**
 * A person's own identity over HTTP: as it is held, asking for its correction, and for being
 * erased.
 *
 * What must stay true: a correction is a claim that the operator decides, with evidence, never a
 * change by the person; erasure says what goes and what stays before it is asked for.
 */
import { createHash } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { canonicalBytes } from '../keys/jws.ts';
import {
  type ErasureView,
  erasurePage,
  type IdentityView,
  identityPage,
} from '../pages/identity-page.ts';
import { openDispute } from '../registry/disputes.ts';
import { previewErasure, requestErasure } from '../registry/erasures.ts';
import { findErasureRequest, readOwnFile } from '../registry/own-report.ts';
import type { Registry } from '../registry/registry.ts';
import { IDENTITY_FIELDS } from '../wire/claim.ts';
import type { Server } from './instance.ts';
import { subjectOf } from './me-schema.ts';
import {
  claimProblemOf,
  fieldOf,
  filesOf,
  formOf,
  goTo,
  own,
  PREFIX,
  sendPage,
  viewOf,
  WITH_FILES,
} from './me-scope.ts';

async function identityView(
  registry: Registry,
  request: FastifyRequest,
  sent: IdentityView['sent'],
): Promise<IdentityView> {
  const { identity } = await readOwnFile(registry, subjectOf(request).subject_id, 'file');
  const form = sent ? formOf(registry, request) : null;
  return { ...(await viewOf(registry, request, { form })), identity, sent };
}

async function erasureView(registry: Registry, request: FastifyRequest): Promise<ErasureView> {
  const { subject_id } = subjectOf(request);
  const preview = await previewErasure(registry, registry.db, subject_id);
  const asked = await findErasureRequest(registry, subject_id);
  return { ...(await viewOf(registry, request)), ...preview, asked };
}

/** The evidence of a wish to be erased: which session said so. Another wish of it is the same. */
export function askErasure(
  registry: Registry,
  person: { readonly subject_id: string; readonly session_id: string },
) {
  const evidence = { form: 'assent/own-erasure/1', session_id: person.session_id };
  return requestErasure(registry, person.subject_id, {
    by_party: registry.registry_id,
    evidence_sha256: createHash('sha256').update(canonicalBytes(evidence)).digest('hex'),
  });
}

/** Adds the pages of the identity to the scope of own pages. */
export function addIdentityPages(scope: Server, registry: Registry): void {
  scope.get('/identity', own, async (request, reply) =>
    sendPage(reply, identityPage(await identityView(registry, request, null))),
  );
  scope.post('/identity/correction', WITH_FILES, async (request, reply) => {
    const form = formOf(registry, request);
    const { subject_id } = subjectOf(request);
    const [chosen, value] = [fieldOf(form, 'field'), fieldOf(form, 'value')];
    const field = IDENTITY_FIELDS.find((each) => each === chosen) ?? '';
    const evidence = await filesOf(form, 'files');
    const claim = { field, claimed_value: value === '' ? null : value, evidence };
    try {
      const { dispute_id } = await openDispute(registry, subject_id, { claims: [claim] });
      return goTo(reply, request, form, `${PREFIX}/disputes/${dispute_id}?done=disputed`);
    } catch (error) {
      const sent = { chosen, value, problem: claimProblemOf(error, field) };
      return sendPage(reply, identityPage(await identityView(registry, request, sent)), 422);
    }
  });
  scope.get('/identity/erasure', own, async (request, reply) =>
    sendPage(reply, erasurePage(await erasureView(registry, request))),
  );
  scope.post('/identity/erasure', own, async (request, reply) => {
    const form = formOf(registry, request);
    await askErasure(registry, subjectOf(request));
    return goTo(reply, request, form, `${PREFIX}/identity/erasure`);
  });
}
