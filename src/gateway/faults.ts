/** The tapes taken in, and what was wrong with them. */
import type { Session } from '../database/database.ts';
import { AssentError } from '../model/error.ts';
import { READER_RULES } from '../tape/reader-rules.ts';
import { ruleText } from '../tape/rule-book.ts';

export interface TapeLine {
  readonly tape_id: string;
  readonly name: string;
  readonly mapping_name: string;
  readonly state: string;
  readonly started_at: Date;
  readonly counts: Readonly<Record<string, unknown>>;
}

/** Tapes taken in, newest first; there are a few a month. */
export async function listTapes(session: Session): Promise<TapeLine[]> {
  const { rows } = await session.query<TapeLine>(
    'select tape_id, name, mapping_name, state, started_at, counts from tape order by started_at desc',
  );
  return rows;
}

export interface FaultLine {
  readonly row_number: number | null;
  readonly period: string | null;
  readonly kind: string;
  readonly rule: string;
  readonly severity: string;
  readonly field: string | null;
  readonly found: string | null;
  readonly explanation: string;
  readonly remedy: string;
}

const PAGE = 10_000;

/** Faults of a tape, the reader's first, in pages. @throws tape_unknown */
export async function* tapeFaults(session: Session, tapeId: string): AsyncGenerator<FaultLine[]> {
  const known = await session.query('select 1 from tape where tape_id::text = $1', [tapeId]);
  if (known.rows.length === 0) throw new AssentError('tape_unknown');
  for (let after = 0; ; ) {
    const { rows } = await session.query<
      Omit<FaultLine, 'explanation' | 'remedy'> & { fault_number: number }
    >(
      `select fault_number, row_number, period, kind, rule, severity, field, found from tape_fault
       where tape_id = $1 and fault_number > $2 order by fault_number limit ${PAGE}`,
      [tapeId, after],
    );
    if (rows.length === 0) return;
    after = rows.at(-1)?.fault_number ?? after;
    yield rows.map(({ fault_number: _, ...row }) => {
      const text = ruleText(row.rule) ?? READER_RULES.find((rule) => rule.id === row.rule);
      return { ...row, explanation: text?.explanation ?? '', remedy: text?.remedy ?? '' };
    });
  }
}

export const FAULT_COLUMNS = [
  'row_number',
  'period',
  'kind',
  'rule',
  'severity',
  'field',
  'found',
  'explanation',
  'remedy',
] as const satisfies readonly (keyof FaultLine)[];
