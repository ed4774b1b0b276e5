/**
 * A profile: a jurisdiction's rules as dated data, in `profiles/`.
 *
 * What must stay true: a profile that is not there is a gap, reported as one, never an allowance.
 */
import { readFileSync } from 'node:fs';
import { AssentError } from '../model/error.ts';

export interface Profile {
  readonly name: string;
  readonly effective_from: string;
  readonly adult_age: number;
  /** Legal bases on which a lender may furnish. */
  readonly legal_bases: readonly string[];
  /** `flagged`: approval as a condition of service counts where necessity is stated; `void`: never. */
  readonly conditionality: 'flagged' | 'void';
  readonly sources: Readonly<Record<string, string>>;
}

export const PROFILE_NAMES = ['CN', 'STRICT'] as const;

/** @throws profile_unknown, listing the profiles there are. */
export function loadProfile(name: string): Profile {
  const known = PROFILE_NAMES.find((candidate) => candidate === name.toUpperCase());
  if (!known) {
    throw new AssentError('profile_unknown', {
      detail: `the profiles are ${PROFILE_NAMES.join(', ')}`,
    });
  }
  const url = new URL(`./profiles/${known.toLowerCase()}.json`, import.meta.url);
  return JSON.parse(readFileSync(url, 'utf8')) as Profile;
}
