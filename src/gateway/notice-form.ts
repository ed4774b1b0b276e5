/**
 * What is wrong with a notice before anybody reads it: its form, its texts, and whether the law
 * of the gateway's profile would let an approval under it count for anything.
 *
 * What must stay true: every problem is listed, each with its place; what passes here can be
 * asked with, and an approval of it would be valid.
 */

import { Type } from 'typebox';
import { Errors } from 'typebox/value';
import type { Profile } from '../authorisation/profile.ts';
import {
  CONDITIONS,
  DATA_CLASSES,
  PURPOSE_RECIPIENTS,
  PURPOSES,
  type Purpose,
  RECIPIENT_CLASSES,
  TIME_UNITS,
} from '../authorisation/record.ts';
import { isTimeZone, LANGUAGES, type NoticeDocument, type NoticePurpose } from '../model/notice.ts';
import { ACCOUNT_KINDS } from '../model/record.ts';
import { UUID_TEXT } from '../model/uuid.ts';

const closed = <T extends Parameters<typeof Type.Object>[0]>(properties: T) =>
  Type.Object(properties, { additionalProperties: false });
const orNull = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) =>
  Type.Union([schema, Type.Null()]);
/** Text that says something: no control characters, a letter or a digit somewhere. */
const TEXT = Type.String({ maxLength: 2000, pattern: '^[^\\p{Cc}]*[\\p{L}\\p{N}][^\\p{Cc}]*$' });
const SPAN = orNull(
  closed({ n: Type.Integer({ minimum: 1, maximum: 1000 }), unit: Type.Enum([...TIME_UNITS]) }),
);
const some = (values: readonly string[]) =>
  Type.Array(Type.Enum([...values]), { minItems: 1, uniqueItems: true });

const PURPOSE = closed({
  code: Type.Enum([...PURPOSES]),
  recipient_class: Type.Enum([...RECIPIENT_CLASSES]),
  recipient_id: orNull(Type.String({ pattern: `^(self|${UUID_TEXT})$` })),
  classes: some(DATA_CLASSES),
  products: some(ACCOUNT_KINDS),
  sensitive: Type.Boolean(),
  mode: Type.Enum(['STORE', 'QUERY', 'VIEW']),
  fetch: Type.Enum(['PERIODIC', 'ONETIME']),
  frequency: SPAN,
  data_life: SPAN,
  condition: orNull(Type.Enum([...CONDITIONS])),
  validity_months: orNull(Type.Integer({ minimum: 1, maximum: 600 })),
  service_conditional: Type.Boolean(),
});

const PURPOSE_TEXT = closed({
  title: TEXT,
  recipient: TEXT,
  data: TEXT,
  reason: TEXT,
  duration: TEXT,
  refusal: TEXT,
  withdrawal: TEXT,
  necessity: Type.Optional(TEXT),
  alternative: Type.Optional(TEXT),
});

const NOTICE_TEXT = closed({
  title: TEXT,
  introduction: TEXT,
  lender: TEXT,
  contact: TEXT,
  complaint: TEXT,
  purposes: Type.Record(Type.String(), PURPOSE_TEXT),
});

const NOTICE = closed({
  notice_id: Type.String({ pattern: '^[a-z0-9][a-z0-9._-]{0,99}$' }),
  version: Type.Integer({ minimum: 1, maximum: 1_000_000 }),
  material: Type.Boolean(),
  withdrawal_uri: orNull(Type.String({ pattern: '^https://[^\\s?#]{1,300}$' })),
  time_zone: Type.String({ maxLength: 100 }),
  purposes: Type.Array(PURPOSE, { minItems: 1, maxItems: PURPOSES.length }),
  texts: closed(Object.fromEntries(LANGUAGES.map((each) => [each, Type.Optional(NOTICE_TEXT)]))),
});

function lawProblems(place: string, purpose: NoticePurpose, profile: Profile): string[] {
  const problems: string[] = [];
  const isLawful = profile.legal_bases.some(
    ({ basis, purposes }) =>
      basis === 'consent' && purposes.includes(purpose.code as (typeof purposes)[number]),
  );
  if (!isLawful) problems.push(`${place}/code: ${profile.name} knows no consent for it`);
  if (purpose.service_conditional && profile.conditionality === 'void') {
    problems.push(
      `${place}/service_conditional: ${profile.name} gives an approval that was made a condition no value`,
    );
  }
  const most = profile.validity_months;
  if (most !== null && (purpose.validity_months === null || purpose.validity_months > most))
    problems.push(`${place}/validity_months: ${profile.name} allows ${most} at most`);
  return problems;
}

function purposeProblems(place: string, purpose: NoticePurpose): string[] {
  const problems: string[] = [];
  const classes: readonly string[] = PURPOSE_RECIPIENTS[purpose.code as Purpose];
  if (!classes.includes(purpose.recipient_class))
    problems.push(`${place}/recipient_class: ${purpose.code} is for ${classes.join(', ')}`);
  if (purpose.recipient_id === 'self' && purpose.recipient_class !== 'lender')
    problems.push(`${place}/recipient_id: self is a lender`);
  if (purpose.recipient_class === 'registry' && purpose.mode !== 'STORE')
    problems.push(`${place}/mode: a registry stores what it is handed`);
  return problems;
}

function textProblems(notice: NoticeDocument): string[] {
  const codes = notice.purposes.map(({ code }) => code);
  const languages = LANGUAGES.filter((language) => notice.texts[language]);
  if (languages.length === 0) return ['/texts: has no language'];
  return languages.flatMap((language) => {
    const texts = notice.texts[language]?.purposes ?? {};
    const place = `/texts/${language}/purposes`;
    const extra = Object.keys(texts).filter((code) => !codes.includes(code));
    return [
      ...extra.map(() => `${place}: tells of a purpose that the notice does not have`),
      ...notice.purposes.flatMap(({ code, service_conditional }) => {
        const text = texts[code];
        if (!text) return [`${place}/${code}: is missing`];
        const conditional = (['necessity', 'alternative'] as const).filter(
          (field) => (text[field] !== undefined) !== service_conditional,
        );
        return conditional.map((field) =>
          service_conditional
            ? `${place}/${code}/${field}: is missing, and service depends on this purpose`
            : `${place}/${code}/${field}: is said, but service does not depend on this purpose`,
        );
      }),
    ];
  });
}

/**
 * Everything that is wrong with a notice, each with its place (RFC 6901); empty when it is sound.
 * @param profile the law it is asked under; null: none is configured, and that is a problem
 */
export function noticeProblems(document: unknown, profile: Profile | null): string[] {
  const malformed = Errors(NOTICE, document).map(
    (error) => `${error.instancePath || '/'}: ${error.message}`,
  );
  if (malformed.length > 0) return [...new Set(malformed)];
  const notice = document as NoticeDocument;
  const codes = notice.purposes.map(({ code }) => code);
  return [
    ...(profile ? [] : ['/: the gateway has no profile, so no approval would be valid']),
    ...(isTimeZone(notice.time_zone) ? [] : ['/time_zone: is not the name of a time zone']),
    ...(new Set(codes).size < codes.length ? ['/purposes: names one twice'] : []),
    ...notice.purposes.flatMap((purpose, index) => {
      const place = `/purposes/${index}`;
      const law = profile ? lawProblems(place, purpose, profile) : [];
      return [...purposeProblems(place, purpose), ...law];
    }),
    ...textProblems(notice),
  ];
}
