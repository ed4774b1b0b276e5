-- A hand-over: what the gate decided at `decided_at`, cut into parts, ended by a receipt.
-- Only released rows are listed: the withheld are counted here by reason and can be decided
-- again for the same moment from the events.

create table handover (
  handover_id uuid primary key,
  period date not null,
  state text not null,
  decided_at timestamptz not null,
  in_scope bigint not null,
  already_handed_over bigint not null,
  released bigint not null,
  withheld jsonb not null,
  counts jsonb,
  receipt text,
  ended_at timestamptz
);
create unique index handover_running on handover (period) where state = 'decided';

create table handover_row (
  handover_id uuid not null,
  account_id uuid not null,
  revision int not null,
  authorisation_id uuid not null,
  subject_id uuid not null,
  preceding text not null,
  row_number bigint not null,
  withheld_since text,
  primary key (handover_id, account_id)
);

create table handover_part (
  handover_id uuid not null,
  part_number int not null,
  kind text not null,
  rows bigint not null,
  sha256 text not null,
  uploaded boolean not null,
  primary key (handover_id, part_number)
);

-- Which version of each person, account and authorisation travels with the hand-over.
create table handover_sent (
  handover_id uuid not null,
  kind text not null,
  row_number bigint not null,
  ref uuid not null,
  version int not null,
  primary key (handover_id, kind, row_number)
);

-- Rows that the registry did not accept, from its answer.
create table handover_fault (
  handover_id uuid not null,
  fault_number int not null,
  kind text not null,
  row_number bigint not null,
  outcome text not null,
  rule text not null,
  severity text not null,
  field text,
  primary key (handover_id, fault_number)
);

-- What the registry already has: the newest version or revision that a receipt covers.
create table furnished_customer (subject_id uuid primary key, identity_version int not null);
create table furnished_account (account_id uuid primary key, revision int not null);
create table furnished_authorisation (authorisation_id uuid primary key, last_seq int not null);
create table furnished_month (
  period date not null,
  account_id uuid not null,
  revision int not null,
  handover_id uuid not null,
  outcome text not null,
  primary key (period, account_id, revision)
);
