// The simulator's own endpoints, /am/__…: journal, faults, clock and sessions, for loopback only.

import { isIP } from 'node:net';
import type { IncomingMessage } from 'node:http';
import type { Am } from './am.js';
import type { Answer } from './answers.js';
import type { Faults } from './faults.js';
import type { Journal } from './journal.js';
import { parseJson } from './rest-checks.js';

const LOOPBACK_PEER = /^(?:::ffff:)?127\.|^::1$/;

function hasLocalHost(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { hostname } = new URL(url);
  return hostname === 'localhost' || hostname.endsWith('.localhost') || isIP(hostname.replace(/^\[|\]$/g, '')) !== 0;
}

/** As much of an IncomingMessage as tells who calls. */
interface Caller {
  readonly socket: { readonly remoteAddress?: string | undefined };
  readonly headers: { readonly host?: string | undefined; readonly origin?: string | undefined };
}

/**
 * Whether the caller is a program on this machine: the peer is loopback, and `Host` is an address or `localhost`. A
 * page whose name was rebound to 127.0.0.1 still sends its own name; one that posts from elsewhere sends its `Origin`.
 */
export function isLocalCaller({ socket, headers }: Caller): boolean {
  const { host = '', origin } = headers;
  return (
    LOOPBACK_PEER.test(socket.remoteAddress ?? '') &&
    hasLocalHost(`http://${host}`) &&
    (origin === undefined || hasLocalHost(origin))
  );
}

export interface ControlOptions {
  readonly am: Am;
  readonly journal: Journal;
  readonly faults: Faults;
}

type Handlers = Partial<Record<string, (body: unknown) => unknown>>;

export type Control = ReturnType<typeof createControl>;

export function createControl({ am, journal, faults }: ControlOptions) {
  const time = () => {
    const ms = am.clock.now();
    return { now: new Date(ms).toISOString(), ms };
  };
  const resources: Record<string, Handlers> = {
    '/__journal': { GET: () => journal.entries, DELETE: () => journal.clear() },
    '/__faults': {
      GET: () => faults.list(),
      POST: (body) => {
        faults.addAll(Array.isArray(body) ? body : [body]);
        return faults.list();
      },
      DELETE: () => faults.clear(),
    },
    '/__clock': {
      GET: time,
      POST: (body) => {
        const seconds: unknown =
          typeof body === 'object' && body !== null && 'advance' in body ? body.advance : undefined;
        if (typeof seconds !== 'number') throw new TypeError('expected {"advance": seconds}');
        am.clock.advance(seconds);
        return time();
      },
    },
    '/__sessions': { GET: () => am.table.list(), DELETE: () => am.table.killAll() },
  };
  const error = (status: number, message: string): Answer => am.answers.json(status, { error: message });

  return function control(req: IncomingMessage, path: string, body: string): Answer {
    if (!isLocalCaller(req))
      return error(403, 'only for programs on this machine that call it by an address or localhost');
    const handlers = Object.hasOwn(resources, path) ? resources[path] : undefined;
    if (handlers === undefined) return error(404, `there are ${Object.keys(resources).join(', ')}`);
    const method = req.method ?? '';
    const handler = Object.hasOwn(handlers, method) ? handlers[method] : undefined;
    if (handler === undefined) return error(405, `${path} takes ${Object.keys(handlers).join(', ')}`);
    const json = parseJson(body);
    if (method === 'POST' && json === undefined) return error(400, 'the body is not JSON');
    try {
      const result = handler(json);
      return result === undefined ? am.answers.empty(204) : am.answers.json(200, result);
    } catch (mistake) {
      if (!(mistake instanceof TypeError)) throw mistake;
      return error(400, mistake.message);
    }
  };
}
