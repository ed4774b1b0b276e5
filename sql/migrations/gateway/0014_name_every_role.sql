-- The list of roles is one for both programs; nobody is identified at a gateway.

alter table participant drop constraint participant_role_check;
alter table participant add constraint participant_role_check check (role in
  ('operator', 'furnisher', 'enquirer', 'supervisor', 'auditor', 'app', 'officer', 'identifier'));
