// `am-session-proxy`: the proxy as a server of its own.

import express, { type ErrorRequestHandler } from 'express';
import { systemClock } from '../clock.js';
import { optionsFromEnv, type Environment } from '../env.js';
import { startAdminServer, type AdminServer } from '../ops/admin.js';
import { listenOn } from '../ops/listen.js';
import { createErrorReport, createLogger, type ReportError } from '../ops/log.js';
import { createServer } from '../ops/server.js';
import { createShutdown } from '../ops/shutdown.js';
import { onSignal } from '../ops/signals.js';
import { canAnswer, sendProblem } from '../problem.js';
import { requestIdOf } from '../proxy/request-headers.js';
import { setHeaders } from '../security-headers.js';
import { refusalCounter, sessionProxy, type SessionProxy } from '../session-proxy.js';
import type { SessionProxyOptions } from '../parts.js';

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

/** @throws the error of `listen`, such as EADDRINUSE */
export async function listen(options: SessionProxyOptions): Promise<RunningServer> {
  const bff = sessionProxy(options);
  const { config } = bff;
  const log = options.logger ?? createLogger(config.logLevel);

  const clock = options.clock ?? systemClock;
  const server = createServer({
    listener: bff.wrap(rest(bff, createErrorReport(log, clock))),
    upgrade: bff.upgrade,
    securityHeaders: bff.securityHeaders,
    clock,
    onRefused: refusalCounter(bff),
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
    admin = await startAdmin(bff);
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

async function startAdmin({ config, metrics }: SessionProxy): Promise<AdminServer | undefined> {
  const { adminHost: host, adminPort: port } = config;
  return port === undefined ? undefined : startAdminServer({ host, port, metrics });
}

/** What is neither ours, nor proxied, nor a file: the page of the single-page app for navigations, else 404. */
function rest(bff: SessionProxy, reportError: ReportError): express.Express {
  const app = express();
  app.disable('x-powered-by');
  app.use((req, res, next) => {
    setHeaders(res, bff.securityHeaders);
    res.setHeader('x-request-id', requestIdOf(req));
    next();
  });
  app.use(bff.spaFallback);
  app.use((_req, res) => sendProblem(res, 'not_found'));
  app.use(((error: unknown, _req, res, _next) => {
    // the client has gone: nobody is left to be told
    if (!canAnswer(res)) return void res.destroy();
    reportError(error, 'the index page could not be sent');
    sendProblem(res, 'internal_error');
  }) satisfies ErrorRequestHandler);
  return app;
}
