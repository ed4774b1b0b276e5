-- What the sweep looks for, what it tells the lender's app, and who has died.

-- The sweep finds what has ended without reading what goes on.
create index authorisation_by_end on authorisation (expires_at)
  where state in ('given', 'paused') and expires_at is not null;
create index authorisation_open_request on authorisation (subject_id) where state = 'requested';
create index authorisation_of_ward on authorisation (subject_id)
  where state in ('requested', 'given', 'paused')
    and (record -> 'principal' ->> 'on_behalf_of') is not null;

-- One row for each thing a person must be told, once. `position` ascends in the order of commit
-- (one sweep at a time gives it out), so a reader that goes on after it misses nothing.
create table authorisation_notice_due (
  subject_id uuid not null,
  authorisation_id uuid not null,
  kind text not null check (kind in ('expiring', 'expired', 'of_age')),
  -- Of kind expiring: how many days before the end; else 0.
  days_before int not null,
  position bigint not null,
  ends_at timestamptz not null,
  written_at timestamptz not null,
  primary key (subject_id, authorisation_id, kind, days_before)
);
create index authorisation_notice_due_by_position on authorisation_notice_due (position);

-- A person who has died, by an artefact that the lender keeps; a mistake is taken back by another.
create table subject_death (
  subject_id uuid primary key,
  evidence_sha256 text not null,
  reported_at timestamptz not null,
  mistaken_at timestamptz,
  mistaken_evidence_sha256 text
);
