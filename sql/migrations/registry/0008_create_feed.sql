-- Events between the registry and its participants: feed, webhooks, and what a withdrawal does to
-- rows that are held. Tables of feeds and webhooks are few and busy: local to the coordinator on
-- Citus; those that begin with subject_id are distributed with the subject.

update participant set scopes = scopes || array['feed:read', 'webhooks:write']
where role in ('furnisher', 'enquirer');
update participant set scopes = scopes || array['events:write'] where role = 'furnisher';
update participant set scopes = scopes || array['authorisations:end', 'webhooks:read']
where role = 'operator';

-- The newest position of each recipient's feed: raised in the transaction that writes the entry,
-- so positions have no gap and commit in their order.
create table feed_head (
  participant_id uuid primary key,
  position bigint not null
);

-- Append-only.
create table feed_entry (
  participant_id uuid not null,
  position bigint not null,
  event_id text not null,
  type text not null,
  authorisation_id uuid not null,
  signed text not null,
  at timestamptz not null,
  primary key (participant_id, position)
);

-- Events of `authorisation_event` that were pushed by the provider, with the signature they came
-- under; `told_seq` is the event's number in the gateway's chain.
create table learnt_event (
  subject_id uuid not null,
  authorisation_id uuid not null,
  seq int not null,
  event_id text not null,
  told_seq int not null,
  signed text not null,
  learnt_at timestamptz not null,
  primary key (subject_id, authorisation_id, seq),
  unique (subject_id, authorisation_id, event_id)
);

-- Pushed events whose record is still travelling with a submission; applied with the record.
create table travelling_event (
  furnisher_id uuid not null,
  authorisation_id uuid not null,
  told_seq int not null,
  event_id text not null,
  submission_id uuid not null,
  claims jsonb not null,
  signed text not null,
  primary key (furnisher_id, authorisation_id, told_seq)
);
create index travelling_event_by_submission on travelling_event (submission_id);

-- People whose authorisations of one provider changed, in order: a part of months that was judged
-- before such a change is judged again before it commits.
create table authorisation_clock (
  provider_id uuid primary key,
  ticks bigint not null
);
create table authorisation_change (
  provider_id uuid not null,
  tick bigint not null,
  subject_id uuid not null,
  primary key (provider_id, tick)
);
alter table submission_part add column processed_at timestamptz;

-- What the end of an authorisation does to rows that are held under it (docs/FEED.md).
create table authorisation_effect (
  subject_id uuid not null,
  authorisation_id uuid not null,
  effect text not null check (effect in ('STOP_NEW', 'STOP_AND_RESTRICT', 'STOP_AND_ERASE')),
  -- The person's own choice (withdrawn), or another end.
  by_subject boolean not null,
  since timestamptz not null,
  primary key (subject_id, authorisation_id)
);

-- Withdrawals from before this table; every profile so far restricts.
insert into authorisation_effect (subject_id, authorisation_id, effect, by_subject, since)
select a.subject_id, a.authorisation_id, 'STOP_AND_RESTRICT', true, e.at
from authorisation a
join authorisation_event e on e.subject_id = a.subject_id
  and e.authorisation_id = a.authorisation_id and e.seq = a.last_seq
where a.state = 'withdrawn' and a.recipient_class = 'registry';

-- A certificate of months that were erased: how many of which submission, and the Merkle root
-- over the names of the rows. Nothing of what they said.
create table erasure (
  subject_id uuid not null,
  authorisation_id uuid not null,
  submission_id uuid not null,
  erased_at timestamptz not null,
  months bigint not null,
  merkle_root bytea not null,
  primary key (subject_id, authorisation_id, submission_id, erased_at)
);

create table webhook (
  participant_id uuid primary key,
  url text not null,
  state text not null check (state in ('enabled', 'disabled')),
  -- Why it was disabled.
  why text,
  changed_at timestamptz not null
);

create table webhook_delivery (
  delivery_id uuid primary key,
  participant_id uuid not null,
  position bigint not null,
  event_id text not null,
  type text not null,
  created_at timestamptz not null,
  state text not null check (state in ('pending', 'delivered', 'given_up')),
  attempts int not null,
  next_try_at timestamptz not null,
  -- A worker has it until then.
  claimed_until timestamptz,
  last_status int,
  ended_at timestamptz
);
create index webhook_delivery_pending on webhook_delivery (next_try_at) where state = 'pending';
