-- The credit agreement under which an account was drawn, as its furnisher names it: its limit and
-- dates as the account's revision said them.
alter table account
  add column agreement_id uuid,
  add column agreement_limit_minor bigint,
  add column agreement_opened_on date,
  add column agreement_ends_on date;
