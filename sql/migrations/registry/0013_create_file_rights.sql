-- What a person may do with their own file: hold enquirers off, say something, dispute a field,
-- be told. All of it is owned by the subject; what is said in words is sealed under their key.

-- In force from `placed_at` until it is lifted or runs out.
create table subject_block (
  subject_id uuid not null,
  block_id uuid not null,
  kind text not null check (kind in ('freeze', 'fraud_alert', 'credit_ban')),
  -- From a closed list: identity_theft, own_finances, other.
  reason text not null,
  placed_at timestamptz not null,
  expires_at timestamptz,
  lifted_at timestamptz,
  primary key (subject_id, block_id)
);

-- The person's own words, shown on every report while it stands; about one account or the file.
create table subject_statement (
  subject_id uuid not null,
  statement_id uuid not null,
  account_id uuid,
  language text not null,
  text_sealed bytea not null,
  made_at timestamptz not null,
  withdrawn_at timestamptz,
  primary key (subject_id, statement_id)
);

-- One letter of the person; it ends when its last claim has.
create table dispute (
  subject_id uuid not null,
  dispute_id uuid not null,
  state text not null check (state in ('open', 'decided', 'withdrawn')),
  opened_at timestamptz not null,
  forward_due_at timestamptz not null,
  furnisher_due_at timestamptz not null,
  answer_due_at timestamptz not null,
  extended_at timestamptz,
  ended_at timestamptz,
  primary key (subject_id, dispute_id)
);

-- One field that the person says is wrong. Without a period it is a field of the account; without
-- an account it is about the identity, or about a look that the person does not know.
create table claim (
  subject_id uuid not null,
  claim_id uuid not null,
  dispute_id uuid not null,
  account_id uuid,
  period date,
  access_id uuid,
  field text not null,
  held_value text,
  claimed_value text,
  state text not null check (state in
    ('open', 'forwarded', 'answered', 'verified', 'corrected', 'deleted', 'upheld', 'withdrawn')),
  opened_at timestamptz not null,
  ended_at timestamptz,
  primary key (subject_id, claim_id)
);

-- What the person is told: of a look, an answer, a correction. `facts` names no identity.
create table message (
  subject_id uuid not null,
  message_id uuid not null,
  kind text not null,
  facts jsonb not null,
  at timestamptz not null,
  read_at timestamptz,
  primary key (subject_id, message_id)
);
