/** Failure codes of a person's file and own routes; error.ts lists every code and checks these with the rest. */
export const PERSON_ERRORS = {
  not_identified: {
    status: 422,
    title: 'That does not identify a person.',
    remedy: 'Verify the document again: its number must have the form of its kind.',
  },
  ticket_unknown: {
    status: 404,
    title: 'The ticket does not open a session: unknown, used, or too old.',
    remedy: 'Be identified again; a ticket counts once, for five minutes.',
  },
  session_unknown: {
    status: 401,
    title: 'There is no open session.',
    remedy: 'Be identified again: a session ends after 20 minutes without use, or 8 hours.',
  },
  form_outdated: {
    status: 400,
    title: 'The form does not belong to this session.',
    remedy: 'Open the page again and fill it in there.',
  },
  reports_used_up: {
    status: 409,
    title: 'The free printed reports of this year are used up.',
    remedy: 'Read the file as often as you like, or have an earlier report again.',
  },
  file_unknown: {
    status: 404,
    title: 'There is no file of that person.',
    remedy: 'Check the id or the document.',
  },
  nothing_held: {
    status: 404,
    title: 'What was verified about the person leads to nothing held here.',
    remedy: 'If there should be a file, ask the operator to compare the details of identity.',
  },
} as const;
