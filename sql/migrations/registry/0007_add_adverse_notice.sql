-- The day on which the person was told that a late month will be furnished (rule V14).

alter table account_month add column adverse_notice_on date;
