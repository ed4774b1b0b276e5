/**
 * What a gateway needs to work: its store, its keys, who it is and under which law it stands.
 * Everything that is not a pure function of its arguments comes in here.
 */
import type { Profile } from '../authorisation/profile.ts';
import type { Database } from '../database/database.ts';
import type { KeyRing } from '../keys/key-ring.ts';

export interface Gateway {
  readonly db: Database;
  readonly ring: KeyRing;
  /** The participant_id of this lender at the registry; the provider of every authorisation. */
  readonly furnisher_id: string;
  /** Null when none is configured: then nothing is released (reason `no_profile`). */
  readonly profile: Profile | null;
  /** Oldest notice version that still authorises, by notice id; published notices come on top. */
  readonly notices: Readonly<Record<string, number>>;
  readonly now: () => Date;
  readonly newId: () => string;
}

/** Called now and then during long work. `done` and `total` are of one unit (bytes or rows). */
export type Progress = (step: string, done: number, total: number | null) => void;
