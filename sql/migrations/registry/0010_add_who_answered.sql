-- Who answered, in what form, and how far the data may go on: what the profile's checks read.

-- `by_guardian`: another answered for the person. `in_writing`: the answer is one that can be read
-- again, not heard. `widens_recipients`: the record lets the data pass on to a class of recipients
-- besides its own. The defaults allow less: a minor's own answer, heard, for everybody.
alter table authorisation
  add column by_guardian boolean not null default false,
  add column in_writing boolean not null default false,
  add column widens_recipients boolean not null default true;
update authorisation set
  by_guardian = (record #>> '{principal,on_behalf_of}') is not null,
  in_writing = coalesce(record #>> '{evidence,method}' in ('CLICK', 'ESIGN', 'PAPER'), false),
  widens_recipients = coalesce(record::jsonb #> '{limits,onward}' <> '"NONE"'
    and record::jsonb #> '{limits,onward}' <> ('["' || recipient_class || '"]')::jsonb, true);
