// An app of a team, on a server of its own, with middleware in front of the proxy.

import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import express, { type Express } from 'express';
import { sessionProxy } from '../../src/index.js';
import { request, type Answer, type RequestOptions } from './http.js';
import { eventually, type Stack } from './stack.js';

export interface TeamApp {
  readonly url: string;
  /** What the proxy logged as errors. */
  readonly errors: string[];
  /** A request with a live session's cookie. */
  asUser(path: string, options?: RequestOptions): Promise<Answer>;
  close(): Promise<void>;
}

/** Uses the simulator and the upstream of the stack; `before` mounts what comes before the proxy. */
export async function startTeamApp({ am, upstream }: Stack, before: (app: Express) => void): Promise<TeamApp> {
  const errors: string[] = [];
  const ignore = () => undefined;
  const bff = sessionProxy({
    am: { url: am.url },
    routes: [{ path: '/api', target: upstream.url }],
    publicRoutes: [{ path: '/public', target: upstream.url }],
    logger: { debug: ignore, info: ignore, warn: ignore, error: (_fields, message) => errors.push(message) },
  });
  const app = express();
  before(app);
  app.use(bff);
  const server = http.createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  await eventually(async () => (await request(url, '/readyz')).status === 200);
  const token = am.login();
  return {
    url,
    errors,
    asUser: (path, options = {}) =>
      request(url, path, { ...options, headers: { cookie: `${am.cookieName}=${token}`, ...options.headers } }),
    async close() {
      await bff.close();
      server.close();
      server.closeAllConnections();
    },
  };
}
