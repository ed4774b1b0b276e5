/** The rules of the reader: what can be wrong with a record before the rule book sees it. */
import type { RuleText } from '../model/fault.ts';

function rule(id: string, explanation: string, remedy: string): RuleText {
  return {
    id,
    version: 1,
    severity: 'reject',
    kind: 'file',
    field: null,
    explanation,
    remedy,
    effective_from: '2020-01-01',
    effective_to: null,
    source: 'docs/DATA.md',
  };
}

export const READER_RULES: readonly RuleText[] = [
  rule(
    'T01',
    'A record has as many fields as the header.',
    'Check delimiters and quotes in this row.',
  ),
  rule('T02', 'A required field is not empty.', 'Fill the field, or map another column.'),
  rule(
    'T03',
    'A date is a calendar date in the form that the mapping names.',
    'Correct the date or the format in the mapping.',
  ),
  rule(
    'T04',
    'An amount or a count is a number in the form that the mapping names.',
    'Correct the number, or unit and decimal in the mapping.',
  ),
  rule(
    'T05',
    'A code is one that the mapping or the field knows.',
    'Add the code to the table of the mapping.',
  ),
  rule(
    'T06',
    'Text is at most 200 characters and holds no control characters.',
    'Shorten or clean the text.',
  ),
];
