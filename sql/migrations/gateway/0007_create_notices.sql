-- What borrowers read, who was asked what, what they answered, and what goes out to ask them.
-- On Citus: `request`, `request_purpose`, `answer` and `campaign_member` are distributed by
-- subject_id; `notice` is a reference table; the others are local, because a queue and a lock are.

-- A version of a notice never changes; `material` says whether older approvals stop with it.
create table notice (
  notice_id text not null,
  version int not null,
  sha256 text not null,
  material boolean not null,
  document jsonb not null,
  published_at timestamptz not null,
  primary key (notice_id, version)
);

-- One link for one person about one version of a notice. `offer` is all that was offered, word
-- for word what the records hold; `asked_sha256` tells a retry from another request.
create table request (
  subject_id uuid not null,
  request_id uuid not null,
  campaign_id uuid,
  notice_id text not null,
  notice_version int not null,
  language text not null,
  offer jsonb not null,
  asked_sha256 text not null,
  created_at timestamptz not null,
  -- Until then it can be answered; what was answered is shown, and withdrawn, for ever.
  expires_at timestamptz not null,
  first_shown_at timestamptz,
  primary key (subject_id, request_id)
);
create index request_by_campaign on request (campaign_id) where campaign_id is not null;

create table request_purpose (
  subject_id uuid not null,
  authorisation_id uuid not null,
  request_id uuid not null,
  position int not null,
  primary key (subject_id, authorisation_id)
);
create index request_purpose_by_request on request_purpose (subject_id, request_id);

-- A link is found by the hash of its token; the token stands nowhere.
create table request_link (
  token_sha256 bytea primary key,
  subject_id uuid not null,
  request_id uuid not null unique
);

-- What was sent in from the page, with what the page showed; append-only. Events name its hash.
create table answer (
  subject_id uuid not null,
  answer_sha256 text not null,
  request_id uuid not null,
  answered_at timestamptz not null,
  document jsonb not null,
  primary key (subject_id, answer_sha256)
);

create table campaign (
  campaign_id uuid primary key,
  name text not null unique,
  plan jsonb not null,
  state text not null check (state in ('draft', 'running', 'paused', 'stopped')),
  created_at timestamptz not null,
  changed_at timestamptz not null
);

-- A person is in a campaign at most once: planned (chosen for a wave), then asked.
create table campaign_member (
  subject_id uuid not null,
  campaign_id uuid not null,
  request_id uuid,
  wave_on date not null,
  state text not null check (state in ('planned', 'asked')),
  primary key (subject_id, campaign_id)
);
create index campaign_member_by_wave on campaign_member (campaign_id, wave_on);
create index campaign_member_planned on campaign_member (subject_id) where state = 'planned';

-- What goes out: number 0 asks, 1, 2 … remind. It has no position until it is handed to the
-- lender's app, which is the moment that decides whether it may still go; `dropped_at`: it may not.
create table outbox_message (
  request_id uuid not null,
  number int not null,
  subject_id uuid not null,
  campaign_id uuid not null,
  language text not null,
  due_at timestamptz not null,
  position bigint unique,
  handed_at timestamptz,
  dropped_at timestamptz,
  primary key (request_id, number)
);
create index outbox_message_waiting on outbox_message (due_at) where position is null and dropped_at is null;

-- One row: the newest position. Whoever hands messages out holds it, so positions have no gaps.
create table outbox_place (only_one boolean primary key check (only_one), position bigint not null);
