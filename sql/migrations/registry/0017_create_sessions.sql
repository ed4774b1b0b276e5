-- People who have been identified, and may see their own file for a while; and who may say so.

alter table participant drop constraint participant_role_check;
alter table participant add constraint participant_role_check check (role in
  ('operator', 'furnisher', 'enquirer', 'supervisor', 'auditor', 'app', 'officer', 'identifier'));
update participant set scopes = scopes || array['people:identify'] where role = 'operator';

-- One identification and the session it opens: few, short-lived and busy, so local to the
-- coordinator on Citus. Ticket and token are kept as hashes alone.
create table person_session (
  session_id uuid primary key,
  -- Null: what was verified leads to nobody here.
  subject_id uuid,
  identified_by uuid not null,
  assurance text not null check (assurance in ('substantial', 'high')),
  evidence_sha256 bytea not null,
  identified_at timestamptz not null,
  ticket_hash bytea not null unique,
  ticket_ends_at timestamptz not null,
  -- From here on null until the ticket is used.
  token_hash bytea unique,
  opened_at timestamptz,
  seen_at timestamptz,
  ended_at timestamptz
);
create index person_session_by_subject on person_session (subject_id);
create index person_session_by_age on person_session (identified_at);
