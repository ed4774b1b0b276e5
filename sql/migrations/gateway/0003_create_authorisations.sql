-- The borrowers' authorisations and their events, as collected by this lender.

-- One person × one provider × one recipient class × one purpose. The record never changes;
-- `state` is the fold of the events, kept beside it for the hot path (an audit compares them).
create table authorisation (
  subject_id uuid not null,
  authorisation_id uuid not null,
  arrangement_id uuid not null,
  supersedes uuid,
  profile text not null,
  provider_id uuid not null,
  recipient_class text not null,
  purpose text not null,
  legal_basis text not null,
  products text[] not null,
  accounts text[],
  range_from date,
  range_to date,
  fetch_type text not null,
  starts_at timestamptz not null,
  expires_at timestamptz,
  service_conditional boolean not null,
  has_necessity boolean not null,
  notice_id text not null,
  notice_version int not null,
  record jsonb not null,
  record_sha256 bytea not null,
  recorded_at timestamptz not null,
  state text not null,
  last_seq int not null,
  primary key (subject_id, authorisation_id)
);
create index authorisation_by_id on authorisation (authorisation_id);

-- Append-only. `at` is when it happened, `recorded_at` when this database learned of it.
create table authorisation_event (
  subject_id uuid not null,
  authorisation_id uuid not null,
  seq int not null,
  type text not null,
  state text not null,
  at timestamptz not null,
  recorded_at timestamptz not null,
  by_party uuid not null,
  reason text,
  prev_hash bytea,
  hash bytea not null,
  primary key (subject_id, authorisation_id, seq)
);
