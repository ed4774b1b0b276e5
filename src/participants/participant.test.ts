import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Database } from '../database/database.ts';
import { migrate } from '../database/migrate.ts';
import { openPglite } from '../database/pglite.ts';
import {
  type Admission,
  admitParticipant,
  findParticipant,
  listParticipants,
  reinstateParticipant,
  rotateKeys,
  suspendParticipant,
  useAssertion,
} from './participant.ts';
import { isScope, ROLE_SCOPES, ROLES, SCOPES } from './role.ts';

const NOW = new Date('2026-03-01T08:00:00Z');
const ID = '0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d';

function jwk(part: 'public' | 'private' = 'public') {
  const pair = generateKeyPairSync('ed25519');
  return (part === 'public' ? pair.publicKey : pair.privateKey).export({ format: 'jwk' });
}

function admission(over: Partial<Admission> = {}): Admission {
  return {
    participant_id: ID,
    name: 'North Lending',
    role: 'furnisher',
    licence_id: '91330106MA2CFLDG4R',
    brands: ['Huabei', 'Jie, "bei"'],
    jwks: { keys: [jwk()] },
    admitted_at: NOW,
    ...over,
  };
}

let db: Database;
beforeAll(async () => {
  db = await openPglite();
  await migrate(db, 'registry', () => NOW);
});
afterAll(() => db.close());

let counter = 0;
function nextId(): string {
  counter += 1;
  return `00000000-0000-4000-8000-${String(counter).padStart(12, '0')}`;
}

describe('roles and scopes', () => {
  test('every role has scopes, every scope a role, and the auditor is not the operator', () => {
    for (const role of ROLES) expect(ROLE_SCOPES[role].length).toBeGreaterThan(0);
    const granted = new Set(Object.values(ROLE_SCOPES).flat());
    expect([...granted].sort()).toEqual(Object.keys(SCOPES).sort());
    expect(ROLE_SCOPES.operator).not.toContain('submissions:write');
    expect(ROLE_SCOPES.furnisher).not.toContain('files:read');
    expect(isScope('files:read')).toBe(true);
    expect(isScope('constructor')).toBe(false);
  });
});

describe('admission', () => {
  test('is kept whole, and an exact repetition changes nothing', async () => {
    const first = await admitParticipant(db, admission());
    expect(first).toMatchObject({
      participant_id: ID,
      brands: ['Huabei', 'Jie, "bei"'],
      scopes: ROLE_SCOPES.furnisher,
      state: 'admitted',
      admitted_at: NOW,
    });
    expect(first.jwks.keys[0]?.kid).toMatch(/^[\w-]{43}$/);
    const again = await admitParticipant(db, admission({ jwks: first.jwks }));
    expect(again).toEqual(first);
    expect(await findParticipant(db, ID)).toEqual(first);
  });

  test('with the same id and other facts is refused', async () => {
    await expect(admitParticipant(db, admission({ name: 'South' }))).rejects.toMatchObject({
      code: 'participant_exists',
    });
  });

  test.each([
    ['a scope beyond the role', { scopes: ['audits:run'] as const }],
    ['an upper-case id', { participant_id: ID.toUpperCase() }],
    ['an empty name', { name: '' }],
    ['a name of two lines', { name: 'a\nb' }],
    ['no key', { jwks: { keys: [] } }],
    ['keys that are not a set', { jwks: 'keys' }],
    ['a null key', { jwks: { keys: [null] } }],
    ['a private key', { jwks: { keys: [jwk('private')] } }],
    ['a symmetric key', { jwks: { keys: [{ kty: 'oct', k: 'c2VjcmV0' }] } }],
    ['a short x', { jwks: { keys: [{ kty: 'OKP', crv: 'Ed25519', x: 'AA' }] } }],
    [
      'two keys of one kid',
      {
        jwks: {
          keys: [
            { ...jwk(), kid: 'a' },
            { ...jwk(), kid: 'a' },
          ],
        },
      },
    ],
    ['nine keys', { jwks: { keys: Array.from({ length: 9 }, () => jwk()) } }],
  ])('with %s is refused', async (_what, over) => {
    const id = { participant_id: nextId() };
    await expect(admitParticipant(db, admission({ ...id, ...over }))).rejects.toMatchObject({
      code: 'participant_invalid',
    });
    expect(await findParticipant(db, id.participant_id)).toBeNull();
  });

  test('keeps the public members of a key only', async () => {
    const keys = await rotateKeys(db, ID, { keys: [{ ...jwk(), kid: 'k1', note: 'mine' }] });
    expect(Object.keys(keys.keys[0] ?? {}).sort()).toEqual(['crv', 'kid', 'kty', 'x']);
    expect((await findParticipant(db, ID))?.jwks).toEqual(keys);
  });
});

describe('finding', () => {
  test.each([
    ['upper case', ID.toUpperCase()],
    ['truncated', ID.slice(0, -1)],
    ['braces', `{${ID}}`],
    ['no hyphens', ID.replaceAll('-', '')],
    ['a space', `${ID} `],
    ['a line break', `${ID}\n`],
    ['nothing', ''],
  ])('by an id in %s finds nobody', async (_what, id) => {
    expect(await findParticipant(db, id)).toBeNull();
    await expect(suspendParticipant(db, id)).rejects.toMatchObject({ code: 'participant_unknown' });
  });

  test('never throws, whatever the id', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string(), async (id) => {
        expect(await findParticipant(db, id)).toBeNull();
      }),
      { numRuns: 50 },
    );
  });

  test('suspension and its end are seen at once', async () => {
    await suspendParticipant(db, ID);
    expect((await findParticipant(db, ID))?.state).toBe('suspended');
    await reinstateParticipant(db, ID);
    expect((await findParticipant(db, ID))?.state).toBe('admitted');
    expect((await listParticipants(db)).map((one) => one.participant_id)).toEqual([ID]);
  });
});

describe('a client assertion', () => {
  const use = (jti: string, now = NOW, participant_id = ID) =>
    useAssertion(db, {
      participant_id,
      jti,
      expires_at: new Date(now.getTime() + 60_000),
      now,
    });

  test('counts once, also when asked at the same moment', async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => use('one')));
    expect(answers.filter((yes) => yes)).toHaveLength(1);
    expect(await use('One')).toBe(true);
  });

  test('is pruned long after it expired, never before', async () => {
    const count = async () =>
      (await db.query('select 1 from client_assertion where participant_id = $1', [ID])).rows
        .length;
    const before = await count();
    await use('two', new Date(NOW.getTime() + 5 * 60_000));
    expect(await count()).toBe(before + 1);
    await use('three', new Date(NOW.getTime() + 60 * 60_000));
    expect(await count()).toBe(1);
  });
});
