/**
 * The gate at the enquiry: an enquirer brings the person's authorisation and asks leave to look.
 * Account Aggregator misuse cases 1016 and 2017 to 2018: another's id, once means once, frequency.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadProfile } from '../src/authorisation/profile.ts';
import { type AuthorisationProof, verifyProof } from '../src/authorisation/proof.ts';
import type { AuthorisationEvent } from '../src/authorisation/record.ts';
import { reportRulesOf } from '../src/authorisation/report-rules.ts';
import { type RecordChanges, sampleRecord } from '../src/authorisation/sample-record.ts';
import { recordOne } from '../src/gateway/authorisations.ts';
import { handOver } from '../src/gateway/hand-over.ts';
import { signJws } from '../src/keys/jws.ts';
import type { KeyRing } from '../src/keys/key-ring.ts';
import { AssentError } from '../src/model/error.ts';
import { endAuthorisation } from '../src/registry/authorisation-events.ts';
import { GUESSES_PER_HOUR } from '../src/registry/enquirer-authorisations.ts';
import { enquire } from '../src/registry/enquiries.ts';
import { claimPermit, type Permit } from '../src/registry/permits.ts';
import type { ApiClient } from '../src/wire/api-client.ts';
import { approvalColumns, BACKENDS, load, monthRow, Pair, SERVER_URL, tapeText } from './pair.ts';

/** A made-up person: no passport has the number zero. */
const PERSON = {
  kind: 'passport',
  country: 'CN',
  number: 'X00000000',
  name: 'Nobody Atall',
  birth_date: '1990-01-01',
};
const EARLIER = '2026-01-02T00:00:00.000Z';

