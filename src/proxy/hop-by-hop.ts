// The headers that belong to one connection and never travel further (RFC 9110 7.6.1).

/** Lower case. `Transfer-Encoding` is not among them: each direction has its own framing. */
export const HOP_BY_HOP: readonly string[] = [
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'upgrade',
];

/** Meant for every recipient: a `Connection` that names them would break framing or meaning of the message. */
const NEVER_NOMINATED: ReadonlySet<string> = new Set([
  'authorization',
  'cache-control',
  'content-encoding',
  'content-length',
  'content-type',
  'cookie',
  'host',
  'origin',
  'set-cookie',
  'transfer-encoding',
]);

const NONE: ReadonlySet<string> = new Set();

/** The headers, in lower case, that a `Connection` header names as its own. */
export function nominatedBy(connection = ''): ReadonlySet<string> {
  if (connection === '' || connection === 'keep-alive' || connection === 'close') return NONE;
  const names = connection.split(',').map((name) => name.trim().toLowerCase());
  return new Set(names.filter((name) => !NEVER_NOMINATED.has(name)));
}
