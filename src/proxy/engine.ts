// A request to the upstream by http-proxy-middleware's engine.

import type { Agent, ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import { createProxyMiddleware, type Plugin } from 'http-proxy-middleware';
import { createAttachment } from '../attachment.js';
import type { Route } from '../config.js';

type Engine = Parameters<Plugin>[0];

/** Takes a request, its headers made ready, to the upstream; what goes on for it comes back with each step. */
export type Send<Exchange> = (req: IncomingMessage, res: ServerResponse, exchange: Exchange) => void;

/** What happens with it on the way. */
export interface Steps<Exchange> {
  /** It has its connection; nothing of it was sent yet. */
  begin(outgoing: ClientRequest, req: IncomingMessage, res: ServerResponse, exchange: Exchange): void;
  /** The head of the answer is there, its body to be read. */
  passBack(answer: IncomingMessage, req: IncomingMessage, res: ServerResponse, exchange: Exchange): void;
  /** Either side broke off. Never throws. */
  fail(error: NodeJS.ErrnoException, req: IncomingMessage, res: ServerResponse, exchange: Exchange): void;
}

/** The upstream as plain values: of a URL a dozen accessors would be asked for each request. */
export type Target = ReturnType<typeof targetOf>;

export function targetOf(route: Route) {
  const { protocol, hostname, port, pathname } = new URL(route.target);
  const host = hostname.replace(/^\[|\]$/g, '');
  return { protocol, host, hostname: host, port, pathname };
}

/**
 * The middleware itself is left out: it parses each URL for a path filter, and waits for half a dozen promises, which
 * makes a request dearer by a twentieth on Node 20 and by more on Node 24.
 */
export function createEngine<Exchange>(
  target: Target,
  agent: Agent,
  { begin, passBack, fail }: Steps<Exchange>,
): Send<Exchange> {
  const engine = engineOfMiddleware(target);
  // its events know the request only
  const exchanges = createAttachment<IncomingMessage, Exchange>('exchange');
  engine.on('proxyReq', (outgoing, req, res) => {
    const exchange = exchanges.get(req);
    if (exchange) begin(outgoing, req, res, exchange);
  });
  engine.on('proxyRes', (answer, req, res) => {
    const exchange = exchanges.get(req);
    if (exchange) passBack(answer, req, res, exchange);
  });
  engine.on('error', (error, req, res) => {
    const exchange = req && exchanges.get(req);
    if (exchange && res && 'writeHead' in res) fail(error, req, res, exchange);
  });

  // the head is written by us at once: the engine would set one header after the other and hold it back
  const options = { target, agent, selfHandleResponse: true };
  return (req, res, exchange) => {
    exchanges.set(req, exchange);
    engine.web(req, res, options).catch((error: Error) => fail(error, req, res, exchange));
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
