-- People found by keyed hashes of pieces of their identity; cases, merges and splits; erasure.
-- Nothing here can be read as a name: hashes are keyed, identities sealed.

-- One row for each identity a person was furnished under; `record_id` is the subject_id it was
-- made with. Each field is the sequence of keyed hashes of its pieces (two letters, or a digit and
-- its place); equal sequences are equal values. `terms` holds one keyed hash of each whole value,
-- for how common it is; `keys` those that others are found by.
create table match_record (
  subject_id uuid not null,
  record_id uuid not null,
  given_name int[],
  surname int[],
  birth_date int[],
  street_number int[],
  address_1 int[],
  address_2 int[],
  locality int[],
  postcode int[],
  region int[],
  terms bigint[] not null,
  keys bigint[] not null,
  primary key (subject_id, record_id)
);

-- Records that are not compared with the others yet: they stand in no list of keys or terms.
create table match_waiting (
  subject_id uuid not null,
  record_id uuid not null,
  primary key (subject_id, record_id)
);

-- Records that share a key are compared. Keyed by what is looked up, like the locators.
create table match_key (
  key bigint not null,
  subject_id uuid not null,
  record_id uuid not null,
  primary key (key, subject_id, record_id)
);
create index match_key_by_subject on match_key (subject_id);

-- How often each value occurs.
create table match_term (
  term bigint primary key,
  records bigint not null
);

-- Fitted weights; the newest counts. Older ones stay: cases name the one they were raised with.
create table match_model (
  version int primary key,
  fitted_at timestamptz not null,
  model jsonb not null
);

-- A person that was merged into another leads there; nothing is owned by such a subject.
alter table subject add column merged_into uuid;
create index subject_merged on subject (merged_into) where merged_into is not null;
-- Whoever moves or erases a person finds all that is theirs.
create index subject_document_by_subject on subject_document (subject_id);
create index subject_locator_by_subject on subject_locator (subject_id);
create index account_locator_by_subject on account_locator (subject_id);

-- What was decided of a document together with a name and birth date (one keyed hash of the
-- three): whose it is. `former`: corrected since; `variant`: another spelling of the same person;
-- `other`: somebody else, who came with the same document.
create table identity_decision (
  claim_hash bytea primary key,
  subject_id uuid not null,
  standing text not null check (standing in ('former', 'variant', 'other')),
  decided_at timestamptz not null
);
create index identity_decision_by_subject on identity_decision (subject_id);

-- Identities that were corrected, as they were sealed.
create table identity_version (
  subject_id uuid not null,
  version_id uuid not null,
  identity_kind text not null,
  identity_sealed bytea not null,
  details_hash bytea not null,
  ended_at timestamptz not null,
  by_party uuid not null,
  evidence_sha256 text not null,
  primary key (subject_id, version_id)
);

-- The operator's queue. `details`: a known document with another name or birth date; its row is
-- held, and its identity sealed here under a key of its own. `likeness`: two people of the store.
-- Local to the coordinator on Citus, like the feeds: a case is about two people.
create table identity_case (
  case_id uuid primary key,
  kind text not null check (kind in ('details', 'likeness')),
  known_id uuid not null,
  other_id uuid not null,
  -- What it is about: raised once.
  raised_for text not null unique,
  state text not null check (state in ('open', 'match', 'no_match')),
  opened_at timestamptz not null,
  -- likeness: log2 of the odds, what they make of the store's size, the fields that agree.
  weight double precision,
  probability double precision,
  agreed text[] not null,
  model_version int,
  -- details: who furnished it, and the sealed identity.
  furnisher_id uuid,
  claim_hash bytea,
  identity_kind text,
  details_hash bytea,
  wrapped_key bytea,
  identity_sealed bytea,
  resolved_at timestamptz,
  resolved_by uuid,
  why text,
  event_id uuid
);
create index identity_case_by_state on identity_case (state, opened_at, case_id);
create index identity_case_by_known on identity_case (known_id);
create index identity_case_by_other on identity_case (other_id);

-- Append-only: who moved which rows from whom to whom, and why. `moved` lists them by table and
-- key; `prior_keys` the wrapped keys that were replaced. Both are destroyed with the person.
create table identity_event (
  event_id uuid primary key,
  kind text not null check (kind in ('merge', 'split', 'undo', 'correct')),
  from_id uuid not null,
  to_id uuid not null,
  at timestamptz not null,
  by_party uuid not null,
  why text not null,
  evidence_sha256 text,
  undoes uuid unique,
  moved jsonb not null,
  prior_keys jsonb not null
);
create index identity_event_by_from on identity_event (from_id);
create index identity_event_by_to on identity_event (to_id);

-- A person asks to be erased; done when nothing must stay.
create table erasure_request (
  subject_id uuid not null,
  request_id uuid not null,
  asked_at timestamptz not null,
  due_at timestamptz not null,
  by_party uuid not null,
  evidence_sha256 text not null,
  state text not null check (state in ('waiting', 'partly')),
  swept_at timestamptz,
  primary key (subject_id, request_id)
);
create index erasure_request_due on erasure_request (due_at);

-- What remains of an erased person: that it was done, when, and how many rows of which table.
create table erasure_certificate (
  request_id uuid primary key,
  asked_at timestamptz not null,
  erased_at timestamptz not null,
  erased_rows jsonb not null
);

-- Records of approvals that the law keeps for some years after their end: they stay under an id
-- that leads to nobody here, until then.
create table erased_person (
  subject_id uuid primary key,
  records_until timestamptz not null
);
create index erased_person_due on erased_person (records_until);

-- No sample of these goes into the planner's statistics, where an erasure would have to seek it.
alter table identity_event alter column moved set statistics 0;
alter table identity_event alter column prior_keys set statistics 0;
alter table identity_case alter column claim_hash set statistics 0;
alter table identity_case alter column details_hash set statistics 0;
alter table identity_case alter column wrapped_key set statistics 0;
alter table identity_case alter column identity_sealed set statistics 0;
alter table identity_version alter column details_hash set statistics 0;
alter table identity_version alter column identity_sealed set statistics 0;
alter table identity_decision alter column claim_hash set statistics 0;

update participant set scopes = scopes || array['identity:read', 'identity:write', 'people:erase']
where role = 'operator';
