-- Every event belongs to a batch whose Merkle root is signed; a single event is a batch of one.
alter table authorisation_event drop column signature;

-- Whom the collector means: its own number of the person, which the leaf commits to. At the
-- gateway it is the subject_id itself.
alter table authorisation add column subject_ref uuid;
update authorisation set subject_ref = subject_id;
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

-- The tree over the authorisation lines of the hand-over up to and with this part.
alter table handover_part add column merkle_state bytea;
