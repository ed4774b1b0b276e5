/**
 * Which role may hold which scope: the whole policy of the API, as one table of data.
 *
 * What must stay true: a scope that a role does not list is never granted to it; an operator who
 * reads a file leaves a trace (design.md 2), and may run the audit but is not the auditor.
 */

export const ROLES = [
  'operator',
  'furnisher',
  'enquirer',
  'supervisor',
  'auditor',
  'app',
  'officer',
  'identifier',
] as const;
/** `app` and `officer` call a gateway, the others the registry. A person has no role: a session. */
export type Role = (typeof ROLES)[number];
/** Those that a registry admits. */
export const REGISTRY_ROLES = ROLES.filter((role) => role !== 'app' && role !== 'officer');

/** Every scope and what it lets a caller do; shown in the OpenAPI document. */
export const SCOPES = {
  'submissions:write': 'Hand over a period and its parts.',
  'submissions:read': "Read one's own submissions, refusals and receipts.",
  'submissions:read_all': "Read every furnisher's submissions, refusals and receipts.",
  'participants:write': 'Admit and suspend participants, rotate their keys.',
  'participants:read': 'Read who participates.',
  'files:read': "Read a person's file; each read leaves a trace.",
  'audits:run': 'Run the audits of the promises.',
  'authorisations:write': 'Record authorisations and their events.',
  'authorisations:read': 'Read authorisations and their events.',
  'authorisations:bring': "Bring authorisations for the enquirer's own looks.",
  'permits:claim': 'Ask leave to look at a file under an authorisation.',
  'authorisations:prove':
    'Prove authorisations from the signature they came under; each look leaves a trace.',
  'events:write': "Tell the registry of events of one's own authorisations.",
  'feed:read': "Read one's own feed of events.",
  'webhooks:write': "Register one's own endpoint for webhooks.",
  'webhooks:read': "Read every participant's endpoint and its state.",
  'authorisations:end': 'End an authorisation at the request of the person.',
  'people:identify': 'Say who a person is, so that they may see their own file.',
  'identity:read': 'Read the cases of identity; opening one leaves a trace.',
  'identity:write': 'Decide cases, merge and split people, correct an identity.',
  'people:erase': 'Take a request to be erased down, and do what is due.',
  'claims:answer': "Read and answer claims about one's own accounts, certify what was held back.",
  'disputes:read': 'Read disputes; each look leaves a trace.',
  'disputes:decide': 'Decide claims, extend the time for an answer.',
  'retention:run': 'Run the daily sweep and purge, read their certificates.',
  'requests:write': 'Ask borrowers, one by one.',
  'outbox:read': 'Fetch the messages that ask and remind borrowers.',
  'campaigns:write': 'Make, start, pause, stop and advance campaigns.',
  'campaigns:read': 'Read the campaigns and how far they are.',
  'coverage:read': 'Read how many rows went, and why the others stayed.',
} as const satisfies Record<string, string>;
export type Scope = keyof typeof SCOPES;

export const ROLE_SCOPES: Readonly<Record<Role, readonly Scope[]>> = {
  operator: [
    'participants:write',
    'participants:read',
    'submissions:read_all',
    'files:read',
    'audits:run',
    'authorisations:prove',
    'authorisations:end',
    'webhooks:read',
    'people:identify',
    'identity:read',
    'identity:write',
    'people:erase',
    'disputes:read',
    'disputes:decide',
    'retention:run',
  ],
  furnisher: [
    'submissions:write',
    'submissions:read',
    'authorisations:prove',
    'events:write',
    'feed:read',
    'webhooks:write',
    'claims:answer',
  ],
  enquirer: [
    'authorisations:bring',
    'authorisations:prove',
    'permits:claim',
    'files:read',
    'feed:read',
    'webhooks:write',
  ],
  supervisor: ['submissions:read_all', 'participants:read'],
  auditor: ['submissions:read_all', 'participants:read', 'audits:run', 'authorisations:prove'],
  app: [
    'authorisations:write',
    'authorisations:read',
    'requests:write',
    'outbox:read',
    'campaigns:write',
    'campaigns:read',
  ],
  officer: ['authorisations:read', 'coverage:read', 'campaigns:write', 'campaigns:read'],
  identifier: ['people:identify'],
};

/** True for the exact name of a scope. */
export function isScope(text: string): text is Scope {
  return Object.hasOwn(SCOPES, text);
}
