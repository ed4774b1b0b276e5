/** Failure codes of a person's rights over their file: blocks, statements, disputes. */
export const DISPUTE_ERRORS = {
  block_invalid: {
    status: 400,
    title: 'The block is not valid.',
    remedy: 'A freeze has no end; a credit ban may; a fraud alert lasts as long as the law says.',
  },
  block_unknown: {
    status: 404,
    title: 'There is no such block on the file.',
    remedy: 'List the blocks of the file; one that has run out cannot be lifted.',
  },
  statement_invalid: {
    status: 400,
    title: 'The statement is not valid.',
    remedy: 'The detail says how many words it may have, or which account is not in the file.',
  },
  statement_unknown: {
    status: 404,
    title: 'There is no such statement in the file.',
    remedy: 'List the statements of the file.',
  },
  claim_invalid: {
    status: 400,
    title: 'The claim cannot be made.',
    remedy: 'Correct what the detail names: each claim is about one field that the file holds.',
  },
  theft_invalid: {
    status: 400,
    title: 'The block for identity theft cannot be made or changed so.',
    remedy:
      'Name whole accounts, months or looks, send the report of the crime, and a ground to decline.',
  },
  claim_running: {
    status: 409,
    title: 'A claim about this field is being looked into.',
    remedy: 'Wait for its answer; the dispute it belongs to shows until when.',
  },
  claim_unknown: {
    status: 404,
    title: 'There is no such claim for you to see.',
    remedy: 'Check the id: a furnisher sees the claims about its own accounts alone.',
  },
  claim_ended: {
    status: 409,
    title: 'The claim has ended.',
    remedy: 'Nothing was changed. The person may open a new dispute.',
  },
  answer_invalid: {
    status: 400,
    title: 'The answer to the claim is not whole.',
    remedy:
      '`verified` names the SHA-256 of its source document and a reason; `corrected` names another value that the field can have.',
  },
  dispute_unknown: {
    status: 404,
    title: 'There is no such dispute.',
    remedy: 'List the disputes of the file.',
  },
  dispute_ended: {
    status: 409,
    title: 'The dispute has ended.',
    remedy: 'Nothing was changed. The person may open a new one.',
  },
  extension_unlawful: {
    status: 409,
    title: 'The time for the answer cannot be extended.',
    remedy: 'Answer in time: the law here knows no extension, or this dispute has had its one.',
  },
  evidence_invalid: {
    status: 400,
    title: 'The evidence cannot be taken.',
    remedy: 'Send PDF, PNG or JPEG files of at most 5 MiB, at most five for a claim.',
  },
  evidence_unknown: {
    status: 404,
    title: 'There is no such evidence of that claim.',
    remedy: 'See the claim for its evidence; it is gone some time after the dispute has ended.',
  },
  guard_unknown: {
    status: 404,
    title: 'Nothing of that field is held back.',
    remedy: 'Name account, period, field and value as they were refused; what was purged stays so.',
  },
  account_unknown: {
    status: 404,
    title: 'There is no such account in the book.',
    remedy: 'Check the account number as it stands on the tape.',
  },
  reinstate_needless: {
    status: 409,
    title: 'The account is not closed.',
    remedy: 'Nothing was changed.',
  },
} as const;
