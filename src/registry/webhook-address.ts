/**
 * Where webhooks may be delivered: the registry must not be made to call its own network.
 *
 * What must stay true: an address is judged by its text when it is registered and by every
 * address its name resolves to when it is called; what is not plainly public is refused.
 */
import { BlockList, isIP } from 'node:net';

const CLOSED: readonly [string, number, 'ipv4' | 'ipv6'][] = [
  // RFC 6890 and its successors: this host, private use, shared, link local, protocol
  // assignments, documentation, benchmarks, 6to4, multicast and reserved.
  ['0.0.0.0', 8, 'ipv4'],
  ['10.0.0.0', 8, 'ipv4'],
  ['100.64.0.0', 10, 'ipv4'],
  ['127.0.0.0', 8, 'ipv4'],
  ['169.254.0.0', 16, 'ipv4'],
  ['172.16.0.0', 12, 'ipv4'],
  ['192.0.0.0', 24, 'ipv4'],
  ['192.0.2.0', 24, 'ipv4'],
  ['192.88.99.0', 24, 'ipv4'],
  ['192.168.0.0', 16, 'ipv4'],
  ['198.18.0.0', 15, 'ipv4'],
  ['198.51.100.0', 24, 'ipv4'],
  ['203.0.113.0', 24, 'ipv4'],
  ['224.0.0.0', 3, 'ipv4'],
];

const closed = new BlockList();
for (const [net, prefix, family] of CLOSED) closed.addSubnet(net, prefix, family);

/** Global unicast (RFC 4291), less what tunnels to or stands for other networks. */
const open6 = new BlockList();
open6.addSubnet('2000::', 3, 'ipv6');
const closed6 = new BlockList();
closed6.addSubnet('2001::', 23, 'ipv6');
closed6.addSubnet('2001:db8::', 32, 'ipv6');
closed6.addSubnet('2002::', 16, 'ipv6');
closed6.addSubnet('3fff::', 20, 'ipv6');

/** True for an IP address on the public Internet. */
export function isPublicAddress(ip: string): boolean {
  if (isIP(ip) === 4) return !closed.check(ip, 'ipv4');
  return isIP(ip) === 6 && open6.check(ip, 'ipv6') && !closed6.check(ip, 'ipv6');
}

const LOOPBACK = /^(127\.\d{1,3}\.\d{1,3}\.\d{1,3}|::1|localhost)$/;

/** The host of a URL as a name or an IP address, without brackets. */
export const hostOf = (url: URL) => url.hostname.replace(/^\[|\]$/g, '');

/** True for this machine itself. */
export const isLoopback = (host: string) => LOOPBACK.test(host);

/**
 * Why webhooks cannot be delivered there; null when they can.
 * @param loopback whether the registry itself is on this machine only: then so may be the endpoint
 */
export function addressProblem(text: string, loopback: boolean): string | null {
  if (!URL.canParse(text) || text.length > 500) return 'it is no URL';
  const url = new URL(text);
  if (url.username !== '' || url.password !== '' || url.hash !== '')
    return 'it holds a user, a password or a fragment';
  const host = hostOf(url);
  if (isLoopback(host)) {
    const isHttp = url.protocol === 'http:' || url.protocol === 'https:';
    return loopback && isHttp ? null : 'it is on the loopback of the registry';
  }
  if (url.protocol !== 'https:') return 'it is not https';
  return isIP(host) === 0 || isPublicAddress(host) ? null : 'it is not a public address';
}
