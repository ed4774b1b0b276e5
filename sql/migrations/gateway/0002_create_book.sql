-- The lender's loan book: customers (identity sealed), accounts, months as revisions.
-- One row of `tape` for each file taken in; its faults stand beside it.

create table tape (
  tape_id uuid primary key,
  sha256 text not null,
  name text not null,
  mapping_name text not null,
  mapping_sha256 text not null,
  state text not null,
  started_at timestamptz not null,
  ended_at timestamptz,
  counts jsonb not null
);
create unique index tape_by_content on tape (sha256, mapping_sha256) where state = 'loaded';

create table tape_fault (
  tape_id uuid not null,
  fault_number int not null,
  rule text not null,
  severity text not null,
  kind text not null,
  row_number bigint,
  period text,
  field text,
  found text,
  primary key (tape_id, fault_number)
);

-- `identity_hash` is a keyed hash of the whole identity: it tells a change without opening the seal.
create table customer (
  subject_id uuid primary key,
  subject_ref text not null unique,
  identity_kind text not null,
  identity_hash bytea not null,
  identity_version int not null,
  wrapped_key bytea not null,
  identity_sealed bytea not null,
  adult_from date,
  tape_id uuid not null
);

create table account (
  account_id uuid primary key,
  account_ref text not null unique,
  subject_id uuid not null,
  revision int not null,
  kind text not null,
  brand text,
  currency text not null,
  opened_on date,
  closed_on date,
  original_amount_minor bigint,
  term_months int,
  tape_id uuid not null
);
create index account_by_subject on account (subject_id);

create table account_month (
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
  tape_id uuid not null,
  primary key (period, account_id, revision)
);

create unlogged table stage_account (
  row_number bigint not null,
  account_ref text not null,
  subject_ref text not null,
  kind text not null,
  brand text,
  currency text not null,
  opened_on date,
  closed_on date,
  original_amount_minor bigint,
  term_months int
);

create unlogged table stage_month (
  row_number bigint not null,
  account_ref text not null,
  period date not null,
  as_of date not null,
  status text not null,
  limit_minor bigint,
  borrowed_minor bigint,
  balance_minor bigint not null,
  due_minor bigint,
  paid_minor bigint,
  days_past_due bigint not null,
  past_due_minor bigint,
  first_delinquency_on date,
  last_paid_on date,
  five_class bigint
);

-- The last three are null for an identity that is the book's already.
create unlogged table stage_customer (
  row_number bigint not null,
  subject_ref text not null,
  identity_kind text not null,
  identity_hash bytea not null,
  adult_from date,
  subject_id uuid,
  wrapped_key bytea,
  identity_sealed bytea
);
