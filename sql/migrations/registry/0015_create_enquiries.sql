-- Enquiries, the reports that answered them, and what each look stood under.

-- What a look was under and how it was answered; null for looks that are no enquiries.
alter table access
  add column enquiry_id uuid,
  add column authorisation_id uuid,
  add column kind text,
  add column outcome text;

-- An enquiry by who asked; its id is made of the enquirer and its own id of the look, so that the
-- same again is found without an index of its own. A refused one may have no person.
create table enquiry (
  enquirer_id uuid not null,
  enquiry_id uuid not null,
  request_sha256 bytea not null,
  authorisation_id uuid not null,
  purpose text not null,
  form text not null check (form in ('full', 'summary')),
  outcome text not null check (outcome in ('report', 'refused')),
  reason text,
  subject_id uuid,
  report_id uuid,
  at timestamptz not null,
  primary key (enquirer_id, enquiry_id)
);
-- Who asks after people without their authorisation is slowed down.
create index enquiry_unauthorised on enquiry (enquirer_id, at) where reason in ('no_authorisation', 'person_differs');

-- A report as it was issued: the facts it was made of, deflated and sealed under the person's key,
-- and the hash of the bytes that went out.
create table report (
  subject_id uuid not null,
  report_id uuid not null,
  enquiry_id uuid,
  recipient_id uuid not null,
  form text not null check (form in ('full', 'summary')),
  facts_sealed bytea not null,
  report_sha256 bytea not null,
  issued_at timestamptz not null,
  primary key (subject_id, report_id)
);
create index report_by_id on report (report_id);

-- The portfolio of an enquirer: authorisations to monitor that it brought.
create index authorisation_by_recipient on authorisation (recipient_id, authorisation_id)
  where recipient_id is not null;

-- What an enquirer was last told of each person it monitors: numbers alone, to compare with.
create table monitor (
  subject_id uuid not null,
  authorisation_id uuid not null,
  seen jsonb not null,
  seen_at timestamptz not null,
  primary key (subject_id, authorisation_id)
);

-- The newest position of each enquirer's alerts, raised as in `feed_head`.
create table alert_head (
  enquirer_id uuid primary key,
  position bigint not null
);

-- Append-only. `facts` names neither the person nor another lender.
create table alert (
  enquirer_id uuid not null,
  position bigint not null,
  authorisation_id uuid not null,
  kind text not null,
  facts jsonb not null,
  at timestamptz not null,
  primary key (enquirer_id, position)
);
