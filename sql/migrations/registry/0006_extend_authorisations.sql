-- The limits of the record that the checks read, how often each was used, and who vouches for it.

alter table authorisation
  add column recipient_id uuid,
  add column classes text[] not null default '{}',
  add column mode text not null default 'STORE',
  add column frequency_n int,
  add column frequency_window interval,
  add column data_life interval,
  add column condition_state text,
  add column has_alternative boolean not null default false,
  add column withdrawal_effect text not null default 'STOP_AND_RESTRICT';
create index authorisation_by_arrangement on authorisation (arrangement_id);

-- An event is vouched for by its collector: alone (`signature`, a JWS over its hash), or as the
-- newest event of leaf `leaf_index` of a batch whose root is signed; the chain covers those before.
alter table authorisation_event
  add column signature text,
  add column batch_id uuid,
  add column leaf_index bigint;
create index authorisation_event_by_batch on authorisation_event (batch_id, leaf_index)
  where batch_id is not null;

create table authorisation_batch (
  batch_id uuid primary key,
  collector_id uuid not null,
  opened_at timestamptz not null,
  -- The tree so far; `size` leaves. Signed when the batch is closed.
  merkle_state bytea not null,
  size bigint not null,
  signed text,
  closed_at timestamptz
);

-- One row for each hand-over or enquiry that used an authorisation with a limit on its uses.
create table authorisation_use (
  subject_id uuid not null,
  authorisation_id uuid not null,
  use_id uuid not null,
  used_at timestamptz not null,
  primary key (subject_id, authorisation_id, use_id)
);

-- What was refused: an altered record, another's id, an event that may not follow.
create table authorisation_refusal (
  refusal_id uuid primary key,
  authorisation_id uuid,
  by_party uuid not null,
  at timestamptz not null,
  why text not null
);
