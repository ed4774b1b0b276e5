-- Claims that people made about what this lender furnished, as the registry's feed told of them.

create table claim_to_answer (
  claim_id uuid primary key,
  dispute_id uuid not null,
  account_id uuid not null,
  period date,
  field text not null,
  held_value text,
  claimed_value text,
  -- Files to be fetched from the registry: evidence_id, media_type, bytes, sha256.
  evidence jsonb not null,
  told_at timestamptz not null,
  answer_by timestamptz not null,
  state text not null check (state in ('open', 'answered', 'decided')),
  -- What this lender answered, and what was decided.
  answer text,
  answered_at timestamptz,
  outcome text,
  decided_at timestamptz
);
create index claim_to_answer_open on claim_to_answer (answer_by) where state = 'open';

-- Accounts that were ended by mistake, and what shows that.
create table reinstatement (
  account_id uuid not null,
  at timestamptz not null,
  revision int not null,
  source_sha256 text not null,
  reason text not null,
  primary key (account_id, at)
);
