/**
 * What a report or an evaluation was made of, deflated and sealed under the person's key.
 *
 * What must stay true: what is opened is what was sealed for this very report; destroying the
 * person's key destroys it.
 */
import { hash } from 'node:crypto';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { Registry } from './registry.ts';

/** Facts are text of numbers: the fastest level leaves a tenth of it, often in one chunk of this size. */
const DEFLATE = { level: 1, chunkSize: 4096 };

const placeOf = (reportId: string) => `report ${reportId}`;

/** An issue as it is kept. @param issue JSON */
export function sealIssue(
  registry: Pick<Registry, 'ring'>,
  wrappedKey: Uint8Array,
  reportId: string,
  issue: object,
): Uint8Array {
  const deflated = deflateRawSync(JSON.stringify(issue), DEFLATE);
  return registry.ring.seal(wrappedKey, deflated, placeOf(reportId));
}

/** The issue again. @throws sealed_unreadable */
export function openIssue(
  registry: Pick<Registry, 'ring'>,
  wrappedKey: Uint8Array,
  reportId: string,
  sealed: Uint8Array,
): unknown {
  const deflated = registry.ring.open(wrappedKey, sealed, placeOf(reportId));
  return JSON.parse(inflateRawSync(deflated).toString('utf8'));
}

/** SHA-256 of a text in lower-case hex. */
export const sha256Of = (text: string) => hash('sha256', text);
