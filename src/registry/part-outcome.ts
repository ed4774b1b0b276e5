/** How the rows of one part ended, and the faults that say why. */
import type { Session } from '../database/database.ts';
import type { Outcome, PartKind, RowFault } from '../wire/part.ts';

export interface PartOutcome {
  readonly outcome: Outcome;
  readonly faults: readonly Omit<RowFault, 'kind'>[];
}

export const NO_ROWS: Outcome = {
  declared: 0,
  accepted: 0,
  unchanged: 0,
  rejected: 0,
  held: 0,
  refused: 0,
};

/** Counts from the faults: whatever has no fault (or a warning only) was accepted. */
export function outcomeOf(declared: number, faults: PartOutcome['faults']): PartOutcome {
  const counts = { ...NO_ROWS, declared };
  const seen = new Set<number>();
  for (const { outcome, row_number } of faults) {
    if (outcome === 'accepted' || seen.has(row_number)) continue;
    seen.add(row_number);
    counts[outcome] += 1;
  }
  counts.accepted = declared - seen.size;
  return { outcome: counts, faults };
}

export function addOutcomes(left: Outcome, right: Outcome): Outcome {
  return {
    declared: left.declared + right.declared,
    accepted: left.accepted + right.accepted,
    unchanged: left.unchanged + right.unchanged,
    rejected: left.rejected + right.rejected,
    held: left.held + right.held,
    refused: left.refused + right.refused,
  };
}

export interface PartPlace {
  readonly submission_id: string;
  readonly part_number: number;
  readonly kind: PartKind;
}

/** Writes the outcome of a part with its faults and marks it processed; its bytes are let go. */
export async function recordPart(
  session: Session,
  place: PartPlace,
  result: PartOutcome,
  end: { readonly merkle_state: Uint8Array | null; readonly at: Date },
): Promise<void> {
  const { faults } = result;
  if (faults.length > 0) {
    await session.query(
      `insert into submission_fault (submission_id, part_number, fault_number, kind, row_number,
         outcome, rule, severity, field)
       select $1::uuid, $2::int, f.n, $3, f.row_number, f.outcome, f.rule, f.severity, f.field
       from unnest($4::bigint[], $5::text[], $6::text[], $7::text[], $8::text[]) with ordinality
         as f (row_number, outcome, rule, severity, field, n)`,
      [
        place.submission_id,
        place.part_number,
        place.kind,
        faults.map((f) => f.row_number),
        faults.map((f) => f.outcome),
        faults.map((f) => f.rule),
        faults.map((f) => f.severity),
        faults.map((f) => f.field),
      ],
    );
  }
  await session.query(
    `update submission_part set processed = true, counts = $3, merkle_state = $4,
       processed_at = $5, content_sealed = null
     where submission_id = $1 and part_number = $2`,
    [
      place.submission_id,
      place.part_number,
      JSON.stringify(result.outcome),
      end.merkle_state,
      end.at,
    ],
  );
}
