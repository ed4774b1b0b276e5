/**
 * Client authentication by a signed assertion: private_key_jwt, RFC 7523 sections 2.2 and 3.
 *
 * What must stay true: nothing about a client is said before its signature holds, so a stranger
 * learns neither who participates nor who is suspended; an assertion counts once, and only for
 * this server.
 */
import { compactVerify, decodeJwt, decodeProtectedHeader, importJWK } from 'jose';
import type { Participant, ParticipantStore } from '../participants/participant.ts';
import type { PublicKey } from '../participants/public-keys.ts';
import { OAuthError } from './oauth-error.ts';

export const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer';

/** An assertion must expire soon after it was made. */
const LIFETIME_MAX_S = 300;
/** How far a client's clock may run ahead of ours. */
const LEEWAY_S = 30;
const ASSERTION_CHARACTERS_MAX = 4096;
const JTI_CHARACTERS_MAX = 200;

/** No `typ`, the plain one, or the explicit one of draft-ietf-oauth-rfc7523bis. */
const TYPES = [undefined, 'JWT', 'client-authentication+jwt'];

export interface AssertionOptions {
  readonly participants: ParticipantStore;
  /** What `aud` may be: the issuer or the token endpoint's URL. */
  readonly audiences: readonly string[];
  readonly now: Date;
}

type Claims = Readonly<Record<string, unknown>>;

interface ClaimCheck {
  readonly description: string;
  readonly holds: (claims: Claims, now_s: number, audiences: readonly string[]) => boolean;
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

/** RFC 7523 section 3, in the order in which a refusal is reported. */
const CLAIM_CHECKS: readonly ClaimCheck[] = [
  {
    description: 'aud must be exactly one: our issuer or token endpoint',
    holds: ({ aud }, _now, audiences) => {
      const one: unknown = Array.isArray(aud) && aud.length === 1 ? aud[0] : aud;
      return typeof one === 'string' && audiences.includes(one);
    },
  },
  {
    description: 'exp is missing or has passed',
    holds: ({ exp }, now) => isTime(exp) && exp > now,
  },
  {
    description: `exp is more than ${LIFETIME_MAX_S} seconds ahead`,
    holds: ({ exp }, now) => isTime(exp) && exp <= now + LIFETIME_MAX_S,
  },
  {
    description: 'iat lies in the future',
    holds: ({ iat }, now) => iat === undefined || (isTime(iat) && iat <= now + LEEWAY_S),
  },
  {
    description: 'nbf lies in the future',
    holds: ({ nbf }, now) => nbf === undefined || (isTime(nbf) && nbf <= now + LEEWAY_S),
  },
  {
    description: `jti must be a text of 1 to ${JTI_CHARACTERS_MAX} visible ASCII characters`,
    holds: ({ jti }) =>
      typeof jti === 'string' && jti.length <= JTI_CHARACTERS_MAX && /^[\x21-\x7e]+$/.test(jti),
  },
];

function unauthenticated(): OAuthError {
  return new OAuthError('invalid_client', 'client authentication failed');
}

/** Reads who the assertion claims to be, and under which key; nothing of it is trusted yet. */
function readClaimant(assertion: string): { id: string; kid: string | undefined } {
  if (assertion.length > ASSERTION_CHARACTERS_MAX) throw unauthenticated();
  try {
    const header = decodeProtectedHeader(assertion);
    const { iss, sub } = decodeJwt(assertion);
    const isKnownForm =
      header.alg === 'EdDSA' && header.crit === undefined && TYPES.includes(header.typ);
    if (!isKnownForm || iss === undefined || iss !== sub) throw unauthenticated();
    return { id: iss, kid: header.kid };
  } catch {
    throw unauthenticated();
  }
}

async function verifiedClaims(
  assertion: string,
  keys: readonly PublicKey[],
): Promise<Claims | null> {
  for (const key of keys) {
    try {
      const imported = await importJWK({ ...key }, 'EdDSA');
      const { payload } = await compactVerify(assertion, imported, { algorithms: ['EdDSA'] });
      return JSON.parse(new TextDecoder().decode(payload)) as Claims;
    } catch {
      // Not this key: a participant that rotates has two.
    }
  }
  return null;
}

/**
 * Authenticates a client by its assertion (a compact JWS, EdDSA) and uses the assertion up.
 * @throws OAuthError invalid_client.
 */
export async function authenticateClient(
  assertion: string,
  options: AssertionOptions,
): Promise<Participant> {
  const { id, kid } = readClaimant(assertion);
  const participant = await options.participants.find(id);
  const keys = participant?.jwks.keys.filter((key) => kid === undefined || key.kid === kid) ?? [];
  const claims = await verifiedClaims(assertion, keys);
  if (!participant || !claims) throw unauthenticated();

  const now_s = options.now.getTime() / 1000;
  const broken = CLAIM_CHECKS.find((check) => !check.holds(claims, now_s, options.audiences));
  if (broken) throw new OAuthError('invalid_client', broken.description);
  if (participant.state !== 'admitted') {
    throw new OAuthError('invalid_client', 'the participant is suspended');
  }
  const isFirstUse = await options.participants.useAssertion({
    participant_id: participant.participant_id,
    jti: String(claims['jti']),
    expires_at: new Date(Number(claims['exp']) * 1000),
    now: options.now,
  });
  if (!isFirstUse) throw new OAuthError('invalid_client', 'the assertion was used before');
  return participant;
}
