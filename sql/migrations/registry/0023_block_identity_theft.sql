-- Identity theft has a clock of its own, and disputes that come by post are entered for the person.
alter table dispute
  -- Why all of its claims are made; null: the figures are wrong.
  add column ground text check (ground in ('identity_theft')),
  add column block_due_at timestamptz,
  add column block_state text check (block_state in ('asked', 'blocked', 'declined', 'lifted')),
  -- How it came; null: from the person's own session.
  add column channel text check (channel in ('post', 'counter')),
  add column received_on date,
  add column entered_by uuid,
  add column entry_reason text;
create index dispute_block_due on dispute (block_due_at) where state = 'open' and block_state = 'asked';

alter table reinsertion_guard drop constraint reinsertion_guard_cause_check;
alter table reinsertion_guard add check
  (cause in ('corrected', 'deleted', 'upheld', 'purged', 'identity_theft'));
