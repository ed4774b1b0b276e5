/**
 * Test support: a lender that asks for reports. It brings authorisations and enquires over real
 * HTTP.
 */
import { randomUUID } from 'node:crypto';
import type { AuthorisationEvent } from '../src/authorisation/record.ts';
import { type RecordChanges, sampleRecord } from '../src/authorisation/sample-record.ts';
import { signJws } from '../src/keys/jws.ts';
import type { KeyRing } from '../src/keys/key-ring.ts';
import type { ReportDocument } from '../src/model/report-document.ts';
import type { ApiClient } from '../src/wire/api-client.ts';
import { monthRow, type Pair } from './pair.ts';

/** A made-up person: no passport has the number zero. */
export const PERSON = personOf(0);

/** Made-up person number `n` of ten million. */
export function personOf(n: number) {
  return {
    kind: 'passport',
    country: 'CN',
    number: `X${String(n).padStart(8, '0')}`,
    name: `Nobody ${n}`,
    birth_date: '1990-01-01',
  };
}

/** A month of client `n` whose identity is that of person `n`. */
export function identifiedRow(n: number, period: string, over: Record<string, string> = {}) {
  const { kind, country, number, name, birth_date } = personOf(n);
  const document = { identity_kind: kind, identity_country: country, identity_number: number };
  return { ...monthRow(n, period), ...document, name, birth_date, ...over };
}

export interface Answer {
  readonly authorisation_id?: string;
  readonly enquiry_id: string;
  readonly outcome: string;
  readonly reason: string | null;
  readonly report: ReportDocument | null;
  readonly report_id: string | null;
  readonly report_sha256: string | null;
}

/** When everything here was given. */
export const EARLIER = '2026-01-02T00:00:00.000Z';

export class Enquirer {
  readonly id: string;
  readonly api: ApiClient;
  readonly #pair: Pair;
  readonly #ring: KeyRing;

  private constructor(pair: Pair, id: string, ring: KeyRing) {
    this.#pair = pair;
    this.#ring = ring;
    this.id = id;
    this.api = pair.client({ participant_id: id, ring });
  }

  static async admit(pair: Pair): Promise<Enquirer> {
    const id = randomUUID();
    const ring = pair.newRing(`enquirer-${id}`);
    await pair.admit('enquirer', id, ring);
    return new Enquirer(pair, id, ring);
  }

  /** Brings an authorisation that a person gave for new credit, or as changed. @returns its id */
  async bring(
    changes: RecordChanges = {},
    person: object = PERSON,
    more: readonly Omit<AuthorisationEvent, 'seq' | 'by_party'>[] = [],
  ): Promise<string> {
    const id = randomUUID();
    const record = sampleRecord({
      ...{ authorisation_id: id, arrangement_id: id },
      ...changes,
      parties: {
        provider_id: this.#pair.registry.registry_id,
        recipient_class: 'lender',
        recipient_id: this.id,
      },
      purpose: { code: 'Q1', ...changes.purpose },
      limits: { mode: 'VIEW', starts_at: EARLIER, ...changes.limits },
    });
    const events = [{ type: 'given' as const, at: EARLIER, reason: null }, ...more];
    await this.#send({ record, events: this.#numbered(events), person });
    return id;
  }

  #numbered(events: readonly Omit<AuthorisationEvent, 'seq' | 'by_party'>[]) {
    return events.map((event, index) => ({ seq: index + 1, by_party: this.id, ...event }));
  }

  async #send({ record, events, person }: { record: object; events: object[]; person: object }) {
    const typ = 'assent-authorisation+jws';
    const signed = await signJws({ record, events }, this.#ring, { typ });
    const json = { signed, person };
    await this.api.json({ method: 'POST', path: '/v1/authorisations', json });
  }

  /** Asks for a report for new credit, or as changed. */
  ask(authorisation_id: string, over: object = {}): Promise<Answer> {
    return this.api.json<Answer>({
      method: 'POST',
      path: '/v1/enquiries',
      json: { authorisation_id, purpose: 'creditworthiness', use_id: randomUUID(), ...over },
    });
  }
}
