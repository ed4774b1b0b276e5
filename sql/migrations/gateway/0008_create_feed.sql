-- What this gateway tells the registry of events, and what it hears from the registry's feed.

-- Events that the registry must learn, written with the event. Kept after they were sent.
create table outbox (
  subject_id uuid not null,
  authorisation_id uuid not null,
  seq int not null,
  event_id text not null,
  type text not null,
  queued_at timestamptz not null,
  attempts int not null,
  next_try_at timestamptz not null,
  -- How the registry answered last: `stored`, `unchanged`, `kept`, or an error's code.
  last_answer text,
  sent_at timestamptz,
  primary key (subject_id, authorisation_id, seq)
);
create index outbox_pending on outbox (next_try_at) where sent_at is null;
create index outbox_by_authorisation on outbox (authorisation_id);

-- Events of `authorisation_event` that happened at the registry, with the signature they came under.
create table learnt_event (
  subject_id uuid not null,
  authorisation_id uuid not null,
  seq int not null,
  event_id text not null,
  -- The event's number in the registry's chain.
  told_seq int not null,
  signed text not null,
  learnt_at timestamptz not null,
  primary key (subject_id, authorisation_id, seq),
  unique (subject_id, authorisation_id, event_id)
);

-- How far the registry's feed was read.
create table feed_cursor (
  feed text primary key,
  position bigint not null
);

-- Each webhook counts once; kept a little longer than its timestamp is believed.
create table webhook_seen (
  webhook_id text primary key,
  seen_at timestamptz not null
);

create index handover_sent_authorisation on handover_sent (handover_id, ref)
  where kind = 'authorisation';

-- Whatever the registry knew an older state of, and was to hear with the next hand-over.
insert into outbox (subject_id, authorisation_id, seq, event_id, type, queued_at, attempts, next_try_at)
select e.subject_id, e.authorisation_id, e.seq, encode(e.hash, 'hex'), e.type, e.recorded_at, 0,
       e.recorded_at
from furnished_authorisation f
join authorisation a on a.authorisation_id = f.authorisation_id and a.last_seq > f.last_seq
join authorisation_event e on e.subject_id = a.subject_id
  and e.authorisation_id = a.authorisation_id and e.seq > f.last_seq;
