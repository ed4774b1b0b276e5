-- Every event belongs to a batch whose Merkle root is signed: a submission, by its manifest.
alter table authorisation_event drop column signature;

-- Whom the collector means: its own number of the person, which the leaf commits to.
alter table authorisation add column subject_ref uuid;
update authorisation set subject_ref = (
  select l.subject_ref from subject_locator l
  where l.subject_id = authorisation.subject_id and l.furnisher_id = authorisation.provider_id
  order by l.subject_ref limit 1);
alter table authorisation alter column subject_ref set not null;

-- The canonical text that was hashed, byte for byte; jsonb would put it in another order.
alter table authorisation alter column record type json using record::text::json;

create index authorisation_batch_open on authorisation_batch (opened_at) where signed is null;

-- The leaf hashes of a batch side by side, 32 bytes each, in runs of at most 4096.
create table authorisation_leaves (
  batch_id uuid not null,
  first_leaf bigint not null,
  hashes bytea not null,
  primary key (batch_id, first_leaf)
);

-- As it was signed: what a single authorisation is proven from.
alter table submission add column signed_manifest text;
