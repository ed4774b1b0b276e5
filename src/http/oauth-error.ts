/**
 * A refusal of the token endpoint, in the form of RFC 6749 section 5.2.
 *
 * What must stay true: the description is fixed text of ours, never a piece of the request.
 */

export type OAuthErrorCode =
  | 'invalid_request'
  | 'invalid_client'
  | 'unauthorized_client'
  | 'unsupported_grant_type'
  | 'invalid_scope';

export class OAuthError extends Error {
  readonly error: OAuthErrorCode;
  readonly description: string;

  constructor(error: OAuthErrorCode, description: string) {
    super(`${error}: ${description}`);
    this.name = 'OAuthError';
    this.error = error;
    this.description = description;
  }

  /** 401 when the client could not be authenticated, else 400. */
  get status(): 400 | 401 {
    return this.error === 'invalid_client' ? 401 : 400;
  }
}
