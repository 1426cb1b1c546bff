// One HTTP exchange with AM over node:http: built from scratch, no redirect followed, body bounded.

import http from 'node:http';
import https from 'node:https';
import { isIP } from 'node:net';

export interface AmRequest {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

interface AmResponse {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: string;
}

/**
 * Sends one request and resolves with the whole answer; ends at once when the signal aborts.
 *
 * @throws {AmTransportError} when there is no whole answer
 */
export type AmTransport = (request: AmRequest, signal: AbortSignal) => Promise<AmResponse>;

interface AmTransportErrorOptions {
  /** What came is no HTTP answer, or more of it than we take. */
  readonly garbled?: boolean;
  readonly cause?: unknown;
}

/** `connected`: whether there was a connection, so that "AM is not there" can be told from "AM did not answer this". */
export class AmTransportError extends Error {
  readonly connected: boolean;
  readonly garbled: boolean;

  constructor(code: string, connected: boolean, { garbled = false, cause }: AmTransportErrorOptions = {}) {
    super(code, { cause });
    this.name = 'AmTransportError';
    this.connected = connected;
    this.garbled = garbled;
  }
}

/**
 * AM closed an idle connection at the moment we reused it, before it saw the request. If it did see it: each of our
 * calls may come twice (RFC 9110, 9.2.2).
 */
class StaleSocketError extends AmTransportError {}

/** AM's answers are a few hundred bytes; session properties may add to that. */
const maxBodyBytes = 256 * 1024;

// shorter than the keep-alive of the servers and load balancers that AM sits behind
const freeSocketTimeoutMs = 4_000;

/** The transport of production: a keep-alive agent of its own for the given AM. */
export function createHttpTransport(amUrl: string): { send: AmTransport; close(): void } {
  const secure = amUrl.startsWith('https:');
  const agent = new (secure ? https : http).Agent({
    keepAlive: true,
    timeout: freeSocketTimeoutMs,
    maxFreeSockets: 64,
  });
  const identity = secure ? servernameOf(amUrl) : {};
  let closed = false;

  const exchange = (call: AmRequest, signal: AbortSignal, fresh: boolean): Promise<AmResponse> =>
    new Promise((resolve, reject) => {
      let connected = false;
      let answering = false;
      const outgoing = (secure ? https : http).request(call.url, {
        method: call.method,
        headers: call.headers,
        agent: fresh ? false : agent,
        signal,
        ...identity,
      });
      const fail = (error: NodeJS.ErrnoException) => {
        const code = error.code ?? error.message;
        const stale = outgoing.reusedSocket && !answering && isReset(code);
        const garbled = error instanceof UnacceptableAnswer || code.startsWith('HPE_');
        const Failure = stale ? StaleSocketError : AmTransportError;
        reject(new Failure(code, connected, { garbled, cause: error }));
      };
      outgoing.once('socket', (socket) => {
        if (!socket.connecting) connected = true;
        else socket.once(secure ? 'secureConnect' : 'connect', () => (connected = true));
      });
      // not `once`: what Node says after the first error must find a listener, too
      outgoing.on('error', fail);
      // Node ends the connection of a 101 that nobody asked for, without an error
      outgoing.once('upgrade', (_answer, socket) => {
        socket.destroy();
        fail(new UnacceptableAnswer('HTTP 101'));
      });
      outgoing.once('response', (incoming) => {
        answering = true;
        const chunks: Buffer[] = [];
        let size = 0;
        incoming.on('data', (chunk: Buffer) => {
          chunks.push(chunk);
          size += chunk.length;
          if (size > maxBodyBytes) incoming.destroy(new UnacceptableAnswer('body too large'));
        });
        incoming.on('error', fail);
        incoming.once('end', () =>
          resolve({
            status: incoming.statusCode ?? 0,
            headers: incoming.headers,
            body: Buffer.concat(chunks, size).toString('utf8'),
          }),
        );
      });
      outgoing.end();
    });

  return {
    async send(call, signal) {
      try {
        return await exchange(call, signal, false);
      } catch (error) {
        if (closed || !(error instanceof StaleSocketError)) throw error;
        return exchange(call, signal, true);
      }
    },
    close() {
      closed = true;
      agent.destroy();
    },
  };
}

class UnacceptableAnswer extends Error {}

function isReset(code: string): boolean {
  return code === 'ECONNRESET' || code === 'EPIPE';
}

/**
 * Without a servername Node checks the certificate against the Host header, which may be AM's public name. For an
 * address it may do so: TLS has no servername for addresses (RFC 6066, 3).
 */
function servernameOf(url: string): { servername?: string } {
  const { hostname } = new URL(url);
  return isIP(hostname.replace(/^\[|\]$/g, '')) === 0 ? { servername: hostname } : {};
}
