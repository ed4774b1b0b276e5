-- What identities are compared by: keyed hashes only, so that nothing here can be read as a name.

-- One row for each identity a person was furnished under. Each field is the sequence of keyed
-- hashes of its pieces (two letters, or a digit and its place); equal sequences are equal values.
-- `terms` holds one keyed hash of each whole value, for how common it is.
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

-- Records that share a key are compared. Keyed by what is looked up, like the locators.
create table match_key (
  key bigint not null,
  subject_id uuid not null,
  record_id uuid not null,
  primary key (key, subject_id, record_id)
);

-- How often each value occurs.
create table match_term (
  term bigint primary key,
  records bigint not null
);

-- Fitted weights; the newest counts. Older ones stay: decisions name the one they were made with.
create table match_model (
  version int primary key,
  fitted_at timestamptz not null,
  model jsonb not null
);
