/** What the schemas and handlers of a person's own routes have in common. */
import type { FastifyRequest } from 'fastify';
import { type TSchema, Type } from 'typebox';
import { AssentError } from '../model/error.ts';
import { UUID_PATTERN } from '../model/uuid.ts';

export const UUID = Type.String({ pattern: UUID_PATTERN, description: 'UUID, lower case' });
export const MOMENT = Type.String({ description: 'ISO 8601, UTC' });
export const nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
/** Open to a person by the bearer of their session. */
export const bearer = { access: { person: 'bearer' as const } };
export const tags = ['person'];

/** Somebody whose file is known. */
export interface Known {
  readonly subject_id: string;
  readonly session_id: string;
}

/** The person of the request. @throws nothing_held */
export function subjectOf(request: FastifyRequest): Known {
  const { subject_id, session_id } = request.person;
  if (subject_id === null) throw new AssentError('nothing_held');
  return { subject_id, session_id };
}

/** Moments as text, nothing else changed: the schema writes what it lists. */
export const plain = (value: unknown): never => JSON.parse(JSON.stringify(value)) as never;
