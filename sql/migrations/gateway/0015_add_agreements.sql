-- Credit agreements: one limit under which a person draws several accounts.

-- The lender's number stays here; what travels is `agreement_id`. An agreement of two people has an
-- id for each: nobody is found by what another borrows.
create table agreement (
  subject_id uuid not null,
  agreement_ref text not null,
  agreement_id uuid not null,
  primary key (subject_id, agreement_ref)
);

alter table account
  add column agreement_id uuid,
  add column agreement_limit_minor bigint,
  add column agreement_opened_on date,
  add column agreement_ends_on date;
alter table stage_account
  add column agreement_ref text,
  add column agreement_limit_minor bigint,
  add column agreement_opened_on date,
  add column agreement_ends_on date;
