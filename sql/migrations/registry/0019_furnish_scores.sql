-- Scores of a run told to the enquirers that watch an account (Q2), as news in their feeds.

-- How far each enquirer has been told of a run, by subject_id: a telling that was cut off goes on
-- after it. Local on Citus: one row for each run and enquirer.
create table score_furnishing (
  run_id uuid not null,
  enquirer_id uuid not null,
  after_subject_id uuid not null,
  told bigint not null,
  -- People of the run who were not told of, by why: {"frozen": 2}.
  passed_over jsonb not null,
  begun_at timestamptz not null,
  ended_at timestamptz,
  primary key (run_id, enquirer_id)
);

-- The people whom an enquirer watches, in the order of their ids.
create index authorisation_watching on authorisation (recipient_id, subject_id)
  where purpose = 'Q2' and recipient_id is not null;
