/**
 * A profile: a jurisdiction's rules as dated data, in `profiles/`, each value with its source.
 *
 * What must stay true: a profile that is not there is a gap, reported as one, never an allowance;
 * one that is not whole, or names no source for a value, is refused before anything runs.
 * Source: domain facts 2.1 to 2.6; docs/LAW.md lists every rule and where it is enforced.
 */
import { readFileSync } from 'node:fs';
import { type Static, Type } from 'typebox';
import { Errors } from 'typebox/value';
import { AssentError } from '../model/error.ts';
import { LEGAL_BASES, PURPOSES, WITHDRAWAL_EFFECTS } from './record.ts';

const COUNT = Type.Integer({ minimum: 0, maximum: 100_000 });
const COUNT_OR_NONE = Type.Union([COUNT, Type.Null()]);
const closed = <T extends Parameters<typeof Type.Object>[0]>(properties: T) =>
  Type.Object(properties, { additionalProperties: false });

const PROFILE = closed({
  name: Type.String({ pattern: '^[A-Z]{2,10}$' }),
  title: Type.String({ minLength: 1 }),
  /** First day of force of the youngest rule below. */
  effective_from: Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}$' }),
  adult_age: Type.Integer({ minimum: 1, maximum: 30 }),
  /** Whether a guardian may answer for a minor or a ward. */
  guardian_may_answer: Type.Boolean(),
  /** On what a lender may rely, for which purposes and rows. A record names its basis. */
  legal_bases: Type.Array(
    closed({
      basis: Type.Enum([...LEGAL_BASES]),
      purposes: Type.Array(Type.Enum([...PURPOSES]), { minItems: 1 }),
      rows: Type.Enum(['all', 'adverse']),
    }),
    { minItems: 1 },
  ),
  /**
   * What approval as a condition of service is worth: `valid`; `flagged`: valid where necessity is
   * stated; `flagged_with_alternative`: where an alternative was offered as well; `void`: nothing.
   */
  conditionality: Type.Enum(['valid', 'flagged', 'flagged_with_alternative', 'void']),
  /** After a material change of a notice: older approvals stop (`ask_again`), or people are told. */
  notice_change: Type.Enum(['ask_again', 'inform']),
  /** Each recipient class is asked for by itself. */
  separate_per_recipient: Type.Boolean(),
  /** Whether an adverse month needs a notice to the person before it is furnished (rule V14). */
  adverse_notice: Type.Enum(['prior', 'none']),
  /** An approval ends this many months after it began; null: when it says so. */
  validity_months: COUNT_OR_NONE,
  /** Days before the end of an approval on which the person is reminded, falling. */
  expiry_notice_days: Type.Array(COUNT),
  /** Days after which an unanswered request lapses. */
  request_lapses_days: Type.Integer({ minimum: 1, maximum: 3650 }),
  /** Reminders of one request at most, and days between two. */
  reminders: closed({ most: COUNT, days_between: Type.Integer({ minimum: 1, maximum: 365 }) }),
  /** Hours of the person's day, `[from, to)`, outside of which nobody is asked. */
  asking_hours: closed({
    from: Type.Integer({ minimum: 0, maximum: 23 }),
    to: Type.Integer({ minimum: 1, maximum: 24 }),
  }),
  /** What happens to what the registry already holds when an approval is withdrawn. */
  withdrawal_effect: Type.Enum([...WITHDRAWAL_EFFECTS]),
  /** Ends besides `withdrawn` that have the same effect on what is held; without it, none has. */
  effect_after: Type.Optional(
    Type.Array(Type.Enum(['expired', 'revoked_by_other', 'invalidated'])),
  ),
  /** Months that the records of approvals and refusals are kept after their end. */
  record_kept_months: COUNT,
  /** Months that adverse months are kept, and from when the clock runs. */
  adverse_retention: closed({
    months: COUNT,
    from: Type.Enum(['end_of_event', 'first_delinquency']),
  }),
  /** Days for the answer to a dispute; for the furnisher's share of them; for an extension. */
  dispute_days: closed({ answer: COUNT, furnisher: COUNT, extension: COUNT }),
  /** Free reports a person may have in a calendar year; null: any number. */
  free_reports_per_year: COUNT_OR_NONE,
  /** Hours within which a breach is notified; 0: at once. */
  breach_notice_hours: COUNT,
  /** Where each value comes from, by the name of its field. */
  sources: Type.Record(Type.String(), Type.String({ minLength: 3 })),
});

export type Profile = Readonly<Static<typeof PROFILE>>;

export const PROFILE_NAMES = ['CN', 'US', 'EU', 'UK', 'IN', 'STRICT'] as const;
const UNSOURCED = ['name', 'title', 'effective_from', 'sources'];

/** What is wrong with a profile document, each with its place; empty when it is sound. */
export function profileProblems(document: unknown): string[] {
  const problems = Errors(PROFILE, document).map(
    (error) => `${error.instancePath || '/'}: ${error.message}`,
  );
  if (problems.length > 0) return problems;
  const profile = document as Profile;
  for (const field of Object.keys(profile)) {
    if (!UNSOURCED.includes(field) && !profile.sources[field])
      problems.push(`/sources: names no source of ${field}`);
  }
  const { from, to } = profile.asking_hours;
  if (from >= to) problems.push('/asking_hours: must begin before they end');
  const days = profile.expiry_notice_days;
  if (days.some((each, index) => index > 0 && each >= (days[index - 1] ?? 0)))
    problems.push('/expiry_notice_days: must fall');
  return problems;
}

/** @throws profile_unknown, listing the profiles there are; profile_invalid, listing mistakes. */
export function loadProfile(name: string): Profile {
  const known = PROFILE_NAMES.find((candidate) => candidate === name.toUpperCase());
  if (!known) {
    throw new AssentError('profile_unknown', {
      detail: `the profiles are ${PROFILE_NAMES.join(', ')}`,
    });
  }
  const url = new URL(`./profiles/${known.toLowerCase()}.json`, import.meta.url);
  const document: unknown = JSON.parse(readFileSync(url, 'utf8'));
  const problems = profileProblems(document);
  if (problems.length > 0)
    throw new AssentError('profile_invalid', { detail: `${known}: ${problems.join('; ')}` });
  return document as Profile;
}

/** `basis:purpose` or `basis:purpose:adverse` for whatever the profile lets a lender rely on. */
export function basisTexts(profile: Profile | null): string[] {
  return (profile?.legal_bases ?? []).flatMap(({ basis, purposes, rows }) =>
    purposes.map((purpose) => `${basis}:${purpose}${rows === 'all' ? '' : ':adverse'}`),
  );
}
