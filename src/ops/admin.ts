// The admin server of the command: the metrics page, for machines inside. Browsers never come here.

import http, { type RequestListener } from 'node:http';
import { createOpenAnswers } from '../pipelined.js';
import { sendProblem } from '../problem.js';
import { pathOf } from '../target.js';
import { listenOn } from './listen.js';

export interface AdminServer {
  /** Of the metrics page. */
  readonly url: string;
  /** At once: a scrape under way is cut. */
  close(): void;
}

export interface AdminOptions {
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  readonly metrics: RequestListener;
}

/** Prometheus asks every 15 s to a minute, and keeps its connection. */
const keepAliveMs = 75_000;
/** A request for a page has no body: whoever takes longer has stalled. */
const requestMs = 10_000;
/** A few scrapers and people: whoever opens more must not use up the files that users need. */
const connectionsMax = 32;
/** No scraper pipelines. */
const pipelinedMax = 4;

/** @throws the error of `listen`, such as EADDRINUSE, which names the setting */
export async function startAdminServer({ host, port, metrics }: AdminOptions): Promise<AdminServer> {
  const answers = createOpenAnswers(pipelinedMax);
  const server = http.createServer(
    {
      keepAliveTimeout: keepAliveMs,
      headersTimeout: requestMs,
      requestTimeout: requestMs,
      connectionsCheckingInterval: 1_000,
    },
    (req, res) => {
      if (!answers.admit(req, res)) return;
      res.setHeader('x-content-type-options', 'nosniff');
      if (pathOf(req.url ?? '') !== '/metrics') sendProblem(res, 'not_found');
      else if (req.method !== 'GET' && req.method !== 'HEAD')
        sendProblem(res, 'method_not_allowed', { allow: 'GET, HEAD' });
      else metrics(req, res);
    },
  );
  server.maxConnections = connectionsMax;
  const url = await listenOn(server, { host, port, setting: 'ADMIN_PORT' });
  return {
    url: `${url}/metrics`,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
