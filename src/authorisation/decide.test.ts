import { expect, it } from 'vitest';
import type { Act, RowFacts } from './check.ts';
import { decideOne } from './decide.ts';
import { loadProfile } from './profile.ts';
import { sampleRecord } from './sample-record.ts';

const row: RowFacts = {
  subject_id: '00000000-0000-4000-8000-000000000001',
  account_ref: '00000000-0000-4000-8000-000000000002',
  kind: 'revolving_line',
  period: '2026-02',
  days_past_due: 0,
  active: true,
  adult_from: null,
};
const act: Act = {
  moment: new Date('2026-03-01T00:00:00Z'),
  provider_id: sampleRecord().parties.provider_id,
  recipient_class: 'registry',
  recipient_id: null,
  purposes: ['F1', 'F2'],
  use_id: '00000000-0000-4000-8000-000000000003',
  profile: loadProfile('CN'),
  notices: {},
};

it('lets an approval for another class of recipient say nothing, as the set form does', () => {
  const enquiry = sampleRecord({
    purpose: { code: 'Q1' },
    parties: { recipient_class: 'lender' },
  });
  const facts = { record: enquiry, subject_id: row.subject_id, state: 'given', uses: [] };
  expect(decideOne(row, [facts], act)).toEqual({ authorisation_id: null, reason: 'never_asked' });
});
