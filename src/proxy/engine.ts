// A request to the upstream by http-proxy-middleware's engine.

import type { Agent, ClientRequest, IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { createProxyMiddleware, type Plugin } from 'http-proxy-middleware';
import { createAttachment } from '../attachment.js';
import type { Route } from '../config.js';

type Engine = Parameters<Plugin>[0];

/** Takes a request to the upstream, with these headers; what goes on for it comes back with each step. */
export type Send<T> = (req: IncomingMessage, res: ServerResponse, headers: IncomingHttpHeaders, exchange: T) => void;

/** What happens with it on the way. */
export interface Steps<T> {
  /** It has its connection; nothing of it was sent yet. */
  begin(outgoing: ClientRequest, req: IncomingMessage, res: ServerResponse, exchange: T): void;
  /** The head of the answer is there, its body to be read. */
  passBack(answer: IncomingMessage, req: IncomingMessage, res: ServerResponse, exchange: T): void;
  /** Either side broke off. Never throws. */
  fail(error: NodeJS.ErrnoException, req: IncomingMessage, res: ServerResponse, exchange: T): void;
}

/** The upstream as plain values: of a URL a dozen accessors would be asked for each request. */
export type Target = ReturnType<typeof targetOf>;

export function targetOf(route: Route) {
  const { protocol, hostname, port, pathname } = new URL(route.target);
  const host = hostname.replace(/^\[|\]$/g, '');
  return { protocol, host, hostname: host, port, pathname };
}

interface Errand<T> {
  readonly exchange: T;
  /** The headers of the client. */
  readonly received: IncomingHttpHeaders;
}

/**
 * The middleware itself is left out: it parses each URL for a path filter, and waits for half a dozen promises, which
 * makes a request dearer by a twentieth on Node 20 and by more on Node 24.
 */
export function createEngine<T>(target: Target, agent: Agent, { begin, passBack, fail }: Steps<T>): Send<T> {
  const engine = engineOfMiddleware(target);
  // its events know the request only
  const errands = createAttachment<IncomingMessage, Errand<T>>('errand');
  engine.on('proxyReq', (outgoing, req, res) => {
    const exchange = giveBack(req);
    if (exchange) begin(outgoing, req, res, exchange);
  });
  engine.on('proxyRes', (answer, req, res) => {
    const errand = errands.get(req);
    if (errand) passBack(answer, req, res, errand.exchange);
  });
  engine.on('error', (error, req, res) => {
    const exchange = req && giveBack(req);
    if (exchange && res && 'writeHead' in res) fail(error, req, res, exchange);
  });

  /** The engine has taken the headers from the request: access logs, at its end, need those of the client. */
  function giveBack(req: IncomingMessage): T | undefined {
    const errand = errands.get(req);
    if (errand) req.headers = errand.received;
    return errand?.exchange;
  }

  // the head is written by us at once: the engine would set one header after the other and hold it back
  const options = { target, agent, selfHandleResponse: true };
  return (req, res, headers, exchange) => {
    errands.set(req, { exchange, received: req.headers });
    // the client's own would take its token along
    if (!Reflect.set(req, 'headers', headers) || req.headers !== headers)
      return fail(
        new Error('somebody before us keeps the headers of the request from being replaced'),
        req,
        res,
        exchange,
      );
    engine.web(req, res, options).catch((error: Error) => {
      giveBack(req);
      fail(error, req, res, exchange);
    });
  };
}

/** It calls no plugin and writes no answer: whoever has it listens to its events. */
function engineOfMiddleware(target: Target): Engine {
  const made: Engine[] = [];
  createProxyMiddleware({
    target,
    // the default ones write lines of a log for every request, and hand them to nobody
    ejectPlugins: true,
    plugins: [(engine) => void made.push(engine)],
  });
  const [engine] = made;
  if (!engine) throw new Error('http-proxy-middleware has no engine');
  return engine;
}
