// Who asks, and by which scheme and host: the socket's word, or that of the proxies in front that are trusted.

import type { IncomingHttpHeaders } from 'node:http';
import { isIP, isIPv4, isIPv6 } from 'node:net';
import { compile } from 'proxy-addr';
import type { Config } from './config.js';

/** The parts of a `node:http` request that are asked here; an `IncomingMessage` is one. */
export interface RequestLike {
  readonly method?: string | undefined;
  readonly url?: string | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly socket: { readonly remoteAddress?: string | undefined; readonly encrypted?: boolean };
}

export interface Forwarded {
  /** The address of the client, as the last trusted proxy reports it. */
  clientAddress(req: RequestLike): string;
  /** For `X-Forwarded-For`: the client first, then the trusted proxies, the peer of the socket last. */
  chain(req: RequestLike): string[];
  proto(req: RequestLike): 'http' | 'https';
  /** `host[:port]` in lower case; `''` if the request names none, or none that could be one. */
  host(req: RequestLike): string;
  /** The configured public origin, else the one that the request came to. */
  publicOrigin(req: RequestLike, publicUrl: string | undefined): string;
}

/** Takes `Config.trustProxy`, checked before. Without it whatever clients send in `X-Forwarded-*` is ignored. */
export function createForwarded({ trustProxy }: Pick<Config, 'trustProxy'>): Forwarded {
  const client = trustProxy === false ? fromSocket : fromTrustedProxies(trustFunction(trustProxy));
  return {
    ...client,
    publicOrigin: (req, publicUrl) => publicUrl ?? `${client.proto(req)}://${client.host(req) || 'localhost'}`,
  };
}

type Client = Omit<Forwarded, 'publicOrigin'>;
/** Hop 0 is the peer of the socket, as in proxy-addr. */
type Trust = (address: string, hop: number) => boolean;

function trustFunction(trustProxy: number | readonly string[]): Trust {
  return typeof trustProxy === 'number' ? (_address, hop) => hop < trustProxy : compile([...trustProxy]);
}

const fromSocket: Client = {
  clientAddress: peerAddress,
  chain: (req) => [peerAddress(req)],
  proto: (req) => (req.socket.encrypted === true ? 'https' : 'http'),
  host: (req) => validHost(req.headers.host) ?? '',
};

function fromTrustedProxies(trust: Trust): Client {
  const reported = (req: RequestLike, header: 'x-forwarded-proto' | 'x-forwarded-host'): string | undefined => {
    const value = req.headers[header];
    return typeof value === 'string' ? entryOf(value, walk(req, trust).trusted) : undefined;
  };
  return {
    clientAddress: (req) => walk(req, trust).addresses.at(-1) ?? peerAddress(req),
    chain: (req) => walk(req, trust).addresses.toReversed(),
    proto: (req) => {
      const proto = reported(req, 'x-forwarded-proto')?.toLowerCase();
      return proto === 'http' || proto === 'https' ? proto : fromSocket.proto(req);
    },
    host: (req) => validHost(reported(req, 'x-forwarded-host')) ?? fromSocket.host(req),
  };
}

/** From the peer outwards, as far as each address is trusted to report the next. */
function walk(req: RequestLike, trust: Trust): { addresses: string[]; trusted: number } {
  let address = peerAddress(req);
  const addresses = [address];
  const header = req.headers['x-forwarded-for'];
  let rest = typeof header === 'string' ? header : '';
  let trusted = 0;
  while (trust(address, trusted)) {
    trusted++;
    const comma = rest.lastIndexOf(',');
    address = normalizeAddress(withoutPort(rest.slice(comma + 1).trim()));
    if (isIP(address) === 0) break;
    addresses.push(address);
    rest = comma === -1 ? '' : rest.slice(0, comma);
  }
  return { addresses, trusted };
}

/** Proxies append: the entry of the furthest trusted one, or the first where some of them replace instead. */
function entryOf(list: string, trusted: number): string | undefined {
  if (trusted === 0) return undefined;
  const entries = list.split(',');
  return entries[Math.max(0, entries.length - trusted)]?.trim();
}

/** A socket that is gone, or one of the file system, has no address: `unknown`, as in RFC 7239 6.2. */
function peerAddress(req: RequestLike): string {
  const { remoteAddress } = req.socket;
  return remoteAddress === undefined ? 'unknown' : normalizeAddress(remoteAddress);
}

const IPV4_MAPPED = '::ffff:';

/** A dual-stack socket reports `::ffff:192.0.2.1` for an IPv4 client. */
function normalizeAddress(address: string): string {
  if (address.length < IPV4_MAPPED.length || address.charCodeAt(0) !== 0x3a) return address;
  const tail = address.slice(IPV4_MAPPED.length);
  return address.toLowerCase().startsWith(IPV4_MAPPED) && isIPv4(tail) ? tail : address;
}

/** `192.0.2.1:4711`, `[2001:db8::1]:4711` and `[2001:db8::1]` lose port and brackets. */
function withoutPort(entry: string): string {
  const bracketed = /^\[([^\]]*)\](?::\d+)?$/.exec(entry);
  if (bracketed !== null) return bracketed[1] ?? '';
  return /^[\d.]+:\d+$/.test(entry) ? entry.slice(0, entry.indexOf(':')) : entry;
}

const HOST = /^(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?$/i;
const MAX_HOST_LENGTH = 261;

function validHost(host: string | undefined): string | undefined {
  return host !== undefined && host.length <= MAX_HOST_LENGTH && HOST.test(host) ? host.toLowerCase() : undefined;
}

const MAX_KEY_LENGTH = 64;

/**
 * What counts as one client when work is shared out between clients: an IPv4 address, or the /64 of an IPv6 one, the
 * least that a single customer gets.
 */
export function addressKey(address: string): string {
  const plain = normalizeAddress(address);
  // the test for IPv6 is a large expression, and this runs for every request
  return plain.includes(':') && isIPv6(plain) ? `${networkOf(plain)}::/64` : plain.slice(0, MAX_KEY_LENGTH);
}

function networkOf(address: string): string {
  const [head = '', tail] = address.replace(/%.*$/, '').split('::');
  const before = groupsOf(head);
  const after = groupsOf(tail ?? '');
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0');
  return [...before, ...zeros, ...after].slice(0, 4).join(':');
}

/** Without leading zeros; an embedded IPv4 address fills two groups, which never belong to the network. */
function groupsOf(text: string): string[] {
  if (text === '') return [];
  return text
    .split(':')
    .flatMap((group) => (group.includes('.') ? ['0', '0'] : [Number.parseInt(group, 16).toString(16)]));
}
