-- The registry's store. `subject_id` is first in every key of subject-owned tables (it is the
-- distribution column on Citus); the three locators are keyed by what they are looked up by.

create table subject (
  subject_id uuid primary key,
  identity_kind text not null,
  wrapped_key bytea not null,
  identity_sealed bytea not null,
  details_hash bytea not null,
  created_at timestamptz not null
);

-- Keyed hash of (kind, country, number); deleting the row and the subject's key is erasure.
create table subject_document (
  document_hash bytea primary key,
  subject_id uuid not null
);

create table subject_locator (
  subject_ref uuid not null,
  furnisher_id uuid not null,
  subject_id uuid not null,
  identity_version int not null,
  primary key (subject_ref, furnisher_id)
);

create table account_locator (
  account_ref uuid not null,
  furnisher_id uuid not null,
  subject_id uuid not null,
  account_id uuid not null,
  revision int not null,
  kind text not null,
  opened_on date,
  closed_on date,
  original_amount_minor bigint,
  term_months int,
  primary key (account_ref, furnisher_id)
);

create table account (
  subject_id uuid not null,
  account_id uuid not null,
  revision int not null,
  furnisher_id uuid not null,
  account_ref uuid not null,
  kind text not null,
  brand text,
  currency text not null,
  opened_on date,
  closed_on date,
  original_amount_minor bigint,
  term_months int,
  submission_id uuid not null,
  primary key (subject_id, account_id, revision)
);

-- Append-only by revision; one partition for each period, made when the period first arrives.
create table account_month (
  subject_id uuid not null,
  account_id uuid not null,
  period date not null,
  revision int not null,
  as_of date not null,
  status text not null,
  limit_minor bigint,
  borrowed_minor bigint,
  balance_minor bigint not null,
  due_minor bigint,
  paid_minor bigint,
  days_past_due int not null,
  past_due_minor bigint,
  first_delinquency_on date,
  last_paid_on date,
  five_class int,
  authorisation_id uuid not null,
  submission_id uuid not null,
  row_number bigint not null,
  primary key (subject_id, account_id, period, revision)
) partition by range (period);

-- Every look at a person's file: who, why, when. Written before a byte is returned.
create table access (
  subject_id uuid not null,
  access_id uuid not null,
  participant_id uuid not null,
  purpose text not null,
  reason text not null,
  at timestamptz not null,
  primary key (subject_id, access_id)
);
