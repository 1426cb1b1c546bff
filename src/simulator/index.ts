// A believable AM on real HTTP, for tests and demos: `am-session-proxy/simulator`.

import { createServer, type Server } from 'node:http';
import { isIPv6 } from 'node:net';
import { createAm } from './am.js';
import { createControl } from './control.js';
import { createDelivery } from './delivery.js';
import type { FaultRule } from './fault-rule.js';
import { createFaults, type Fault } from './faults.js';
import { createJournal, type JournalEntry } from './journal.js';
import { type AmSimulatorOptions, isCookieName, parseOptions, type SimulatorConfig } from './options.js';
import { findRealm, REALMS } from './realms.js';
import { createRequestListener } from './requests.js';
import type { SessionView } from './sessions.js';
import { hashToken } from './tokens.js';

export type { AmSimulatorOptions, Fault, FaultRule, JournalEntry, SessionView };

export interface AmSimulator {
  /** `http://127.0.0.1:PORT/am`: what a client has to be given as AM's URL. */
  readonly url: string;
  /** The SSO cookie's name as it is now. */
  readonly cookieName: string;
  /** What AM was asked, oldest first, at most 10,000 entries. It goes on growing; `journal.length = 0` empties it. */
  readonly journal: JournalEntry[];
  /** The sessions that live now, oldest first, without their tokens. */
  readonly sessions: readonly SessionView[];
  /** AM's time in milliseconds since 1970. */
  now(): number;
  /** Moves AM's clock forward: sessions grow idle and end. Answers under way are not sped up. */
  advance(seconds: number): void;
  /** Makes a session without asking for a password: default `demo` in `/`. Returns its token. Throws on an unknown realm. */
  login(username?: string, realm?: string): string;
  /** The name that journal and sessions use in place of a token. */
  hash(token: string): string;
  /** Makes AM answer badly. Throws a TypeError that lists what is wrong with the rule. */
  fault(rule: FaultRule): Fault;
  clearFaults(): void;
  /** AM has lost its session store: every session is dead. */
  killSessions(): void;
  /** The administrator renames the SSO cookie; sessions live on under the new name. */
  renameCookie(name: string): void;
  /** AM goes away: connections are cut, further ones refused. Sessions, journal, faults and port are kept. */
  stop(): Promise<void>;
  /** AM is back on the same port. */
  start(): Promise<void>;
  /** Ends everything, hanging answers too; for good. */
  close(): Promise<void>;
}

// Like the Tomcat of the measured OpenAM: 8,000 characters of token are an answer, 70,000 the container's 400.
const MAX_HEADER_BYTES = 64 * 1024;
const KEEP_ALIVE_MS = 60_000;
const BAD_REQUEST =
  'HTTP/1.1 400 Bad Request\r\nContent-Type: text/html;charset=utf-8\r\nConnection: close\r\n\r\n' +
  '<!doctype html><html lang="en"><title>Bad Request</title><h1>HTTP Status 400 – Bad Request</h1></html>';

function createHttpServer(listener: ReturnType<typeof createRequestListener>): Server {
  const server = createServer({ maxHeaderSize: MAX_HEADER_BYTES, keepAliveTimeout: KEEP_ALIVE_MS }, (req, res) => {
    listener(req, res).catch((error: unknown) => {
      if (!res.headersSent) res.writeHead(500, { 'Content-Type': 'text/plain' });
      res.end(`The simulator itself failed: ${String(error)}`);
    });
  });
  server.on('clientError', (_error, socket) => {
    if (socket.writable) socket.end(BAD_REQUEST);
    else socket.destroy();
  });
  return server;
}

function listen(server: Server, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      const address = server.address();
      resolve(typeof address === 'object' && address !== null ? address.port : port);
    });
  });
}

function stopServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

function urlHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1';
  return isIPv6(host) ? `[${host}]` : host;
}

/**
 * Starts an AM. Throws a TypeError that lists all bad options; rejects if the port is taken (`EADDRINUSE`).
 *
 * @example
 * const am = await createAmSimulator({ updateFrequencyS: 2 });
 * const token = am.login('demo', '/alpha');
 * am.advance(31 * 60); // now the token is dead
 * await am.close();
 */
export function createAmSimulator(options: AmSimulatorOptions = {}): Promise<AmSimulator> {
  return startSimulator(parseOptions(options));
}

async function startSimulator(config: SimulatorConfig): Promise<AmSimulator> {
  const am = createAm(config);
  const journal = createJournal(() => am.clock.now());
  const faults = createFaults();
  const listener = createRequestListener({
    am,
    journal,
    faults,
    delivery: createDelivery({ timers: config.clock, latencyMs: config.latencyMs }),
    control: createControl({ am, journal, faults }),
  });

  let server: Server | undefined = createHttpServer(listener);
  let closed = false;
  const port = await listen(server, config.port, config.host);

  async function stop(): Promise<void> {
    const running = server;
    server = undefined;
    if (running !== undefined) await stopServer(running);
  }

  return {
    url: `http://${urlHost(config.host)}:${port}/am`,
    journal: journal.entries,
    get cookieName() {
      return am.cookieName;
    },
    get sessions() {
      return am.table.list();
    },
    now: () => am.clock.now(),
    advance: (seconds) => am.clock.advance(seconds),
    login(username = 'demo', realm = '/') {
      const known = findRealm(realm);
      if (known === undefined) throw new TypeError(`login: no realm ${realm}; there are ${REALMS.join(', ')}`);
      return am.table.login(username, known);
    },
    hash: hashToken,
    fault: (rule) => faults.add(rule),
    clearFaults: () => faults.clear(),
    killSessions: () => am.table.killAll(),
    renameCookie(name) {
      if (!isCookieName(name)) throw new TypeError(`renameCookie: not a cookie name: ${JSON.stringify(name)}`);
      am.cookieName = name;
    },
    stop,
    async start() {
      if (closed) throw new Error('The simulator is closed');
      if (server !== undefined) return;
      const next = createHttpServer(listener);
      server = next;
      await listen(next, port, config.host).catch((error: unknown) => {
        server = undefined;
        throw error;
      });
    },
    async close() {
      closed = true;
      await stop();
    },
  };
}
