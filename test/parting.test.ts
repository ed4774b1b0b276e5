/**
 * Two people who were one for a while: what came meanwhile because of an account or an approval of
 * one of them goes with it, also what does not name it.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { handOver } from '../src/gateway/hand-over.ts';
import { importAuthorisations } from '../src/gateway/import-authorisations.ts';
import { endAuthorisation } from '../src/registry/authorisation-events.ts';
import { sweepDisputes } from '../src/registry/decide-claims.ts';
import { findDispute, openDispute, withdrawDispute } from '../src/registry/disputes.ts';
import { readCertificate, requestErasure, sweepErasures } from '../src/registry/erasures.ts';
import { readEvidence } from '../src/registry/evidence.ts';
import { merge, split, undo } from '../src/registry/identity-actions.ts';
import { rebuildReport } from '../src/registry/report.ts';
import { readFacts } from '../src/registry/report-facts.ts';
import { type Held, heldOf, later, PDF, PERIOD, SOURCE } from './dispute-world.ts';
import { Enquirer, identifiedRow, personOf } from './enquirer.ts';
import { approvalsText, BACKENDS, bytesOf, load, Pair, SERVER_URL, tapeText } from './pair.ts';

const operator = randomUUID();
const decision = { by_party: operator, why: 'seen the papers', evidence_sha256: null };

describe.each(BACKENDS)('who is parted, on %s', (backend) => {
  if (backend === 'postgresql' && !SERVER_URL) {
    it.skip('needs TEST_DATABASE_URL', () => {});
    return;
  }
  let pair: Pair;
  let one: Held;
  let other: Held;
  let enquirer: Enquirer;
  let authorisation_id = '';
  let event = '';
  beforeAll(async () => {
    pair = await Pair.open(backend, 'parting');
  }, 120_000);
  afterAll(() => pair.close());
  beforeEach(async () => {
    await pair.empty();
    await load(pair.gateway, tapeText([1, 2].map((n) => identifiedRow(n, PERIOD))));
    const approvals = approvalsText([1, 2].map((n) => ({ n, events: ['given'] })));
    await importAuthorisations(pair.gateway, bytesOf(approvals));
    await handOver(pair.gateway, pair.link(), PERIOD);
    one = await heldOf(pair, 1);
    other = await heldOf(pair, 2);
    enquirer = await Enquirer.admit(pair);
    authorisation_id = await enquirer.bring({}, personOf(1));
    const way = { from_id: one.subject_id, into_id: other.subject_id };
    event = await merge(pair.registry, way, decision);
  }, 60_000);

  const theft = (...accounts: readonly Held[]) =>
    openDispute(pair.registry, other.subject_id, {
      claims: accounts.map(({ account_id }) => ({
        ...{ field: 'account', account_id, evidence: [PDF] },
      })),
      ground: 'identity_theft',
    });
  const shown = async ({ subject_id }: Held) =>
    (await readFacts(pair.registry, pair.registry.db, subject_id))?.accounts.length;

  it('takes a dispute about their account along, with its evidence and its clock', async () => {
    const { dispute_id } = await theft(one);
    await undo(pair.registry, event, decision);
    const view = await findDispute(pair.registry, one.subject_id, dispute_id);
    const [claim] = view.claims;
    const { content } = await readEvidence(pair.registry, {
      ...{ claim_id: claim?.claim_id ?? '', furnisher_id: null, participant_id: operator },
      evidence_id: claim?.evidence[0]?.evidence_id ?? '',
    });
    expect(Buffer.from(content)).toEqual(PDF);
    expect([await shown(one), await shown(other)]).toEqual([1, 1]);
    expect(await sweepDisputes(later(pair, 10))).toMatchObject({ blocked: 1 });
    expect([await shown(one), await shown(other)]).toEqual([0, 1]);
  });

  it('waits for the end of a dispute about accounts of both', async () => {
    const { dispute_id } = await theft(one, other);
    await expect(undo(pair.registry, event, decision)).rejects.toThrow('decide it first');
    await withdrawDispute(pair.registry, other.subject_id, dispute_id);
    await undo(pair.registry, event, decision);
  });

  it('is erased once who asked twice, as two people who turned out to be one', async () => {
    await undo(pair.registry, event, decision);
    const asked = { by_party: operator, evidence_sha256: SOURCE };
    const requests: string[] = [];
    for (const { subject_id } of [one, other])
      requests.push((await requestErasure(pair.registry, subject_id, asked)).request_id);
    const { rows } = await pair.registry.db.query<{ id: string }>(
      `select authorisation_id as id from authorisation where recipient_class = 'registry'`,
    );
    for (const { id } of rows)
      await endAuthorisation(pair.registry, id, {
        ...{ type: 'withdrawn', reason: 'subject_request', evidence_sha256: SOURCE },
        ...{ by_party: operator, subject_id: null },
      });
    const way = { from_id: one.subject_id, into_id: other.subject_id };
    await merge(pair.registry, way, decision);
    expect(await sweepErasures(later(pair, 10), false)).toEqual({ erased: 1, partly: 0 });
    for (const id of requests)
      expect((await readCertificate(pair.registry, id)).request_id).toBe(id);
  });

  it.each(['undone', 'split'] as const)(
    'leaves the report that answered an enquiry with the enquiry, when it is %s',
    async (how) => {
      const answer = await enquirer.ask(authorisation_id);
      expect(answer.report?.accounts).toHaveLength(2);
      if (how === 'undone') await undo(pair.registry, event, decision);
      else
        await split(
          pair.registry,
          {
            ...{ from_id: other.subject_id, to: { subject_id: one.subject_id }, locators: [] },
            ...{ account_ids: [], authorisation_ids: [authorisation_id] },
          },
          decision,
        );
      const { rows } = await pair.registry.db.query(
        `select e.subject_id as asked, r.subject_id as answered from enquiry e
         join report r on r.enquiry_id = e.enquiry_id`,
      );
      expect(rows).toEqual([{ asked: one.subject_id, answered: one.subject_id }]);
      const { registry } = pair;
      const report_id = answer.report_id ?? '';
      const again = await rebuildReport(registry, registry.db, report_id, enquirer.id);
      expect(again.sha256).toBe(answer.report_sha256);
    },
  );
});
