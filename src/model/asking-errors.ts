/** Failure codes of asking borrowers; error.ts lists every code and checks these with the rest. */
export const ASKING_ERRORS = {
  notice_invalid: {
    status: 422,
    title: 'The notice is not as it must be.',
    remedy: 'Correct every place that the detail lists; docs/ASKING.md has the form.',
  },
  notice_altered: {
    status: 409,
    title: 'A published version of a notice never changes, and versions only rise.',
    remedy: 'Publish the changed words as a new version.',
  },
  notice_unknown: {
    status: 404,
    title: 'There is no such notice, or not in that version.',
    remedy: 'List the notices with `gateway notices`.',
  },
  profile_unset: {
    status: 409,
    title: 'The gateway has no profile: nobody may be asked and nothing is released.',
    remedy: 'Set the profile of the law that applies.',
  },
  request_unfit: {
    status: 422,
    title: 'The person cannot be asked for that.',
    remedy: 'Ask for no more than the newest version of the notice says, of a person in the book.',
  },
  request_altered: {
    status: 409,
    title: 'A request with this id exists and asks for something else.',
    remedy: 'Use a new request_id for a new request.',
  },
  campaign_unknown: {
    status: 404,
    title: 'There is no such campaign.',
    remedy: 'List the campaigns with `gateway campaign show`.',
  },
  campaign_invalid: {
    status: 422,
    title: 'The plan of the campaign is not as it must be.',
    remedy: 'Correct what the detail names; docs/ASKING.md explains each part of a plan.',
  },
  campaign_state: {
    status: 409,
    title: 'The campaign is not in a state for this.',
    remedy: 'Show the campaign; one that was stopped never runs again.',
  },
} as const;
