-- Answers, evidence, corrections told to earlier recipients, the guard, retention.

-- News is about no authorisation.
alter table feed_entry alter column authorisation_id drop not null;
