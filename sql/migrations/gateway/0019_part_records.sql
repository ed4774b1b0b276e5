-- The record as it was answered, beside the columns that the checks read of it: every decision reads
-- all authorisations of a book, and the record is three quarters of their bytes.
create table authorisation_record (
  subject_id uuid not null,
  authorisation_id uuid not null,
  record json not null,
  primary key (subject_id, authorisation_id)
);
insert into authorisation_record (subject_id, authorisation_id, record)
select subject_id, authorisation_id, record from authorisation;
alter table authorisation drop column record;
