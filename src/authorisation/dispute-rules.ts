/**
 * What a jurisdiction says of blocks, statements, disputes and what is kept for how long, as data
 * beside its profile, in `dispute-rules/`. The clock of an answer and the retention of adverse
 * months stand in the profile itself (`dispute_days`, `adverse_retention`).
 *
 * What must stay true: without a profile there are no rules; each value names its source.
 * Source: domain facts 2.1 C5, C8, C9, C17, 2.2 U3, U4, U7, 2.3 E8, F4, 2.4 I2, 2.6.
 */
import { readFileSync } from 'node:fs';
import { type Static, Type } from 'typebox';
import { Errors } from 'typebox/value';
import { AssentError } from '../model/error.ts';
import { isDate } from '../model/period.ts';
import type { Profile } from './profile.ts';

const COUNT = Type.Integer({ minimum: 0, maximum: 100_000 });
const DAY = Type.String({ pattern: '^\\d{4}-\\d{2}-\\d{2}$' });
const closed = <T extends Parameters<typeof Type.Object>[0]>(properties: T) =>
  Type.Object(properties, { additionalProperties: false });

/** What becomes of a month or an account that a claim was upheld about; a field is hidden always. */
const UPHELD_EFFECTS = ['hide', 'erase'] as const;

const RULES = closed({
  name: Type.String(),
  /** Months that a fraud alert stands; `extended` with a report of the crime. */
  fraud_alert_months: closed({ initial: COUNT, extended: COUNT }),
  /** Words of a person's statement at most (`countWords`). */
  statement_words: Type.Integer({ minimum: 1, maximum: 10_000 }),
  /** Days within which a claim goes to its furnisher. */
  forward_days: closed({ days: COUNT, business: Type.Boolean() }),
  /** Whether the profile's `dispute_days` are business days, Monday to Friday. */
  answer_business_days: Type.Boolean(),
  /** Days within which what is said to be identity theft is blocked. */
  identity_theft_block: closed({ days: COUNT, business: Type.Boolean() }),
  upheld_effect: Type.Enum([...UPHELD_EFFECTS]),
  /** Owed to the person for each day that an answer is late; null: nothing. */
  compensation: Type.Union([
    closed({
      minor_per_day: Type.Integer({ minimum: 1 }),
      currency: Type.String({ pattern: '^[A-Z]{3}$' }),
    }),
    Type.Null(),
  ]),
  /** Where the person may complain about the answer, and in how many days that is answered. */
  regulator: closed({
    name_en: Type.String({ minLength: 3 }),
    name_zh: Type.String({ minLength: 3 }),
    url: Type.String({ pattern: '^https?://' }),
    answer_days: Type.Union([COUNT, Type.Null()]),
  }),
  /** Free reports besides the profile's, in a stretch of days, inclusive. */
  free_report_extras: Type.Array(closed({ from: DAY, to: DAY, reports: COUNT })),
  /** Months that messages to the person are kept. */
  message_months: Type.Integer({ minimum: 1, maximum: 1200 }),
  /** Months that evidence is kept after its dispute has ended. */
  evidence_months: Type.Integer({ minimum: 1, maximum: 1200 }),
  /** Months that what a report was made of is kept: so long it is made again byte for byte. */
  report_months: Type.Integer({ minimum: 1, maximum: 1200 }),
  /** Months that an enquiry, and that a report was issued, is known; null: as long as the file. */
  enquiry_months: Type.Union([Type.Integer({ minimum: 1, maximum: 1200 }), Type.Null()]),
  sources: Type.Record(Type.String(), Type.String({ minLength: 9 })),
});

export type DisputeRules = Readonly<Static<typeof RULES>>;

const SOURCED = Object.keys(RULES.properties).filter((key) => !['name', 'sources'].includes(key));

/** What is wrong with a document of rules, each with its place; empty when it is sound. */
export function disputeRulesProblems(document: unknown): string[] {
  const problems = Errors(RULES, document).map(
    (error) => `${error.instancePath || '/'}: ${error.message}`,
  );
  if (problems.length > 0) return problems;
  const rules = document as DisputeRules;
  const named = Object.keys(rules.sources);
  const { initial, extended } = rules.fraud_alert_months;
  return [
    ...SOURCED.filter((field) => !named.includes(field)).map(
      (field) => `/sources: names no source of ${field}`,
    ),
    ...named
      .filter((field) => !SOURCED.includes(field))
      .map((field) => `/sources: ${field} is no field`),
    ...rules.free_report_extras
      .filter(({ from, to }) => !isDate(from) || !isDate(to) || from > to)
      .map(({ from }) => `/free_report_extras: ${from} begins no stretch of days`),
    ...(rules.enquiry_months !== null && rules.enquiry_months < rules.report_months
      ? ['/enquiry_months: a report is made again longer than its enquiry is known']
      : []),
    ...(initial > extended ? ['/fraud_alert_months: the extended alert is the shorter one'] : []),
  ];
}

const loaded = new Map<string, DisputeRules>();

/**
 * The rules that belong to a profile.
 * @throws profile_unknown without a profile; profile_invalid, listing mistakes
 */
export function disputeRulesOf(profile: Pick<Profile, 'name'> | null): DisputeRules {
  if (profile === null) throw new AssentError('profile_unknown', { detail: 'none is configured' });
  const known = loaded.get(profile.name);
  if (known) return known;
  const url = new URL(`./dispute-rules/${profile.name.toLowerCase()}.json`, import.meta.url);
  const document: unknown = JSON.parse(readFileSync(url, 'utf8'));
  const problems = disputeRulesProblems(document);
  if (problems.length > 0) {
    const detail = `${profile.name}, dispute rules: ${problems.join('; ')}`;
    throw new AssentError('profile_invalid', { detail });
  }
  loaded.set(profile.name, document as DisputeRules);
  return document as DisputeRules;
}
