/**
 * What a dispute says in a request, whoever sends it: the fields that are wrong, with their files.
 *
 * What must stay true: evidence comes in the body, in base64, and is known by its first bytes.
 */
import { Type } from 'typebox';
import { EVIDENCE_FILES_MAX } from '../registry/evidence.ts';
import { CLAIM_FIELDS } from '../wire/claim.ts';
import { nullable, UUID } from './me-schema.ts';

/** Bytes of such a request at most: evidence grows by a third in base64. */
export const DISPUTE_BYTES = 36 * 1024 * 1024;

/** The properties of one claim. */
export const WISH = {
  field: Type.Enum([...CLAIM_FIELDS]),
  account_id: Type.Optional(nullable(UUID)),
  period: Type.Optional(
    nullable(Type.String({ pattern: '^[0-9]{4}-(0[1-9]|1[0-2])$', description: 'YYYY-MM' })),
  ),
  claimed_value: Type.Optional(nullable(Type.String({ maxLength: 200 }))),
  evidence: Type.Optional(
    Type.Array(Type.String({ pattern: '^[A-Za-z0-9+/]+={0,2}$', description: 'base64' }), {
      maxItems: EVIDENCE_FILES_MAX,
    }),
  ),
};

/** Claims with the bytes of their files. */
export const wishesOf = <T extends { readonly evidence?: readonly string[] }>(
  claims: readonly T[],
) =>
  claims.map(({ evidence = [], ...claim }) => ({
    ...claim,
    evidence: evidence.map((text) => Buffer.from(text, 'base64')),
  }));
