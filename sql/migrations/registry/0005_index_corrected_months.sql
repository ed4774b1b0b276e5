-- Few months are corrected; whoever needs the newest revision looks here for those beyond the first.
create index account_month_corrected on account_month (period, subject_id, account_id)
  where revision > 1;
