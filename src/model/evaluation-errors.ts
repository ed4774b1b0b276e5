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
} as const;
