/**
 * Test support: a registry that holds the files of made-up borrowers of one lender, and people who
 * are identified and look at them, by page or by program.
 */
import { randomUUID } from 'node:crypto';
import { handOver } from '../src/gateway/hand-over.ts';
import { importAuthorisations } from '../src/gateway/import-authorisations.ts';
import { publicJwks } from '../src/keys/jws.ts';
import { admitParticipant } from '../src/participants/participant.ts';
import { identify, openSession, type Verified } from '../src/registry/sessions.ts';
import { makePerson, type Person } from '../src/world/people.ts';
import { seeded } from '../src/world/seeded.ts';
import { approvalsText, type Backend, bytesOf, load, monthRow, Pair, tapeText } from './pair.ts';

const PERIODS: readonly string[] = ['2026-01', '2026-02', '2026-03'];

/** Months in which the second borrower is late, and by how much. */
const LATE: Readonly<Record<string, Record<string, string>>> = {
  '2025-07': { days_past_due: '10', past_due_minor: '10000', first_delinquency_on: '2025-07-18' },
  '2026-03': { days_past_due: '40', past_due_minor: '10000', first_delinquency_on: '2026-02-16' },
};

export class PersonWorld {
  readonly pair: Pair;
  readonly people: readonly Person[];
  readonly identifier_id: string;

  private constructor(pair: Pair, people: readonly Person[], identifierId: string) {
    this.pair = pair;
    this.people = people;
    this.identifier_id = identifierId;
  }

  /** Two borrowers, each with one account and months up to 2026-03, when the second one is late. */
  static async open(
    backend: Backend,
    schema: string,
    over: {
      readonly stream?: { write(line: string): void };
      readonly periods?: readonly string[];
      /** Further columns of every row of the tape. */
      readonly columns?: Readonly<Record<string, string>>;
    } = {},
  ): Promise<PersonWorld> {
    const { periods = PERIODS, columns = {} } = over;
    const pair = await Pair.open(backend, schema, over.stream);
    const random = seeded(11);
    const people = [0, 1].map((n) => makePerson(random, n, false));
    const rows = people.flatMap(({ number, name, birth_date }, n) =>
      periods.map((period) => ({
        ...monthRow(n, period),
        identity_kind: 'cn_resident_id',
        identity_number: number,
        name,
        birth_date,
        due_minor: '10000',
        ...(n === 1 ? LATE[period] : {}),
        ...columns,
      })),
    );
    await load(pair.gateway, tapeText(rows));
    const given = people.map((_, n) => ({ n, events: ['given'] }));
    await importAuthorisations(pair.gateway, bytesOf(approvalsText(given)));
    for (const period of periods) await handOver(pair.gateway, pair.link(), period);
    const identifier_id = randomUUID();
    await admitParticipant(pair.registry.db, {
      participant_id: identifier_id,
      name: 'Identity Provider',
      role: 'identifier',
      licence_id: 'test',
      brands: [],
      jwks: publicJwks(pair.newRing('identifier')),
      admitted_at: new Date(),
    });
    return new PersonWorld(pair, people, identifier_id);
  }

  /** What an identifier says of borrower `n`. */
  verified(n: number, over: Partial<Verified> = {}): Verified {
    const { number, name, birth_date } = this.people[n] ?? { number: '', name: '', birth_date: '' };
    return {
      ...{ kind: 'cn_resident_id', country: null, number, name, birth_date },
      ...{ assurance: 'high', evidence_sha256: 'e'.repeat(64) },
      ...over,
    };
  }

  async ticket(n: number, over: Partial<Verified> = {}): Promise<string> {
    const by = { participant_id: this.identifier_id };
    return (await identify(this.pair.registry, this.verified(n, over), by)).ticket;
  }

  /** A session of borrower `n`. @returns its token */
  async enter(n: number, over: Partial<Verified> = {}): Promise<string> {
    return (await openSession(this.pair.registry, await this.ticket(n, over))).token;
  }

  /** Borrower `n` and the account, as the registry calls them. */
  async account(n: number): Promise<{ subject_id: string; account_id: string }> {
    const { rows } = await this.pair.registry.db.query<{ subject_id: string; account_id: string }>(
      'select subject_id, account_id from account_month where balance_minor = $1 limit 1',
      [1000 + n],
    );
    const [row] = rows;
    if (!row) throw new Error('the borrower has no month');
    return row;
  }

  /** A page, as a browser with the cookie of a session gets it. */
  page(token: string | null, path: string) {
    return this.pair.server.inject({
      method: 'GET',
      url: path,
      ...(token === null ? {} : { headers: { cookie: `assent=${token}` } }),
    });
  }

  /** Sends a form as a browser does. */
  post(token: string | null, path: string, form: Record<string, string>) {
    return this.pair.server.inject({
      method: 'POST',
      url: path,
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        ...(token === null ? {} : { cookie: `assent=${token}` }),
      },
      payload: new URLSearchParams(form).toString(),
    });
  }

  /** The form token that a page of the session carries. */
  async formToken(token: string, path = '/me/messages'): Promise<string> {
    const { body } = await this.page(token, path);
    return /name="form" value="([^"]+)"/.exec(body)?.[1] ?? '';
  }

  /** A request of a program that acts for the person. */
  api(token: string | null, method: 'GET' | 'POST' | 'DELETE', path: string, json?: object) {
    return this.pair.server.inject({
      method,
      url: path,
      headers: token === null ? {} : { authorization: `Bearer ${token}` },
      ...(json ? { payload: json } : {}),
    });
  }

  close(): Promise<void> {
    return this.pair.close();
  }
}
