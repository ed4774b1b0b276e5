/** Failure codes of tapes and mappings; error.ts lists every code and checks these with the rest. */
export const TAPE_ERRORS = {
  tape_unknown: {
    status: 404,
    title: 'No such tape or hand-over is known here.',
    remedy: 'Run `assent gateway tapes` or `assent gateway hand-overs` to see their ids.',
  },
  tape_empty: {
    status: 400,
    title: 'The file holds no records.',
    remedy: 'Check that the right file was sent, and that the export ran to its end.',
  },
  tape_binary: {
    status: 400,
    title: 'The file is not text.',
    remedy: 'Send CSV, plain or gzip.',
  },
  tape_encoding: {
    status: 400,
    title: 'The text is not in the encoding that the mapping names.',
    remedy: 'Set file.encoding in the mapping to utf-8 or gb18030, or export again.',
  },
  tape_truncated: {
    status: 400,
    title: 'The compressed file is cut off or damaged.',
    remedy: 'Fetch the file again; nothing of it was loaded.',
  },
  tape_header_missing: {
    status: 400,
    title: 'The header lacks columns that the mapping reads.',
    remedy: 'Compare the header with the mapping; names are compared exactly.',
  },
  tape_record_too_long: {
    status: 400,
    title: 'One record is longer than a record can be.',
    remedy: 'Check line ends and quotes of the export.',
  },
  tape_quote_open: {
    status: 400,
    title: 'A quoted field is never closed.',
    remedy: 'Check the quotes of the export near the line named.',
  },
  mapping_invalid: {
    status: 400,
    title: 'The mapping is not valid.',
    remedy: 'Correct every place that the detail lists; docs/DATA.md has the language.',
  },
} as const;
