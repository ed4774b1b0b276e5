/**
 * Every error leaves the API as one document: RFC 9457 `application/problem+json`.
 *
 * What must stay true: a problem holds no value of the request and nothing of an unexpected
 * error but its code; what the log gets is code, name and stack frames, never a message.
 */
import type {
  FastifyError,
  FastifyReply,
  FastifyRequest,
  FastifySchemaValidationError,
} from 'fastify';
import { type Static, Type } from 'typebox';
import { AssentError, ERROR_KINDS, type ErrorCode } from '../model/error.ts';

export const PROBLEM_MEDIA_TYPE = 'application/problem+json';

/** More than anyone mends in one go. */
const POINTERS_MAX = 50;

export const PROBLEM_SCHEMA = Type.Object(
  {
    type: Type.String({ description: 'Where the code is explained.' }),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String(),
    instance: Type.String({ description: 'The request id.' }),
    code: Type.String(),
    remedy: Type.String({ description: 'What the reader can do about it.' }),
    errors: Type.Optional(
      Type.Array(
        Type.Object({
          location: Type.String({ description: '`body`, `querystring`, `params` or `headers`.' }),
          pointer: Type.String({ description: 'RFC 6901 JSON Pointer; empty is the whole.' }),
          detail: Type.String({ description: 'What must hold; never the value.' }),
        }),
      ),
    ),
  },
  { description: 'RFC 9457 problem details' },
);
export type Problem = Static<typeof PROBLEM_SCHEMA>;

/** The failures that Fastify finds before a handler runs, by its own codes. */
const FASTIFY_CODES: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'body_too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'media_type_unsupported',
  FST_ERR_NOT_FOUND: 'not_found',
};

/** Which of our codes an error is. A stranger below 500 is the request's fault, else ours. */
export function codeOf(error: unknown): ErrorCode {
  if (error instanceof AssentError) return error.code;
  if (typeof error !== 'object' || error === null) return 'internal_error';
  const { code, statusCode, validation } = error as Partial<FastifyError>;
  if (validation) return 'request_invalid';
  const known = typeof code === 'string' ? FASTIFY_CODES[code] : undefined;
  if (known) return known;
  const isRequestsFault = typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500;
  return isRequestsFault ? 'request_invalid' : 'internal_error';
}

/** A pointer whose unexpected names are starred: a key may be as personal as a value. */
function safePointer(pointer: string): string {
  return pointer
    .split('/')
    .map((part) => (/^(?:|\d{1,6}|[a-z][a-z0-9_]*)$/.test(part) ? part : '*'))
    .join('/');
}

function pointersOf(error: unknown): Problem['errors'] {
  const { validation, validationContext } = error as Partial<FastifyError>;
  return (
    validation
      // TypeBox also reports each name that is too many; its parent's report says it already.
      ?.filter((one) => one.keyword !== 'boolean')
      .slice(0, POINTERS_MAX)
      .map((one: FastifySchemaValidationError) => ({
        location: validationContext ?? 'body',
        pointer: safePointer(one.instancePath),
        detail: one.message ?? 'does not have the documented form',
      }))
  );
}

/**
 * The problem document of an error.
 * @param instance the request id, by which the log is searched.
 */
export function problemOf(error: unknown, instance: string): Problem {
  const code = codeOf(error);
  const { status, title, remedy } = ERROR_KINDS[code];
  const isOurs = error instanceof AssentError && status < 500;
  const errors = code === 'request_invalid' ? pointersOf(error) : undefined;
  return {
    type: `docs/ERRORS.md#${code}`,
    title,
    status,
    detail: isOurs ? error.detail : title,
    instance,
    code,
    remedy,
    ...(errors ? { errors } : {}),
  };
}

/** What may be logged of an error: never its message, which may quote a row. */
export function logged(error: unknown): { code: string; name: string; frames: string[] } {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  return {
    code: codeOf(error),
    name: error instanceof Error ? error.name : typeof error,
    frames: stack.split('\n').filter((line) => /^ {4}at /.test(line)),
  };
}

/** Answers a request with the problem of an error; failures of ours are logged. */
export function sendProblem(error: unknown, request: FastifyRequest, reply: FastifyReply): void {
  const problem = problemOf(error, request.id);
  if (problem.status >= 500) request.log.error(logged(error), 'request failed');
  reply.code(problem.status).type(PROBLEM_MEDIA_TYPE).send(JSON.stringify(problem));
}
