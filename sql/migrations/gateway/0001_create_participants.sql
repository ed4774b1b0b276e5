-- Who may call the API. The same text serves the registry and a gateway; the roles differ.
-- On Citus both tables are reference tables: small, and read by every request.

create table participant (
  participant_id uuid primary key,
  name text not null,
  role text not null check (
    role in ('operator', 'furnisher', 'enquirer', 'supervisor', 'auditor', 'app', 'officer')
  ),
  licence_id text not null,
  brands text[] not null,
  scopes text[] not null,
  jwks jsonb not null,
  state text not null check (state in ('admitted', 'suspended')),
  admitted_at timestamptz not null
);

-- Each client assertion counts once (RFC 7523 section 3, item 7).
create table client_assertion (
  participant_id uuid not null references participant (participant_id) on delete cascade,
  jti text not null,
  expires_at timestamptz not null,
  primary key (participant_id, jti)
);
