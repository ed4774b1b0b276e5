/** Failure codes of enquiries and reports. */
export const ENQUIRY_ERRORS = {
  enquiry_altered: {
    status: 409,
    title: 'The use_id was used for another enquiry.',
    remedy: 'Ask again with the same body, or with a new use_id.',
  },
  enquiry_unknown: {
    status: 404,
    title: 'There is no such enquiry of yours.',
    remedy: 'Check the id: an enquiry is seen by its enquirer alone.',
  },
  report_unknown: {
    status: 404,
    title: 'There is no such report of yours.',
    remedy: 'Check the id; the report of a person who was erased is gone.',
  },
  report_purged: {
    status: 410,
    title: 'What the report was made of has had its time.',
    remedy: 'Ask for a new report; that this one was issued, when and with which hash, is kept.',
  },
  report_altered: {
    status: 500,
    title: 'The report made again is not the report that was issued.',
    remedy: 'Keep the database as it is and ask who could have written to it: a hash differs.',
  },
} as const;
