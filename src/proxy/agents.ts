// The connections to upstreams: kept and shared for plain requests, one of its own for what stays open.

import http from 'node:http';
import https from 'node:https';

export interface Agents {
  /** Keep-alive connections, as many as are needed: the engine's default agent stops at 256. */
  readonly pooled: http.Agent;
  /** A new connection for each request: streams, sockets, and what could not be sent again if a kept one was just closed. */
  readonly single: http.Agent;
  /** Closes all connections, those in use too. */
  close(): void;
  /** What fails now failed for that. */
  readonly isClosed: boolean;
}

// below the 5 s after which Node's own server, the shortest of the common ones, closes an idle connection
const freeSocketTimeoutMs = 4_000;

/** @param protocol `http:` or `https:` */
export function createAgents(protocol: string): Agents {
  const { Agent } = protocol === 'https:' ? https : http;
  // though NODE_TLS_REJECT_UNAUTHORIZED, which may be set for something else, said otherwise
  const rejectUnauthorized = true;
  const pooled = new Agent({ keepAlive: true, timeout: freeSocketTimeoutMs, scheduling: 'lifo', rejectUnauthorized });
  const single = new Agent({ keepAlive: false, rejectUnauthorized });
  let isClosed = false;
  return {
    pooled,
    single,
    get isClosed() {
      return isClosed;
    },
    close() {
      isClosed = true;
      pooled.destroy();
      single.destroy();
    },
  };
}
