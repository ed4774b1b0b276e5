/**
 * What the level of reports works on: a registry without gateways, the ledger of its people, and
 * what was issued.
 *
 * What must stay true: time stands still but for steps; ids and randomness come from the seed.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { publicJwks } from '../../src/keys/jws.ts';
import { createKeyFile, loadKeyFile } from '../../src/keys/key-file.ts';
import type { KeyRing } from '../../src/keys/key-ring.ts';
import { admitParticipant } from '../../src/participants/participant.ts';
import type { Registry } from '../../src/registry/registry.ts';
import { type Seeded, seeded } from '../../src/world/seeded.ts';
import { type Backend, openStore, type Switch, switchTo } from '../pair.ts';
import type { Account, Person, ReportLaw } from './report-oracle.ts';
import { ENQUIRERS, FURNISHERS } from './world.ts';

/** A life was not as the ledger has it. */
export class LivesFailed extends Error {
  override readonly name = 'LivesFailed';
}

type Open<T> = { -readonly [Key in keyof T]: T[Key] };

/** A registry alone. */
export class ReportWorld {
  clock = '2026-01-05T00:00:00.000Z';
  random: Seeded = seeded(0);
  readonly store: Switch;
  readonly registry: Open<Registry>;
  readonly #folder: string;

  private constructor(store: Switch) {
    this.#folder = mkdtempSync(join(tmpdir(), 'assent-reports-'));
    this.store = store;
    this.registry = {
      ...{ db: store.db, ring: this.#ring(), issuer: 'http://registry.test' },
      registry_id: '00000000-0000-4000-8000-0000000000ee',
      ...{ profile: null, notices: { n: 2 } },
      now: () => new Date(this.clock),
      newId: () => this.random.uuid(),
    };
  }

  /** @param schema on a server: its own for each that runs at one time */
  static async open(backend: Backend = 'pglite', schema = 'sim_reports'): Promise<ReportWorld> {
    const world = new ReportWorld(switchTo(await openStore(backend, 'registry', schema)));
    const jwks = publicJwks(world.registry.ring);
    const parties = [
      ...FURNISHERS.map((participant_id) => ({ participant_id, role: 'furnisher' as const })),
      ...ENQUIRERS.map((participant_id) => ({ participant_id, role: 'enquirer' as const })),
    ];
    for (const party of parties)
      await admitParticipant(world.registry.db, {
        ...{ ...party, licence_id: party.participant_id, brands: [], jwks },
        name: `${party.role} ${party.participant_id.slice(-2)}`,
        admitted_at: new Date(world.clock),
      });
    return world;
  }

  #ring(): KeyRing {
    const path = join(this.#folder, 'registry.json');
    const random = (bytes: number) =>
      Uint8Array.from({ length: bytes }, () => this.random.between(0, 255));
    createKeyFile(path, { random, now: () => new Date(this.clock) });
    return loadKeyFile(path, { random });
  }

  async close(): Promise<void> {
    await this.store.current.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** An authorisation to look. */
export interface Look {
  readonly authorisation_id: string;
  readonly enquirer_id: string;
  readonly code: 'Q1' | 'Q2';
  owner: Person;
  is_ended: boolean;
}

export interface Statement {
  readonly statement_id: string;
  readonly account: Account | null;
  readonly text: string;
  owner: Person;
}

export interface Block {
  readonly block_id: string;
  readonly kind: 'freeze' | 'fraud_alert' | 'credit_ban';
  /** Null: until it is lifted. */
  readonly until: string | null;
  owner: Person;
}

/** A person says that an account is somebody else's doing. */
export interface Theft {
  readonly dispute_id: string;
  readonly account: Account;
  readonly due_at: string;
  state: 'asked' | 'blocked' | 'ended';
}

export interface Issued {
  readonly report_id: string;
  readonly text: string;
  readonly issued_at: string;
  /** Null: to the person. */
  readonly look: Look | null;
  owner: Person;
  /** What it was made of is kept; was purged; or nothing of it is left. */
  state: 'kept' | 'purged' | 'gone';
}

export interface Enquired {
  readonly enquirer_id: string;
  readonly enquiry_id: string;
  readonly at: string;
  /** Null: an authorisation that is nobody's. */
  readonly look: Look | null;
  readonly report: Issued | null;
  owner: Person | null;
}

export interface ErasureAsked {
  readonly due_at: string;
  owner: Person;
}

/** Everything that follows its owner. */
export interface Ledger {
  accounts: Account[];
  looks: Look[];
  statements: Statement[];
  blocks: Block[];
  thefts: Theft[];
  issued: Issued[];
  enquiries: Enquired[];
  erasures: ErasureAsked[];
}

/** What happened, counted. */
export interface ReportTally {
  histories: number;
  enquiries: number;
  refused: number;
  issued: number;
  rebuilt: number;
  corrected: number;
  ended: number;
  claimed: number;
  stated: number;
  blocked: number;
  blocks_lifted: number;
  agreements_shown: number;
  limits_changed: number;
  thefts_asked: number;
  thefts_blocked: number;
  thefts_decided: number;
  merged: number;
  merges_undone: number;
  split: number;
  erasures_asked: number;
  people_erased: number;
  months_purged: number;
  reports_purged: number;
  records_purged: number;
  enquiries_purged: number;
  answered_purged: number;
}

export interface Run {
  readonly world: ReportWorld;
  readonly registry: Registry;
  readonly random: Seeded;
  readonly law: ReportLaw;
  readonly people: readonly Person[];
  readonly ledger: Ledger;
  /** Merges that stand, with what moved. */
  readonly merges: Map<Person, { readonly event_id: string; readonly moved: ReadonlySet<object> }>;
  readonly tally: ReportTally;
  /** The traces from before were purged. */
  traced_since: string;
}

/** One of a list, or none of an empty one. */
export const anyOf = <T>({ random }: Pick<Run, 'random'>, list: readonly T[]): T | undefined =>
  list[random.between(0, list.length - 1)];

/** The accounts of a person. */
export const accountsOf = ({ ledger }: Run, person: Person): Account[] =>
  ledger.accounts.filter(({ owner }) => owner === person);

/** The account is blocked as the fruit of a crime. */
export const isBlocked = ({ ledger }: Run, account: Account): boolean =>
  ledger.thefts.some((theft) => theft.account === account && theft.state === 'blocked');

/** The blocks of a person that are in force. */
export const blocksOf = ({ ledger, world }: Run, person: Person): Block[] =>
  ledger.blocks.filter(
    ({ owner, until }) => owner === person && (until === null || world.clock < until),
  );

/** @throws LivesFailed: always */
export function fail(run: Run, person: Person | null, what: string, about: unknown): never {
  const own = <T extends { owner: Person | null }>(list: readonly T[]) =>
    list.filter(({ owner }) => owner === person);
  const { accounts, thefts, statements } = run.ledger;
  const told = { now: run.world.clock, law: run.law, accounts: own(accounts), thefts };
  throw new LivesFailed(
    `${what}\n${JSON.stringify({ ...told, statements: own(statements), about }, null, 1)}`,
  );
}
