// `am-session-proxy`: the proxy as a server of its own.

import express, { type ErrorRequestHandler } from 'express';
import { collectDefaultMetrics } from 'prom-client';
import { optionsFromEnv, type Environment } from '../env.js';
import { startAdminServer, type AdminServer } from '../ops/admin.js';
import { listenOn } from '../ops/listen.js';
import { createServer } from '../ops/server.js';
import { createShutdown } from '../ops/shutdown.js';
import { onSignal } from '../ops/signals.js';
import { canAnswer, sendProblem } from '../problem.js';
import { requestIdOf } from '../proxy/request-headers.js';
import { assemble } from '../session-proxy.js';
import type { Parts, SessionProxyOptions } from '../parts.js';

export interface RunningServer {
  readonly url: string;
  /** Of the metrics page; undefined without an `adminPort`. */
  readonly metricsUrl: string | undefined;
  /** What SIGTERM does, but for the end of the process; `signal` is for the log. */
  stop(signal?: string): Promise<void>;
}

/** Serves until SIGTERM or SIGINT, then exits with 0. */
export async function serve(environment: Environment): Promise<void> {
  const { url, metricsUrl, stop } = await listen(optionsFromEnv(environment));
  onSignal(stop);
  process.stdout.write(`am-session-proxy listens on ${url}\n`);
  if (metricsUrl !== undefined) process.stdout.write(`am-session-proxy serves metrics on ${metricsUrl}\n`);
}

/**
 * Once in a process, whose figures are on the metrics page.
 *
 * @throws the error of `listen`, such as EADDRINUSE
 */
export async function listen(options: SessionProxyOptions): Promise<RunningServer> {
  const { bff, parts } = assemble(options);
  const { config, clock, log } = parts;
  const server = createServer({
    listener: bff.wrap(rest(parts)),
    upgrade: bff.upgrade,
    securityHeaders: parts.securityHeaders,
    clock,
    onRefused: parts.metrics.refused,
  });
  const shutDown = createShutdown({
    server,
    timeoutMs: config.shutdownTimeoutS * 1000,
    clock,
    log,
    announce: bff.stop,
    release: bff.close,
  });
  let admin: AdminServer | undefined;
  try {
    admin = await startAdmin(parts);
    const url = await listenOn(server, { host: config.host, port: config.port, setting: 'PORT' });
    log.info({ url, ...(admin && { metrics: admin.url }), pid: process.pid }, 'listening');
    return {
      url,
      metricsUrl: admin?.url,
      // last: what happens while requests finish is of interest too
      stop: (signal) => shutDown(signal).finally(() => admin?.close()),
    };
  } catch (error) {
    admin?.close();
    await bff.close();
    throw error;
  }
}

async function startAdmin({ config, metrics }: Parts): Promise<AdminServer | undefined> {
  const { adminHost: host, adminPort: port } = config;
  if (port === undefined) return undefined;
  // not in the library: there the process is the app's, and so are its figures
  collectDefaultMetrics({ register: metrics.registry });
  return startAdminServer({ host, port, metrics: metrics.page });
}

/** What is neither ours, nor proxied, nor a file: the page of the single-page app for navigations, else 404. */
function rest({ prepare, spaFallback, reportError }: Parts): express.Express {
  const app = express();
  app.disable('x-powered-by');
  app.use((req, res, next) => {
    prepare(res, requestIdOf(req));
    next();
  });
  app.use(spaFallback);
  app.use((_req, res) => sendProblem(res, 'not_found'));
  app.use(((error: unknown, _req, res, _next) => {
    // the client has gone: nobody is left to be told
    if (!canAnswer(res)) return void res.destroy();
    reportError(error, 'the index page could not be sent');
    sendProblem(res, 'internal_error');
  }) satisfies ErrorRequestHandler);
  return app;
}
