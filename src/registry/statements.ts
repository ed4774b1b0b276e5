/**
 * A person's own words about their file or about one account, shown on every report while they
 * stand.
 *
 * What must stay true: sealed under the person's key before they reach the database; no longer
 * than the law says; withdrawn when the person says so.
 * Source: FCRA 611(b) (U7), UK notice of correction (E8), Order 631 article 16 (C4).
 */
import { disputeRulesOf } from '../authorisation/dispute-rules.ts';
import { AssentError } from '../model/error.ts';
import { countWords } from '../model/words.ts';
import { holdPerson, tellPerson, traceAct } from './person.ts';
import type { Registry } from './registry.ts';

export interface Statement {
  readonly statement_id: string;
  /** Null: about the whole file. */
  readonly account_id: string | null;
  readonly language: string;
  readonly text: string;
  readonly made_at: Date;
  readonly withdrawn_at: Date | null;
}

export interface StatementWish {
  readonly account_id?: string | null;
  /** BCP 47, such as `en` or `zh`. */
  readonly language: string;
  readonly text: string;
}

/** Bytes at most, whatever the words: a word may be long. */
const BYTES_MAX = 16_384;
const CONTROL = /[\p{Cc}--[\n\t]]/v;

/** Where alone the sealed text opens. */
export const statementPlace = (statementId: string) => `statement ${statementId}`;

function wrong(detail: string): never {
  throw new AssentError('statement_invalid', { detail });
}

function checkText(text: string, words: number): void {
  const count = countWords(text);
  if (count === 0) wrong('it says nothing');
  if (count > words) wrong(`it has ${count} words; ${words} are allowed`);
  if (CONTROL.test(text) || !text.isWellFormed()) wrong('it holds characters that are no text');
  if (Buffer.byteLength(text) > BYTES_MAX) wrong(`it has more than ${BYTES_MAX} bytes`);
}

/**
 * Adds a statement. @throws file_unknown, profile_unknown
 * @throws statement_invalid: too long, empty, or about an account that is not in the file
 */
export async function makeStatement(
  registry: Registry,
  subjectId: string,
  wish: StatementWish,
): Promise<Statement> {
  const text = wish.text.normalize('NFC').trim();
  checkText(text, disputeRulesOf(registry.profile).statement_words);
  if (!/^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$/.test(wish.language)) wrong('its language has no tag');
  return registry.db.transaction(async (session) => {
    const { wrapped_key } = await holdPerson(session, subjectId);
    const { language, account_id = null } = wish;
    const { rows } = await session.query(
      'select 1 from account where subject_id = $1 and account_id::text = $2 limit 1',
      [subjectId, account_id],
    );
    if (account_id !== null && rows.length === 0) wrong('it is about an account not in the file');
    const statement_id = registry.newId();
    const made_at = registry.now();
    const sealed = registry.ring.seal(wrapped_key, Buffer.from(text), statementPlace(statement_id));
    await session.query(
      `insert into subject_statement (subject_id, statement_id, account_id, language, text_sealed,
         made_at) values ($1, $2, $3, $4, $5, $6)`,
      [subjectId, statement_id, account_id, language, sealed, made_at],
    );
    await traceAct(registry, session, subjectId, {
      participant_id: registry.registry_id,
      purpose: 'statement',
      reason: 'statement added',
    });
    await tellPerson(registry, session, subjectId, {
      kind: 'statement_added',
      facts: { statement_id, account_id },
    });
    return { statement_id, account_id, language, text, made_at, withdrawn_at: null };
  });
}

/** Withdraws a statement; its words go, that there was one stays. @throws statement_unknown */
export async function withdrawStatement(
  registry: Registry,
  subjectId: string,
  statementId: string,
): Promise<void> {
  await registry.db.transaction(async (session) => {
    await holdPerson(session, subjectId);
    const { affected } = await session.query(
      `update subject_statement set withdrawn_at = coalesce(withdrawn_at, $3), text_sealed = ''
       where subject_id = $1 and statement_id::text = $2`,
      [subjectId, statementId, registry.now()],
    );
    if (affected === 0) throw new AssentError('statement_unknown');
    await traceAct(registry, session, subjectId, {
      participant_id: registry.registry_id,
      purpose: 'statement',
      reason: 'statement withdrawn',
    });
  });
}

/** The statements that stand, oldest first. @throws file_unknown */
export async function listStatements(registry: Registry, subjectId: string): Promise<Statement[]> {
  const { rows } = await registry.db.query<
    Omit<Statement, 'text'> & { text_sealed: Uint8Array; wrapped_key: Uint8Array }
  >(
    `select t.statement_id, t.account_id, t.language, t.made_at, t.withdrawn_at, t.text_sealed,
       s.wrapped_key
     from subject_statement t join subject s on s.subject_id = t.subject_id
     where t.subject_id = $1 and t.withdrawn_at is null order by t.made_at, t.statement_id`,
    [subjectId],
  );
  return rows.map(({ text_sealed, wrapped_key, ...rest }) => {
    const place = statementPlace(rest.statement_id);
    const text = registry.ring.open(wrapped_key, text_sealed, place);
    return { ...rest, text: Buffer.from(text).toString('utf8') };
  });
}
