// `am-session-proxy`: the proxy as a server of its own.

import express, { type ErrorRequestHandler } from 'express';
import { once } from 'node:events';
import { systemClock } from '../clock.js';
import type { Config } from '../config.js';
import { optionsFromEnv, type Environment } from '../env.js';
import { createLogger, type Logger } from '../ops/log.js';
import { createServer } from '../ops/server.js';
import { createShutdown } from '../ops/shutdown.js';
import { canAnswer, sendProblem } from '../problem.js';
import { setHeaders } from '../security-headers.js';
import { sessionProxy, type SessionProxy } from '../session-proxy.js';
import type { SessionProxyOptions } from '../parts.js';

export interface RunningServer {
  readonly url: string;
  /** What SIGTERM does, but for the end of the process. */
  stop(): Promise<void>;
}

/** Serves until SIGTERM or SIGINT, then exits with 0. */
export async function serve(environment: Environment): Promise<void> {
  const { url, stop } = await listen(optionsFromEnv(environment));
  onSignal(stop);
  process.stdout.write(`am-session-proxy listens on ${url}\n`);
}

/** @throws the error of `listen`, such as EADDRINUSE */
export async function listen(options: SessionProxyOptions): Promise<RunningServer> {
  const bff = sessionProxy(options);
  const { config } = bff;
  const log = options.logger ?? createLogger(config.logLevel);

  const clock = options.clock ?? systemClock;
  const server = createServer({
    listener: bff.wrap(rest(bff, log)),
    upgrade: bff.upgrade,
    securityHeaders: bff.securityHeaders,
    clock,
  });
  server.listen(config.port, config.host);
  try {
    await once(server, 'listening');
  } catch (error) {
    await bff.close();
    throw error;
  }
  const address = server.address();
  return {
    url: urlOf(config, typeof address === 'object' && address !== null ? address.port : config.port),
    stop: createShutdown({
      server,
      timeoutMs: config.shutdownTimeoutS * 1000,
      clock,
      log,
      announce: bff.stop,
      release: bff.close,
    }),
  };
}

export function onSignal(stop: () => Promise<void>): void {
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.on(signal, () => void stop().then(() => process.exit(0)));
}

/** What is neither ours, nor proxied, nor a file: the page of the single-page app for navigations, else 404. */
function rest(bff: SessionProxy, log: Logger): express.Express {
  const app = express();
  app.disable('x-powered-by');
  app.use((_req, res, next) => {
    setHeaders(res, bff.securityHeaders);
    next();
  });
  app.use(bff.spaFallback);
  app.use((_req, res) => sendProblem(res, 'not_found'));
  app.use(((error: unknown, _req, res, _next) => {
    // the client has gone: nobody is left to be told
    if (!canAnswer(res)) return void res.destroy();
    log.error({ error: error instanceof Error ? error.message : 'unknown' }, 'the index page could not be sent');
    sendProblem(res, 'internal_error');
  }) satisfies ErrorRequestHandler);
  return app;
}

function urlOf({ host }: Config, port: number): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
}
