-- Answers, evidence, corrections told to earlier recipients, the guard, retention.

-- News is about no authorisation.
alter table feed_entry alter column authorisation_id drop not null;

update participant set scopes = scopes || array['claims:answer'] where role = 'furnisher';
update participant set scopes = scopes
  || array['disputes:read', 'disputes:decide', 'retention:run']
where role = 'operator';

create index dispute_by_id on dispute (dispute_id);
create index dispute_open on dispute (answer_due_at) where state = 'open';
alter table dispute add column extension_reason text;

-- A fraud alert lasts as long as the law says (`initial`) or, with a report of the crime, longer.
alter table subject_block add column extended boolean not null default false;

-- A claim of an account is its furnisher's to answer; the others are the registry's own.
alter table claim
  add column furnisher_id uuid,
  add column account_ref uuid,
  -- What a claim about the identity says; the plain columns stay empty then.
  add column claimed_sealed bytea,
  add column forwarded_at timestamptz,
  add column furnisher_due_at timestamptz,
  add column answer text check (answer in ('verified', 'corrected', 'deleted')),
  add column answer_value text,
  add column source_sha256 text,
  add column answer_reason text,
  add column answered_at timestamptz,
  -- Who ended it: the furnisher's answer, the registry, the furnisher's silence, the person.
  add column decided_by text check (decided_by in ('furnisher', 'registry', 'silence', 'person')),
  add column decision_reason text;
create index claim_by_id on claim (claim_id);
create index claim_by_furnisher on claim (furnisher_id, opened_at, claim_id)
  where state in ('forwarded', 'answered');
create index claim_silent on claim (furnisher_due_at) where state = 'forwarded';

-- Sealed under the person's key; the furnisher of the claim may fetch it.
create table claim_evidence (
  subject_id uuid not null,
  evidence_id uuid not null,
  claim_id uuid not null,
  media_type text not null check (media_type in ('application/pdf', 'image/png', 'image/jpeg')),
  bytes bigint not null,
  sha256 text not null,
  content_sealed bytea not null,
  added_at timestamptz not null,
  primary key (subject_id, evidence_id)
);

-- What was found wrong, or must not come back: this value of this field of this account. It is
-- not shown, and held at intake until its furnisher certifies it. `month` and `account` stand for
-- the whole (value `*`); a field of the account has the period 0001-01-01. What was purged never
-- comes back.
create table reinsertion_guard (
  subject_id uuid not null,
  account_id uuid not null,
  period date not null,
  field text not null,
  value text not null,
  furnisher_id uuid not null,
  cause text not null check (cause in ('corrected', 'deleted', 'upheld', 'purged')),
  claim_id uuid,
  made_at timestamptz not null,
  -- When the clock of a purged month began: its episode keeps that clock.
  clock_began date,
  certified_at timestamptz,
  certificate_sha256 text,
  certified_reason text,
  primary key (subject_id, account_id, period, field, value)
);
create index reinsertion_guard_in_force on reinsertion_guard (furnisher_id, period)
  where certified_at is null;

-- What is owed to the person for an answer that came late, by who was late.
create table compensation (
  subject_id uuid not null,
  dispute_id uuid not null,
  owed_by uuid not null,
  days int not null,
  amount_minor bigint not null,
  currency text not null,
  reckoned_at timestamptz not null,
  primary key (subject_id, dispute_id, owed_by)
);

-- What a purge deleted: how many rows of what, and the Merkle root over their names.
create table purge_certificate (
  certificate_id uuid primary key,
  kind text not null,
  purged_at timestamptz not null,
  kept_months int not null,
  purged_rows bigint not null,
  merkle_root bytea not null
);
-- The months among them, by the submission that brought them: receipts still add up.
create table purged_submission (
  certificate_id uuid not null,
  submission_id uuid not null,
  months bigint not null,
  primary key (certificate_id, submission_id)
);
create index message_by_age on message (at);
create index access_by_age on access (at);
create index claim_evidence_by_claim on claim_evidence (subject_id, claim_id);

-- Corrections that came without a dispute are told to earlier recipients by the sweep, a submission
-- at a time; those from before it are not told late.
alter table submission add column corrections_told_at timestamptz;
update submission set corrections_told_at = ended_at where ended_at is not null;
create index submission_corrections on submission (ended_at) where corrections_told_at is null;
