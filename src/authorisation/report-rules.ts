/**
 * What a jurisdiction says of reports and enquiries, as dated data beside its profile: the grid,
 * who may ask what for, what a block stops, what is not displayed. In `report-rules/`.
 *
 * What must stay true: a purpose that is not in the list is not permitted; without a profile there
 * is no list; each value and each purpose names its source.
 * Source: domain facts 1.5, 1.9, 2.1 C17, 2.2 U1 and U3, 2.3 E6, E7 and F4, 5.2, 5.3.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import canonicalize from 'canonicalize';
import { type Static, Type } from 'typebox';
import { Errors } from 'typebox/value';
import { AssentError } from '../model/error.ts';
import { LOOK_KINDS } from '../model/file-facts.ts';
import { GRID_SCALES } from '../model/grid.ts';
import { isDate } from '../model/period.ts';
import type { Profile } from './profile.ts';
import { LOOK_PURPOSES } from './record.ts';

const COUNT = Type.Integer({ minimum: 0, maximum: 1000 });
const DAY = Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}$' });
const SOURCE = Type.String({ minLength: 9 });
const KINDS = Type.Array(Type.Enum([...LOOK_KINDS]));
const closed = <T extends Parameters<typeof Type.Object>[0]>(properties: T) =>
  Type.Object(properties, { additionalProperties: false });

const RULES = closed({
  name: Type.String(),
  /** How the letters of the monthly grid are derived from days past due. */
  grid: Type.Enum([...GRID_SCALES]),
  /** Below either number a file is thin: months that its oldest account is open, months shown. */
  thin: closed({ months_open: COUNT, months_shown: COUNT }),
  /** Months that an enquiry is shown and counted. */
  enquiries_shown_months: Type.Integer({ minimum: 1, maximum: 120 }),
  /** Looks for new credit of one enquirer for one purpose within so many days count once. */
  new_credit_counts_once_days: COUNT,
  /** Kinds of looks that each block of the person stops. */
  blocks: closed({ freeze: KINDS, fraud_alert: KINDS, credit_ban: KINDS }),
  /** The closed list: a code, the kind of look, and what the authorisation must be for. */
  purposes: Type.Array(
    closed({
      code: Type.String({ pattern: '^[0-9A-Za-z_-]{2,40}$' }),
      meaning: Type.String({ minLength: 3 }),
      kind: Type.Enum(LOOK_KINDS.filter((kind) => kind !== 'own')),
      looks: Type.Array(Type.Enum([...LOOK_PURPOSES]), { minItems: 1 }),
      source: SOURCE,
    }),
    { minItems: 1 },
  ),
  /** Late months that are not displayed; the row stays. */
  suppressions: Type.Array(
    closed({
      rule: Type.String({ pattern: '^[a-z0-9_]{3,60}$' }),
      meaning: Type.String({ minLength: 3 }),
      currency: Type.String({ pattern: '^[A-Z]{3}$' }),
      /** Of each late month, minor units, inclusive. */
      past_due_at_most_minor: Type.Integer({ minimum: 0 }),
      /** The months of which it speaks, by day, inclusive. */
      period_from: DAY,
      period_to: DAY,
      /** The account is not late any more at a day up to this one, inclusive. */
      repaid_by: DAY,
      /** First day on which they are not displayed. */
      displays_from: DAY,
    }),
  ),
  sources: Type.Record(Type.String(), SOURCE),
});

export type ReportRules = Readonly<Static<typeof RULES>>;
export type PermissiblePurpose = ReportRules['purposes'][number];

const SOURCED = Object.keys(RULES.properties).filter((key) => !['name', 'sources'].includes(key));

function suppressionProblems({ suppressions }: ReportRules): string[] {
  return suppressions.flatMap((each) => {
    const days = [each.period_from, each.period_to, each.repaid_by, each.displays_from];
    const isSound =
      days.every(isDate) &&
      each.period_from <= each.period_to &&
      each.period_from <= each.repaid_by;
    return isSound ? [] : [`/suppressions: ${each.rule} has days that do not follow each other`];
  });
}

/** What is wrong with a document of rules, each with its place; empty when it is sound. */
export function reportRulesProblems(document: unknown): string[] {
  const problems = Errors(RULES, document).map(
    (error) => `${error.instancePath || '/'}: ${error.message}`,
  );
  if (problems.length > 0) return problems;
  const rules = document as ReportRules;
  const codes = rules.purposes.map(({ code }) => code);
  const named = Object.keys(rules.sources);
  return [
    ...codes
      .filter((code, index) => codes.indexOf(code) !== index)
      .map((code) => `/purposes: ${code} is listed twice`),
    ...SOURCED.filter((field) => !named.includes(field)).map(
      (field) => `/sources: names no source of ${field}`,
    ),
    ...named
      .filter((field) => !SOURCED.includes(field))
      .map((field) => `/sources: ${field} is no field`),
    ...suppressionProblems(rules),
  ];
}

const loaded = new Map<string, ReportRules>();

/**
 * The rules that belong to a profile; null without one.
 * @throws profile_invalid, listing mistakes
 */
export function reportRulesOf(profile: Pick<Profile, 'name'> | null): ReportRules | null {
  if (profile === null) return null;
  const known = loaded.get(profile.name);
  if (known) return known;
  const url = new URL(`./report-rules/${profile.name.toLowerCase()}.json`, import.meta.url);
  const document: unknown = JSON.parse(readFileSync(url, 'utf8'));
  const problems = reportRulesProblems(document);
  if (problems.length > 0) {
    const detail = `${profile.name}, report rules: ${problems.join('; ')}`;
    throw new AssentError('profile_invalid', { detail });
  }
  loaded.set(profile.name, document as ReportRules);
  return document as ReportRules;
}

const digests = new WeakMap<Profile, string>();

/** SHA-256 in hex over profile and rules together, as RFC 8785 JSON: what a report stood under. */
export function profileDigest(profile: Profile): string {
  const known = digests.get(profile);
  if (known) return known;
  const text = canonicalize({ profile, report_rules: reportRulesOf(profile) }) ?? '';
  const digest = createHash('sha256').update(text).digest('hex');
  digests.set(profile, digest);
  return digest;
}

/** What an authorisation must be for before its person is evaluated: E1, or Q2 as it goes on. */
const EVALUATED: readonly string[] = ['E1', 'Q2'];

/**
 * The purpose of that code, with what an authorisation must be for; null when the profile does not
 * know it, or not for such an answer. Approval of an evaluation opens no report, nor that of an
 * enquiry an evaluation: consent for one purpose is none for another (domain facts 2.2 U1).
 */
export function purposeOf(
  profile: Profile | null,
  code: string,
  answer: 'report' | 'evaluation',
): PermissiblePurpose | null {
  const found = reportRulesOf(profile)?.purposes.find((each) => each.code === code);
  const looks = (found?.looks ?? []).filter((look) =>
    answer === 'evaluation' ? EVALUATED.includes(look) : look !== 'E1',
  );
  return found && looks.length > 0 ? { ...found, looks } : null;
}
