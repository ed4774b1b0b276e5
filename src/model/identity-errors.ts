/** Failure codes of people's identity; error.ts lists every code and checks these with the rest. */
export const IDENTITY_ERRORS = {
  case_unknown: {
    status: 404,
    title: 'There is no such case of identity.',
    remedy: '`assent registry cases --all` lists them.',
  },
  case_decided: {
    status: 409,
    title: 'The case was decided already.',
    remedy: 'Undo what it did (`assent registry undo`), which opens it again.',
  },
  identity_event_unknown: {
    status: 404,
    title: 'There is no such merge or split.',
    remedy: '`assent registry identity-events` lists them.',
  },
  identity_not_movable: {
    status: 409,
    title: 'That cannot be merged, split or undone as things stand.',
    remedy: 'The detail says what stands in the way; nothing was moved.',
  },
  identity_taken: {
    status: 409,
    title: 'The identity document belongs to another person here.',
    remedy: 'If the two are one person, merge them; else find out whose document it is.',
  },
  identity_invalid: {
    status: 400,
    title: 'The identity is not one that can be.',
    remedy: 'Check kind, country, number and birth date against the document.',
  },
  erasure_unknown: {
    status: 404,
    title: 'There is no such request or certificate of erasure.',
    remedy: 'Use the request_id that was answered when erasure was asked for.',
  },
  matching_unfit: {
    status: 409,
    title: 'The records do not tell people apart well enough to fit weights to.',
    remedy: 'Nothing changed: the weights in use stay. Fit again when there are more people.',
  },
} as const;
