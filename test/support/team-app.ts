// An app of a team, on a server of its own, with the proxy among its own middleware and routes.

import { once } from 'node:events';
import http, { type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import express, { type Express } from 'express';
import { sessionProxy, type SessionProxy, type SessionProxyOptions } from '../../src/index.js';
import { request, type Answer, type RequestOptions } from './http.js';
import { recordingLogger } from './log.js';
import { eventually, type Stack } from './stack.js';

export interface TeamApp {
  readonly url: string;
  readonly server: Server;
  readonly bff: SessionProxy;
  /** What the proxy logged (JSON lines). */
  readonly log: string[];
  request(path: string, options?: RequestOptions): Promise<Answer>;
  /** A request with a live session's cookie. */
  asUser(path: string, options?: RequestOptions): Promise<Answer>;
  close(): Promise<void>;
}

type Options = Omit<SessionProxyOptions, 'am' | 'logger'>;

/** Uses the simulator and the upstream of the stack; `before` mounts what comes before the proxy, `after` the rest. */
export function startTeamApp(
  stack: Stack,
  before: (app: Express, bff: SessionProxy) => void,
  after?: (app: Express, bff: SessionProxy) => void,
  options?: Options,
): Promise<TeamApp> {
  return startTeamServer(
    stack,
    (bff) => {
      const app = express();
      app.disable('x-powered-by').disable('etag');
      before(app, bff);
      app.use(bff);
      after?.(app, bff);
      return app;
    },
    options,
  );
}

/** The same with a listener of any kind; upgrades are the test's own business. */
export async function startTeamServer(
  { am, upstream }: Stack,
  listen: (bff: SessionProxy) => RequestListener,
  options: Options = {},
): Promise<TeamApp> {
  const log: string[] = [];
  const bff = sessionProxy({
    am: { url: am.url },
    routes: [{ path: '/api', target: upstream.url }],
    publicRoutes: [{ path: '/public', target: upstream.url }],
    ...options,
    logger: recordingLogger(log),
  });
  const server = http.createServer(listen(bff)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await eventually(async () => (await request(url, '/readyz')).status === 200);
  const token = am.login();
  return {
    url,
    server,
    bff,
    log,
    request: (path, sent) => request(url, path, sent),
    asUser: (path, sent = {}) =>
      request(url, path, { ...sent, headers: { cookie: `${am.cookieName}=${token}`, ...sent.headers } }),
    async close() {
      await bff.close();
      server.close();
      server.closeAllConnections();
    },
  };
}
