-- When months of an account are erased, the late ones that stay keep the clock that they had: what
-- divided two events, or ended one, may be among those that go.
create table kept_clock (
  subject_id uuid not null,
  account_id uuid not null,
  period date not null,
  -- Which clock of the profile it is: another counts from another day.
  clock text not null check (clock in ('end_of_event', 'first_delinquency')),
  starts date not null,
  primary key (subject_id, account_id, period, clock)
);
