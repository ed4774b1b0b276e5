-- Scorecards and who promoted them, evaluations, and reviews by people.

-- Reference tables on Citus: few, and read by every evaluation. A card never changes; `state` is
-- the fold of its events, kept beside it.
create table scorecard (
  scorecard_id text not null,
  version int not null,
  kind text not null check (kind in ('full', 'thin')),
  state text not null check (state in ('draft', 'shadow', 'active', 'retired')),
  -- The canonical text that its hash is taken over, byte for byte.
  card json not null,
  sha256 text not null unique,
  validation_report text,
  added_at timestamptz not null,
  primary key (scorecard_id, version)
);
-- One card of a kind is active at a time.
create unique index scorecard_active on scorecard (kind) where state = 'active';

create table scorecard_event (
  scorecard_id text not null,
  version int not null,
  seq int not null,
  state text not null,
  at timestamptz not null,
  by_party uuid not null,
  why text not null,
  -- What was compared before the step: how many scores moved by how much.
  canary jsonb,
  primary key (scorecard_id, version, seq)
);

-- An evaluation is a report in another form, under the same permit, trace and key.
alter table enquiry drop constraint enquiry_form_check;
alter table enquiry add check (form in ('full', 'summary', 'evaluation'));
alter table report drop constraint report_form_check;
alter table report add check (form in ('full', 'summary', 'evaluation'));

-- A person contests a score, and a human looks.
create table evaluation_review (
  subject_id uuid not null,
  review_id uuid not null,
  -- The report that is the evaluation.
  report_id uuid not null,
  state text not null check (state in ('open', 'upheld', 'changed')),
  words_sealed bytea,
  asked_at timestamptz not null,
  due_at timestamptz not null,
  ended_at timestamptz,
  ended_by uuid,
  why text,
  primary key (subject_id, review_id)
);

-- Scores of many people at once: for a portfolio, the monitoring of a card, or a card in shadow.
create table scoring_run (
  run_id uuid primary key,
  scorecard_sha256 text not null,
  day date not null,
  started_at timestamptz not null,
  ended_at timestamptz,
  -- Ranges of ids that are done: a run that was cut off goes on after them.
  ranges int not null,
  ranges_done int not null,
  people bigint not null
);
create table score (
  subject_id uuid not null,
  run_id uuid not null,
  score int not null,
  primary key (subject_id, run_id)
);
