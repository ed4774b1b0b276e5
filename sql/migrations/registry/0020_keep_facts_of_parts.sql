-- What a part unfolds to, as found when it was uploaded, so that a completed submission is checked
-- without opening it. Null: no gzip, too large, or uploaded before; then it is opened.
alter table submission_part add column unfolded jsonb;
alter table submission_part drop column first_ref;
alter table submission_part drop column last_ref;
