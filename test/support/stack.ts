// Simulator, upstream and proxy together, with the proxy in each of the forms that users run it in.

import { once } from 'node:events';
import { spawn } from 'node:child_process';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import express from 'express';
import { sessionProxy, type SessionProxyOptions } from '../../src/index.js';
import { createAmSimulator, type AmSimulator } from '../../src/simulator/index.js';
import { recordingLogger } from './log.js';
import { request, type Answer, type RequestOptions } from './http.js';
import { startUpstream, type Upstream } from './upstream.js';

/** `use`: Express middleware; `wrap`: in front of an app; `command`: the built command, a process of its own. */
export type Mount = 'use' | 'wrap' | 'command';
export const mounts: readonly Mount[] = ['use', 'wrap', 'command'];

type SimulatorOptions = NonNullable<Parameters<typeof createAmSimulator>[0]>;
type Options = Omit<SessionProxyOptions, 'am'> & { readonly am?: Partial<SessionProxyOptions['am']> };

export interface StackOptions {
  readonly mount?: Mount;
  readonly simulator?: SimulatorOptions;
  /** Options of the proxy; in the form `command` only those that `commandEnv` knows. */
  readonly proxy?: Options;
}

export interface Stack {
  readonly url: string;
  readonly am: AmSimulator;
  readonly upstream: Upstream;
  /** What the proxy logged (JSON lines). */
  readonly log: string[];
  request(path: string, options?: RequestOptions): Promise<Answer>;
  /** A request with the SSO cookie. */
  as(token: string, path: string, options?: RequestOptions): Promise<Answer>;
  close(): Promise<void>;
}

/** Short times: a frequency of 2 s makes a window of 3 s. */
const quick = { updateFrequencyS: 2 };

export async function startStack({ mount = 'wrap', simulator, proxy = {} }: StackOptions = {}): Promise<Stack> {
  const am = await createAmSimulator({ ...quick, ...simulator });
  const upstream = await startUpstream();
  const log: string[] = [];
  const options: SessionProxyOptions = {
    routes: [{ path: '/api', target: upstream.url }],
    publicRoutes: [{ path: '/public', target: upstream.url }],
    logLevel: 'debug',
    ...proxy,
    am: { url: am.url, ...quick, timeoutMs: 1_000, ...proxy.am },
  };
  const running = mount === 'command' ? await startCommand(options, log) : await startServer(mount, options, log);
  await untilReady(running.url);
  return {
    url: running.url,
    am,
    upstream,
    log,
    request: (path, sent) => request(running.url, path, sent),
    as: (token, path, sent = {}) =>
      request(running.url, path, { ...sent, headers: { cookie: `${am.cookieName}=${token}`, ...sent.headers } }),
    async close() {
      await running.stop();
      await am.close();
      await upstream.close();
    },
  };
}

interface Running {
  readonly url: string;
  stop(): Promise<void>;
}

async function startServer(mount: 'use' | 'wrap', options: SessionProxyOptions, log: string[]): Promise<Running> {
  const bff = sessionProxy({ logger: recordingLogger(log), ...options });
  const app = express();
  app.disable('x-powered-by');
  if (mount === 'use') app.use(bff);
  app.get('/own/report', bff.requireSession, (req, res) => {
    res.json(req.amSession);
  });
  app.use(bff.spaFallback);
  app.use((_req, res) => {
    res.status(404).type('text/plain').send('the app');
  });
  const server = http.createServer(mount === 'use' ? app : bff.wrap(app));
  server.on('upgrade', (req, socket, head) => {
    if (!bff.upgrade(req, socket, head)) socket.end('HTTP/1.1 404 Not Found\r\n\r\n');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      await bff.close();
      server.close();
      server.closeAllConnections();
    },
  };
}

const cli = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));

async function startCommand(options: SessionProxyOptions, log: string[]): Promise<Running> {
  const child = spawn(process.execPath, [cli], {
    env: { PATH: process.env['PATH'], PORT: '0', ...commandEnv(options) },
    stdio: ['ignore', 'pipe', 'pipe'],
    // no .env of the developer's
    cwd: fileURLToPath(new URL('.', import.meta.url)),
  });
  child.stderr.on('data', (chunk: Buffer) => log.push(chunk.toString()));
  const url = await new Promise<string>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the command ended with ${code}: ${log.join('')}`)));
    let text = '';
    child.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      log.push(chunk.toString());
      const listening = /listens on (\S+)/.exec(text)?.[1];
      if (listening) resolve(listening);
    });
  });
  return {
    url,
    async stop() {
      if (child.exitCode !== null) return;
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await exited;
    },
  };
}

/** The options as environment variables. */
function commandEnv(options: SessionProxyOptions): Record<string, string> {
  const routes = (given: SessionProxyOptions['routes']) =>
    given?.map(({ path, target }) => `${path}=${target}`).join(',');
  const values: Record<string, string | number | boolean | undefined> = {
    AM_URL: options.am.url,
    AM_PUBLIC_URL: options.am.publicUrl,
    AM_REALM: options.am.realm,
    AM_COOKIE_NAME: options.am.cookieName,
    AM_FLAVOR: options.am.flavor,
    AM_UPDATE_FREQUENCY_S: options.am.updateFrequencyS,
    AM_TIMEOUT_MS: options.am.timeoutMs,
    AM_DOWN_GRACE_S: options.am.downGraceS,
    SESSION_REALMS: list(options.session?.realms),
    SESSION_TRUST_S: options.session?.trustS,
    SESSION_ACTIVITY: options.session?.activity,
    BACKGROUND_PATHS: list(options.session?.backgroundPaths),
    PROXY_ROUTES: routes(options.routes),
    PUBLIC_ROUTES: routes(options.publicRoutes),
    PROXY_TIMEOUT_MS: options.proxyTimeoutMs,
    COOKIE_DOMAINS: list(options.cookieDomains),
    BASE_PATH: options.basePath,
    STATIC_DIR: options.staticDir,
    PUBLIC_URL: options.publicUrl,
    LOGIN_URL: options.loginUrl,
    POST_LOGOUT_URLS: list(options.postLogoutUrls),
    TRUSTED_ORIGINS: list(options.trustedOrigins),
    TRUST_PROXY: list(options.trustProxy),
    CONTENT_SECURITY_POLICY: options.contentSecurityPolicy,
    SHUTDOWN_TIMEOUT_S: options.shutdownTimeoutS,
    LOG_LEVEL: options.logLevel,
  };
  return Object.fromEntries(
    Object.entries(values).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])),
  );
}

function list(value: string | number | boolean | readonly string[] | undefined) {
  return typeof value === 'object' ? value.join(',') : value;
}

/** Resolves when the proxy has asked AM for its cookie's name. */
async function untilReady(url: string): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    if ((await request(url, '/readyz')).status === 200) return;
    await pause(20);
  }
  throw new Error('the proxy did not become ready');
}

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Waits until it holds; fails after `timeoutMs`. */
export async function eventually(holds: () => boolean | Promise<boolean>, timeoutMs = 5_000): Promise<void> {
  const until = Date.now() + timeoutMs;
  while (!(await holds())) {
    if (Date.now() > until) throw new Error('it never held');
    await pause(20);
  }
}
