/**
 * Sends one webhook over the network.
 *
 * What must stay true: the connection goes to an address that was judged in the same step, so a
 * name cannot change its mind between judgement and call; redirects are not followed; of the
 * answer only the status is read.
 */
import { lookup as lookUp } from 'node:dns/promises';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP, type LookupFunction } from 'node:net';
import {
  addressProblem,
  hostOf,
  isLoopback,
  isPublicAddress,
} from '../registry/webhook-address.ts';
import type { PostWebhook } from '../registry/webhooks.ts';

const TIMEOUT_MS = 15_000;

/** Resolves a name to its public addresses alone; none is an error. */
const publicLookup: LookupFunction = (hostname, options, done) => {
  lookUp(hostname, { all: true }).then(
    (found) => {
      const isClosed = found.some(({ address }) => !isPublicAddress(address));
      const [first] = found;
      if (isClosed || !first) done(new Error('not a public address'), '', 0);
      else if (options.all) done(null, found);
      else done(null, first.address, first.family);
    },
    (error: Error) => done(error as NodeJS.ErrnoException, '', 0),
  );
};

/** @param loopback whether endpoints on this machine are allowed */
export function webhookSender(loopback: boolean): PostWebhook {
  return ({ url: text, headers, body }) =>
    new Promise((answer) => {
      if (addressProblem(text, loopback) !== null) {
        answer(null);
        return;
      }
      const url = new URL(text);
      const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
      const host = hostOf(url);
      const call = send(url, {
        method: 'POST',
        headers: { ...headers, 'content-length': body.length },
        signal: AbortSignal.timeout(TIMEOUT_MS),
        ...(isLoopback(host) || isIP(host) !== 0 ? {} : { lookup: publicLookup }),
      });
      call.on('response', (response) => {
        response.resume();
        answer(response.statusCode ?? null);
      });
      call.on('error', () => answer(null)); // The driver's message may name the address.
      call.end(body);
    });
}
