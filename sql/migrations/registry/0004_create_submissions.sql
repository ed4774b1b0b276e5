-- What furnishers send: declared, uploaded in parts (sealed until processed), processed part by
-- part, each in one transaction together with its outcome.

create table submission (
  submission_id uuid primary key,
  furnisher_id uuid not null,
  period date not null,
  state text not null,
  profile text not null,
  rule_set_version int not null,
  declared_at timestamptz not null,
  completed_at timestamptz,
  ended_at timestamptz,
  manifest jsonb,
  counts jsonb,
  why text,
  receipt text
);
create index submission_by_furnisher on submission (furnisher_id, declared_at);

create table submission_part (
  submission_id uuid not null,
  part_number int not null,
  kind text not null,
  sha256 text not null,
  bytes bigint not null,
  content_sealed bytea,
  processed boolean not null,
  counts jsonb,
  merkle_state bytea,
  first_ref uuid,
  last_ref uuid,
  primary key (submission_id, part_number)
);

create table submission_fault (
  submission_id uuid not null,
  part_number int not null,
  fault_number int not null,
  kind text not null,
  row_number bigint not null,
  outcome text not null,
  rule text not null,
  severity text not null,
  field text,
  primary key (submission_id, part_number, fault_number)
);
