-- Reports and enquiries have their time: what a report was made of goes first, that it was issued
-- stays, with its hash, as long as the look does.
alter table report alter column facts_sealed drop not null;
create index report_by_age on report (issued_at);
create index enquiry_by_age on enquiry (at);
