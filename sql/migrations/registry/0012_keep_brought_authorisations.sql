-- What an enquirer signed when it brought a person's authorisation: record and events, byte for
-- byte. `seq` is the newest event that the signature covers.
create table brought_authorisation (
  subject_id uuid not null,
  authorisation_id uuid not null,
  seq int not null,
  signed text not null,
  brought_at timestamptz not null,
  primary key (subject_id, authorisation_id, seq)
);

update participant set scopes = scopes || array['authorisations:prove'] where role = 'enquirer';
