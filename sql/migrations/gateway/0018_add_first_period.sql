-- The first period of which the registry took a month of the account: a hand-over asks whether
-- there was one before, and need not go through every month that was ever furnished.
alter table furnished_account add column first_period date;
update furnished_account set first_period = f.first_period
from (select account_id, min(period) as first_period from furnished_month
      where outcome in ('accepted', 'unchanged') group by account_id) f
where f.account_id = furnished_account.account_id;
