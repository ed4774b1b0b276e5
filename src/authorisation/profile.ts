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
import { isDate } from '../model/period.ts';
import { LEGAL_BASES, PURPOSES, WITHDRAWAL_EFFECTS } from './record.ts';

/** From the laxest to the strictest. */
export const CONDITIONALITIES = ['valid', 'flagged', 'flagged_with_alternative', 'void'] as const;

const COUNT = Type.Integer({ minimum: 0, maximum: 100_000 });
const COUNT_OR_NONE = Type.Union([COUNT, Type.Null()]);
const closed = <T extends Parameters<typeof Type.Object>[0]>(properties: T) =>
  Type.Object(properties, { additionalProperties: false });

/** Fields under "kept for later work" are validated and shown; nothing reads them yet. */
const PROFILE = closed({
  name: Type.String({ pattern: '^[A-Z]{2,10}$' }),
  title: Type.String({ minLength: 1 }),
  /** First day of force of the youngest rule below; before it the profile is as good as none. */
  effective_from: Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}$' }),
  /** Years; read when a tape is loaded. */
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
  conditionality: Type.Enum([...CONDITIONALITIES]),
  /** Consent given by voice alone is none. */
  written_consent: Type.Boolean(),
  /** After a material change of a notice: older approvals stop (`ask_again`), or people are told. */
  notice_change: Type.Enum(['ask_again', 'inform']),
  /** Each recipient class is asked for by itself: no record lets data pass on to another class. */
  separate_per_recipient: Type.Boolean(),
  /** Whether an adverse month needs a notice to the person before it is furnished (rule V14). */
  adverse_notice: Type.Enum(['prior', 'none']),
  /** An approval ends this many months after it began; null: when it says so. */
  validity_months: Type.Union([Type.Integer({ minimum: 1, maximum: 1200 }), Type.Null()]),
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
  /** Ends besides `withdrawn` that have the same effect on what is held. */
  effect_after: Type.Array(Type.Enum(['expired', 'revoked_by_other', 'invalidated'])),
  /** Months that the records of approvals and refusals are kept after their end. */
  record_kept_months: COUNT,
  // Kept for later work: the credit file, enquiries, disputes, erasure.
  /** Items such as income or deposits only after a warning of their effects, in writing. */
  sensitive_warning: Type.Boolean(),
  /** Days after furnishing within which the person is told of an adverse month; 0: at once. */
  adverse_entry_notice_days: COUNT,
  /** Months that adverse months are kept, and from when the clock runs. */
  adverse_retention: closed({
    months: COUNT,
    from: Type.Enum(['end_of_event', 'first_delinquency']),
  }),
  /** Days for the answer to a dispute; for the furnisher's share of them; for an extension. */
  dispute_days: closed({ answer: COUNT, furnisher: COUNT, extension: COUNT }),
  /** Free reports a person may have in a calendar year; null: any number. */
  free_reports_per_year: COUNT_OR_NONE,
  /** Months that a person can see who looked at the file; null: as long as there is a file. */
  access_history_months: COUNT_OR_NONE,
  /** Hours between telling a person of an erasure and doing it. */
  erasure_notice_hours: COUNT,
  /** Hours within which a breach is notified; 0: at once. */
  breach_notice_hours: COUNT,
  /** Where each value comes from, by the name of its field. */
  sources: Type.Record(Type.String(), Type.String({ minLength: 3 })),
});

export type Profile = Readonly<Static<typeof PROFILE>>;

export const PROFILE_NAMES = ['CN', 'US', 'EU', 'UK', 'IN', 'STRICT'] as const;
/** Every field, in the order in which a person reads them. */
export const PROFILE_FIELDS = Object.keys(PROFILE.properties) as (keyof Profile)[];
const UNSOURCED = ['name', 'title', 'sources'];

function sourceProblems(profile: Profile): string[] {
  const problems: string[] = [];
  const sourced: string[] = PROFILE_FIELDS.filter((field) => !UNSOURCED.includes(field));
  for (const field of sourced) {
    const source = profile.sources[field];
    if (source === undefined) problems.push(`/sources: names no source of ${field}`);
    else if (/to be named|tbd|todo/i.test(source)) problems.push(`/sources/${field}: names none`);
  }
  for (const field of Object.keys(profile.sources))
    if (!sourced.includes(field)) problems.push(`/sources: ${field} is no field`);
  return problems;
}

/** One basis says one thing about a purpose: twice is a contradiction or a slip. */
function basisProblems({ legal_bases }: Profile): string[] {
  const said = new Map<string, string>();
  return legal_bases.flatMap(({ basis, purposes, rows }) =>
    purposes.flatMap((purpose) => {
      const before = said.get(`${basis} ${purpose}`);
      said.set(`${basis} ${purpose}`, rows);
      if (before === undefined) return [];
      const how = before === rows ? 'is listed twice' : 'contradicts itself';
      return [`/legal_bases: ${basis} for ${purpose} ${how}`];
    }),
  );
}

/** Fewest days in so many months: the notices of an end must fit into the approval. */
const DAYS_IN_MONTH = 28;

function clockProblems(profile: Profile): string[] {
  const { from, to } = profile.asking_hours;
  const { most, days_between } = profile.reminders;
  const { answer, furnisher } = profile.dispute_days;
  const days = profile.expiry_notice_days;
  const validity = profile.validity_months;
  const wrong: [boolean, string][] = [
    [!isDate(profile.effective_from), '/effective_from: is no day of the calendar'],
    [from >= to, '/asking_hours: must begin before they end'],
    [
      days.some((each, index) => index > 0 && each >= (days[index - 1] ?? 0)),
      '/expiry_notice_days: must fall',
    ],
    [
      validity !== null && (days[0] ?? 0) >= validity * DAYS_IN_MONTH,
      '/expiry_notice_days: must fit into validity_months',
    ],
    [
      most * days_between >= profile.request_lapses_days,
      '/reminders: must fit into request_lapses_days',
    ],
    [furnisher > answer, '/dispute_days: the share of the furnisher exceeds the answer'],
  ];
  return wrong.filter(([isWrong]) => isWrong).map(([, problem]) => problem);
}

/** What is wrong with a profile document, each with its place; empty when it is sound. */
export function profileProblems(document: unknown): string[] {
  const problems = Errors(PROFILE, document).map(
    (error) => `${error.instancePath || '/'}: ${error.message}`,
  );
  if (problems.length > 0) return problems;
  const profile = document as Profile;
  return [...sourceProblems(profile), ...basisProblems(profile), ...clockProblems(profile)];
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

/** True from the first day of force, in UTC. */
export function isInForce(profile: Profile, moment: Date): boolean {
  return profile.effective_from <= moment.toISOString().slice(0, 10);
}

/** `basis:purpose` or `basis:purpose:adverse` for whatever the profile lets a lender rely on. */
export function basisTexts(profile: Profile | null): string[] {
  return (profile?.legal_bases ?? []).flatMap(({ basis, purposes, rows }) =>
    purposes.map((purpose) => `${basis}:${purpose}${rows === 'all' ? '' : ':adverse'}`),
  );
}

const FLAGS = ['guardian_may_answer', 'written_consent', 'separate_per_recipient'] as const;

/** The names of the flags that the profile sets, among those that the checks read. */
export function profileFlags(profile: Profile | null): string[] {
  return FLAGS.filter((flag) => profile?.[flag] === true);
}
