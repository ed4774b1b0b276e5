/** What the registry needs to work; everything that is not a pure function comes in here. */
import type { Profile } from '../authorisation/profile.ts';
import type { Database } from '../database/database.ts';
import type { KeyRing } from '../keys/key-ring.ts';

export interface Registry {
  readonly db: Database;
  readonly ring: KeyRing;
  /** The registry as a party: the provider of every authorisation to look at a file. */
  readonly registry_id: string;
  /** The registry's URL; `iss` of its receipts. */
  readonly issuer: string;
  readonly profile: Profile | null;
  /** Oldest notice version that still authorises, by notice id. */
  readonly notices: Readonly<Record<string, number>>;
  readonly now: () => Date;
  readonly newId: () => string;
  /** Called after a feed has grown, so that webhooks leave at once. */
  readonly announce?: () => void;
}
