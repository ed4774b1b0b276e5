/** Failure codes of evaluation; error.ts lists every code and checks these with the rest. */
export const EVALUATION_ERRORS = {
  sample_unreadable: {
    status: 400,
    title: 'The sample cannot be read as a table.',
    remedy: 'Correct the place that the detail names (row 1 is the header) and run it again.',
  },
  sample_unfit: {
    status: 422,
    title: 'No sound scorecard can come from this sample.',
    remedy: 'Do what the detail says; docs/SCORECARD.md lists what a sample must have.',
  },
  recipe_invalid: {
    status: 400,
    title: 'The recipe is not valid.',
    remedy: 'Correct every place that the detail lists; docs/SCORECARD.md has the language.',
  },
  scorecard_invalid: {
    status: 400,
    title: 'The scorecard is not valid.',
    remedy: 'Correct the place that the detail names, or fit or import the card again.',
  },
  pmml_unsupported: {
    status: 400,
    title: 'The PMML says what this program does not understand.',
    remedy: 'Nothing was imported; docs/SCORECARD.md lists what of PMML 4.4 is understood.',
  },
  characteristic_invalid: {
    status: 422,
    title: 'A value is not what the characteristic of the scorecard holds.',
    remedy: 'Give a whole number, a text or null as the card says for each of its characteristics.',
  },
  scorecard_unknown: {
    status: 404,
    title: 'There is no scorecard of that name and version.',
    remedy: 'List the scorecards and name one of them.',
  },
  scorecard_exists: {
    status: 409,
    title: 'Another scorecard has this name and version.',
    remedy: 'A card never changes: give the changed one the next version.',
  },
  scorecard_step: {
    status: 409,
    title: 'The scorecard cannot go to that state from where it is.',
    remedy: 'A draft goes to shadow, a card in shadow becomes active, any may be retired.',
  },
  scorecard_blocked: {
    status: 409,
    title: 'The scorecard must not become active.',
    remedy: 'Do what the detail says; docs/EVALUATION.md explains each check.',
  },
  scoring_run_busy: {
    status: 409,
    title: 'The same people are being scored by another program.',
    remedy: 'Wait for the other run to end, or stop it; what is done is kept.',
  },
  scoring_run_unknown: {
    status: 404,
    title: 'There is no scoring run of that id.',
    remedy: 'Score everybody first, and use the run_id of the answer.',
  },
  scoring_run_unfit: {
    status: 409,
    title: 'Nobody may be told the scores of this run.',
    remedy: 'Do what the detail says; docs/EVALUATION.md says which runs are told.',
  },
  evaluation_unknown: {
    status: 404,
    title: 'There is no such evaluation, or it is not yours.',
    remedy: 'Use the id from the answer to the evaluation.',
  },
  review_unknown: {
    status: 404,
    title: 'There is no such review, or it was decided already.',
    remedy: 'List the open reviews and name one of them.',
  },
  application_invalid: {
    status: 422,
    title: 'The application asks for what this law does not let the registry use.',
    remedy: 'Do what the detail says and send it again with another use_id.',
  },
} as const;
