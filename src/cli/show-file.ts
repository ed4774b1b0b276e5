/** A person's file as a table: one line an account. */
import { formatMoney } from '../model/money.ts';
import { table } from './print.ts';

export interface ShownFile {
  readonly subject_id: string;
  readonly accounts: readonly {
    readonly kind: string;
    readonly furnisher: string;
    readonly brand: string | null;
    readonly currency: string;
    readonly agreement_id?: string | null;
    readonly months:
      | readonly {
          readonly period: string;
          readonly balance_minor: number;
          readonly days_past_due: number;
          readonly authorisation_id: string;
        }[]
      | null;
  }[];
}

/** The identity is not shown: whoever needs it asks for JSON. */
export function showFile(file: ShownFile): string {
  const rows = file.accounts.map(({ kind, furnisher, brand, currency, months, agreement_id }) => {
    const last = months?.at(-1);
    return [
      brand ? `${brand} (${furnisher})` : furnisher,
      kind,
      agreement_id ? `…${agreement_id.slice(-8)}` : '',
      months?.length ?? 0,
      last
        ? `${last.period}: ${formatMoney(last.balance_minor, currency, 'en')}, ${last.days_past_due} days late`
        : '',
      last?.authorisation_id ?? '',
    ];
  });
  const head = ['lender', 'account', 'agreement', 'months', 'newest month', 'under authorisation'];
  return `subject ${file.subject_id}\n${table(head, rows)}`;
}
