/**
 * What a gateway needs to work: its store, its keys, who it is and under which law it stands.
 * Everything that is not a pure function of its arguments comes in here.
 */
import type { Parties } from '../authorisation/export-ts27560.ts';
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
  /** What exports say of the lender and its recipients, as far as it is configured. */
  readonly parties?: Parties;
  readonly now: () => Date;
  readonly newId: () => string;
  /** Month rows of a part at most; 50,000 when not said. */
  readonly partRows?: number;
  /** Called after an event was recorded, so that the registry is told at once. */
  readonly announce?: () => void;
}

/** Called now and then during long work. `done` and `total` are of one unit (rows if unsaid). */
export type Progress = (
  step: string,
  done: number,
  total: number | null,
  unit?: 'bytes' | 'rows' | 'parts' | 'authorisations',
) => void;
