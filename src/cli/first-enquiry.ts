/**
 * The first run's third lender: it holds no account of anybody, has a borrower's approval to be
 * evaluated, and asks. Its scorecards are the examples.
 *
 * What must stay true: run again, it brings nothing new and is given the same answer again.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AuthorisationColumns } from '../authorisation/from-columns.ts';
import type { ApiClient } from '../wire/api-client.ts';
import {
  bringAuthorisation,
  connectEnquirer,
  createEnquirerHome,
  openEnquirer,
} from './enquirer-home.ts';
import { type EvaluationAnswer, evaluationText } from './evaluation-commands.ts';
import { isHome, newId } from './home.ts';
import { identityOf } from './identify-borrower.ts';

const EXAMPLES = new URL('../../examples/', import.meta.url);
const CARDS = ['full', 'thin'] as const;
const WHY = 'the first run has something to show';
/** Loan approval (domain facts 1.9). */
const PURPOSE = '02';
const APPLICATION = {
  amount_minor: 2_000_000,
  currency: 'CNY',
  term_months: 12,
  annual_rate_bp: 1_800,
};

/** The example cards, active, once. */
async function addScorecards(operator: ApiClient): Promise<void> {
  const { scorecards } = await operator.json<{ scorecards: object[] }>({
    method: 'GET',
    path: '/v1/scorecards',
  });
  if (scorecards.length > 0) return;
  for (const kind of CARDS) {
    const read = (end: string) =>
      readFileSync(new URL(`${kind}.scorecard.${end}`, EXAMPLES), 'utf8');
    const card = JSON.parse(read('json')) as { name: string; version: number };
    const post = (path: string, json: object) =>
      operator.json({ method: 'POST', path: `/v1/scorecards${path}`, json: { why: WHY, ...json } });
    await post('', { card, validation_report: read('html') });
    for (const to of ['shadow', 'active'])
      await post(`/${card.name}/${card.version}/state`, { to });
  }
}

interface Approval {
  readonly authorisation_id: string;
  readonly use_id: string;
  readonly given_at: string;
}

/** The approval of an earlier run, else a new one; kept beside the keys. */
function approvalOf(home: string): Approval {
  const path = join(home, 'approval.json');
  if (!existsSync(path)) {
    const approval = {
      authorisation_id: newId(),
      use_id: newId(),
      given_at: new Date(Date.now() - 60_000).toISOString(),
    };
    writeFileSync(path, `${JSON.stringify(approval)}\n`);
  }
  return JSON.parse(readFileSync(path, 'utf8')) as Approval;
}

const columnsOf = ({ authorisation_id, given_at }: Approval) =>
  ({
    authorisation_id,
    subject_ref: authorisation_id,
    purpose: 'E1',
    products: ['revolving_line', 'instalment_loan'],
    accounts: 'ALL',
    fetch: 'ONETIME',
    starts_at: given_at,
    notice_id: 'evaluation',
    notice_version: 1,
    notice_sha256: 'a'.repeat(64),
    language: 'zh',
    channel: 'app',
    evidence_method: 'click',
    evidence_sha256: 'b'.repeat(64),
    service_conditional: false,
    events: [{ event: 'given', event_at: given_at }],
  }) as unknown as AuthorisationColumns;

/** Where the lender lives, and who lets it in. */
export interface EnquiryWorld {
  readonly home: string;
  readonly url: string;
  readonly operator: ApiClient;
  /** Admits a participant once. */
  readonly admit: (card: object) => Promise<void>;
}

/** Lets a lender ask for the evaluation of a borrower. @returns what to tell the reader */
export async function evaluateBorrower(world: EnquiryWorld, borrower: string): Promise<string> {
  const home = join(world.home, 'enquirer');
  await addScorecards(world.operator);
  if (!isHome(home)) createEnquirerHome(home, 'Bridge Bank');
  await world.admit(JSON.parse(readFileSync(join(home, 'participant.json'), 'utf8')) as object);
  await connectEnquirer(home, world.url, false);
  const enquirer = openEnquirer(home);
  const approval = approvalOf(home);
  const person = await identityOf(world.operator, borrower);
  await bringAuthorisation(enquirer, columnsOf(approval), person);
  const { authorisation_id, use_id } = approval;
  const answer = await enquirer.api.json<EvaluationAnswer>({
    method: 'POST',
    path: '/v1/evaluations',
    json: { authorisation_id, use_id, purpose: PURPOSE, application: APPLICATION },
    idempotent: true,
  });
  return `\nanother lender, Bridge Bank, evaluates the same borrower under their approval (E1); the borrower was told\n${evaluationText(answer)}`;
}
