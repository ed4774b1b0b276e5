-- Authorisations with a limit on their uses: few, and looked for in every hand-over of many rows.
create index authorisation_limited on authorisation (subject_id, authorisation_id)
  where fetch_type = 'ONETIME' or frequency_n is not null;