describe.each(BACKENDS)('permits on %s', (backend) => {
  if (backend === 'postgresql' && !SERVER_URL) {
    it.skip('needs TEST_DATABASE_URL', () => {});
    return;
  }
  let pair: Pair;
  let enquirer: { id: string; ring: KeyRing; api: ApiClient };

  async function newEnquirer() {
    const id = randomUUID();
    const ring = pair.newRing(`enquirer-${id}`);
    await pair.admit('enquirer', id, ring);
    return { id, ring, api: pair.client({ participant_id: id, ring }) };
  }
  beforeAll(async () => {
    pair = await Pair.open(backend, 'permits');
    enquirer = await newEnquirer();
  });
  afterAll(() => pair.close());

  function recordFor(changes: RecordChanges = {}) {
    const id = randomUUID();
    return sampleRecord({
      authorisation_id: id,
      arrangement_id: id,
      ...changes,
      parties: {
        provider_id: pair.registry.registry_id,
        recipient_class: 'lender',
        recipient_id: enquirer.id,
        ...changes.parties,
      },
      purpose: { code: 'Q1', ...changes.purpose },
      limits: { mode: 'VIEW', starts_at: EARLIER, ...changes.limits },
    });
  }
  const given = (by = enquirer.id): AuthorisationEvent[] => [
    { seq: 1, type: 'given', at: EARLIER, by_party: by, reason: null },
  ];
  async function bring(record: object, events: object[] = given(), person = PERSON, by = enquirer) {
    const signed = await signJws({ record, events }, by.ring, {
      typ: 'assent-authorisation+jws',
    });
    return by.api.json<{ result: string; state: string }>({
      method: 'POST',
      path: '/v1/authorisations',
      json: { signed, person },
    });
  }
  const claim = (authorisation_id: string, use_id: string = randomUUID(), api = enquirer.api) =>
    api.json<Permit>({
      method: 'POST',
      path: '/v1/permits',
      json: { authorisation_id, purpose: 'Q1', use_id },
    });
  async function codeOf(run: Promise<unknown>): Promise<string> {
    const error = await run.then(
      () => null,
      (thrown: unknown) => thrown,
    );
    return error instanceof AssentError ? `${error.code} ${error.detail}` : 'no failure';
  }

  it('an authorisation permits, and a retry of the look is the same look', async () => {
    const record = recordFor();
    expect(await bring(record)).toMatchObject({ result: 'stored', state: 'given' });
    expect(await bring(record)).toMatchObject({ result: 'unchanged' });
    expect(await claim(record.authorisation_id)).toMatchObject({ permitted: true, reason: null });
  });

  it('one time means once, also for ten at once', async () => {
    const record = recordFor({ limits: { fetch: 'ONETIME' } });
    await bring(record);
    const uses = Array.from({ length: 10 }, () => randomUUID());
    const permits = await Promise.all(uses.map((use) => claim(record.authorisation_id, use)));
    expect(permits.filter((permit) => permit.permitted)).toHaveLength(1);
    expect(new Set(permits.map((permit) => permit.reason))).toEqual(
      new Set([null, 'limit_reached']),
    );
    const winner = permits.find((permit) => permit.permitted)?.use_id ?? '';
    expect(await claim(record.authorisation_id, winner)).toMatchObject({ permitted: true });
  });

  it('no more than the agreed number in a day, also for ten at once', async () => {
    const record = recordFor({ limits: { frequency: { n: 3, unit: 'DAY' } } });
    await bring(record);
    const permits = await Promise.all(
      Array.from({ length: 10 }, () => claim(record.authorisation_id)),
    );
    expect(permits.filter((permit) => permit.permitted)).toHaveLength(3);
  });

  it.each<[string, RecordChanges, string]>([
    ['another purpose', { purpose: { code: 'Q2' } }, 'out_of_scope'],
    ['an end in the past', { limits: { expires_at: '2026-01-03T00:00:00.000Z' } }, 'expired'],
    ['a start in the future', { limits: { starts_at: '2999-01-01T00:00:00.000Z' } }, 'pending'],
    ['a range of other periods', { data: { range_to: '2001-01' } }, 'out_of_scope'],
  ])('%s is not permitted', async (_, changes, reason) => {
    const record = recordFor(changes);
    await bring(record);
    expect(await claim(record.authorisation_id)).toMatchObject({ permitted: false, reason });
  });

  it('a withdrawn one is not permitted', async () => {
    const record = recordFor();
    await bring(record);
    const withdrawn = { seq: 2, type: 'withdrawn', at: EARLIER, by_party: enquirer.id };
    await bring(record, [...given(), { ...withdrawn, reason: null }]);
    expect(await claim(record.authorisation_id)).toMatchObject({ reason: 'withdrawn' });
  });

  it('a no is not got around by another basis, here or at an enquiry', async () => {
    const registry = { ...pair.registry, profile: loadProfile('UK') };
    const { id, ...keys } = await newEnquirer();
    const other = { id, ...keys };
    const of = (legal_basis: 'consent' | 'legitimate_interest') =>
      recordFor({ legal_basis, parties: { recipient_id: id } });
    const [interest, consent] = [of('legitimate_interest'), of('consent')];
    await bring(interest, given(id), PERSON, other);
    const purpose = reportRulesOf(registry.profile)?.purposes.find(({ looks }) =>
      looks.includes('Q1'),
    );
    const answers = async () => {
      const asked = { enquirer_id: id, authorisation_id: interest.authorisation_id };
      const use_id = randomUUID();
      const permit = await claimPermit(registry, { ...asked, purpose: 'Q1', use_id });
      const answer = await enquire(registry, {
        ...{ ...asked, purpose: purpose?.code ?? '', form: 'full', person: null },
        use_id: randomUUID(),
      });
      return [permit.reason, answer.reason === 'refused'];
    };
    expect(await answers()).toEqual([null, false]);
    const withdrawn = { seq: 2, type: 'withdrawn', at: EARLIER, by_party: id, reason: null };
    await bring(consent, [...given(id), withdrawn], PERSON, other);
    expect(await answers()).toEqual(['refused', true]);
  });

  it("another's, an altered and an unknown id are answered alike", async () => {
    const record = recordFor();
    await bring(record);
    const id = record.authorisation_id;
    const other = await newEnquirer();
    const answers = [
      await codeOf(claim(id, randomUUID(), other.api)),
      await codeOf(claim(randomUUID())),
      await codeOf(claim(`${id.slice(0, -1)}${id.endsWith('0') ? '1' : '0'}`)),
    ];
    expect(new Set(answers).size).toBe(1);
    expect(answers[0]).toContain('authorisation_unknown');
    for (const odd of [id.toUpperCase(), id.slice(0, -1), ''])
      expect(await codeOf(claim(odd))).toContain('request_invalid');
  });

  it('what is not the caller’s to bring is refused', async () => {
    const elsewhere = recordFor({ parties: { recipient_id: randomUUID() } });
    expect(await codeOf(bring(elsewhere))).toContain('authorisation_invalid');
    const furnishing = { ...recordFor(), purpose: { ...recordFor().purpose, code: 'F1' } };
    expect(await codeOf(bring(furnishing))).toContain('authorisation_invalid');
    const record = recordFor();
    expect(await codeOf(bring(record, given(randomUUID())))).toContain('authorisation_invalid');
    await bring(record);
    const wider = { ...record, data: { ...record.data, range_from: '2001-01' } };
    expect(await codeOf(bring(wider))).toContain('authorisation_altered');
    // Another enquirer that got hold of the id learns nothing of what it stands for.
    const other = await newEnquirer();
    const taken = { ...record, parties: { ...record.parties, recipient_id: other.id } };
    expect(await codeOf(bring(taken, given(other.id), PERSON, other))).toContain(
      'authorisation_invalid',
    );
    const person = { ...PERSON, name: 'Somebody Else' };
    expect(await codeOf(bring(recordFor(), given(), person))).toContain('authorisation_invalid');
  });

  it('of people under other names is slowed down', async () => {
    const guesser = await newEnquirer();
    const guess = () => {
      const record = recordFor();
      const parties = { ...record.parties, recipient_id: guesser.id };
      const person = { ...PERSON, name: 'Somebody Else' };
      return codeOf(bring({ ...record, parties }, given(guesser.id), person, guesser));
    };
    await bring(recordFor());
    expect(await guess()).toContain('authorisation_invalid');
    await pair.registry.db.query(
      `insert into authorisation_refusal (refusal_id, by_party, at, why)
       select gen_random_uuid(), $1, $2, 'person' from generate_series(1, $3::int)`,
      [guesser.id, new Date(), GUESSES_PER_HOUR - 1],
    );
    expect(await guess()).toContain('rate_limited');
  });

  it('is kept as it was signed, and proven with the keys of either signer', async () => {
    const record = recordFor();
    const { authorisation_id } = record;
    await bring(record);
    const withdrawn = await endAuthorisation(pair.registry, authorisation_id, {
      type: 'withdrawn',
      reason: 'subject_request',
      evidence_sha256: 'c'.repeat(64),
      by_party: randomUUID(),
      subject_id: null,
    });
    expect(withdrawn.state).toBe('withdrawn');
    const path = `/v1/authorisations/${authorisation_id}/proof`;
    const proof = await enquirer.api.json<AuthorisationProof>({ method: 'GET', path });
    const registry = {
      participant_id: pair.registry.registry_id,
      keys: { keys: pair.registry.ring.publicKeys },
    };
    const collector = { participant_id: enquirer.id, keys: { keys: enquirer.ring.publicKeys } };
    expect(await verifyProof(proof, registry)).toMatchObject({ problems: [], state: 'withdrawn' });
    // The enquirer signed no withdrawal.
    expect(await verifyProof(proof, collector)).toMatchObject({ problems: [], state: 'given' });
    const altered = { ...proof, record: { ...proof.record, language: 'en' } };
    expect((await verifyProof(altered, collector)).problems).toHaveLength(1);
    const events = proof.events.map((event) => ({ ...event, reason: 'another' }));
    expect((await verifyProof({ ...proof, events }, collector)).problems).toHaveLength(1);
    const misnamed = { ...collector, participant_id: randomUUID() };
    expect((await verifyProof(proof, misnamed)).problems).toHaveLength(1);
    const stranger = (await newEnquirer()).api;
    const nobody = `/v1/authorisations/${randomUUID()}/proof`;
    const answers = [
      await codeOf(stranger.json({ method: 'GET', path })),
      await codeOf(enquirer.api.json({ method: 'GET', path: nobody })),
    ];
    expect(new Set(answers).size).toBe(1);
  });

  it('opens the accounts that may be shown, and no others', async () => {
    const PERIOD = '2026-01';
    const { kind, country, number, name, birth_date } = PERSON;
    const document = {
      identity_kind: kind,
      identity_country: country,
      identity_number: number,
      ...{ name, birth_date },
    };
    await load(pair.gateway, tapeText([{ ...monthRow(1, PERIOD), ...document }]));
    await recordOne(pair.gateway, approvalColumns(1, randomUUID(), { data_life: '1/DAY' }));
    const { receipt } = await handOver(pair.gateway, pair.link(), PERIOD);
    expect(receipt?.outcomes.month.accepted).toBe(1);
    const record = recordFor();
    await bring(record);
    expect(await claim(record.authorisation_id)).toMatchObject({ permitted: true, accounts: 1 });
    // As an enquiry: judged by what was agreed to, whatever came after.
    await load(pair.gateway, tapeText([{ ...monthRow(1, '2026-02'), ...document }]));
    await handOver(pair.gateway, pair.link(), '2026-02');
    const until = recordFor({ data: { range_to: PERIOD } });
    await bring(until);
    expect(await claim(until.authorisation_id)).toMatchObject({ permitted: true, accounts: 1 });
    const later = new Date(Date.now() + 2 * 24 * 3_600_000);
    const permit = await claimPermit(
      { ...pair.registry, now: () => later },
      {
        ...{ enquirer_id: enquirer.id, authorisation_id: record.authorisation_id },
        ...{ purpose: 'Q1', use_id: randomUUID() },
      },
    );
    expect(permit).toMatchObject({ permitted: true, accounts: 0 });
  });

  it('every claim leaves a trace, permitted or not', async () => {
    const before = await traces();
    const record = recordFor({ limits: { fetch: 'ONETIME' } });
    await bring(record);
    await claim(record.authorisation_id);
    await claim(record.authorisation_id);
    expect(await traces()).toBe(before + 2);
  });
  async function traces() {
    const { rows } = await pair.registry.db.query<{ n: number }>(
      'select count(*) as n from access where participant_id = $1',
      [enquirer.id],
    );
    return rows[0]?.n ?? 0;
  }
});
