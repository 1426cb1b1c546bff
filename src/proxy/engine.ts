// http-proxy-middleware's engine, and the ways in which it may take a request to the upstream.

import type { Agent } from 'node:http';
import { Stream } from 'node:stream';
import { createProxyMiddleware, type Plugin } from 'http-proxy-middleware';
import type { Route } from '../config.js';
import type { Agents } from './agents.js';

type Engine = Parameters<Plugin>[0];
type Target = ReturnType<typeof targetOf>;

/** What the engine is told with each request. */
export type Way = ReturnType<typeof createWay> & { readonly buffer?: Stream };

/** Calls no plugin, writes no answer: whoever has it listens to `proxyReq`, `proxyRes` and `error`. */
export function createEngine(route: Route, agents: Agents) {
  const target = targetOf(route);
  const pooled = createWay(target, agents.pooled);
  return {
    engine: engineOfMiddleware(target),
    pooled,
    /** In the place of a body that there is not: to pipe one would take a tenth of the request's time. */
    pooledWithoutBody: { ...pooled, buffer: noBody },
    onNewConnection: createWay(target, agents.single),
  };
}

/**
 * The middleware itself is left out: it parses each URL for a path filter, and waits for half a dozen promises, which
 * makes a request dearer by a twentieth on Node 20 and by more on Node 24.
 */
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

function createWay(target: Target, agent: Agent) {
  // the head is written by us at once: the engine would set one header after the other and hold it back
  return { target, agent, selfHandleResponse: true };
}

/** As plain values: of a URL the engine would ask a dozen accessors for each request. */
function targetOf(route: Route) {
  const { protocol, hostname, port, pathname } = new URL(route.target);
  const host = hostname.replace(/^\[|\]$/g, '');
  return { protocol, host, hostname: host, port, pathname };
}

const noBody = new (class extends Stream {
  override pipe<T extends NodeJS.WritableStream>(outgoing: T): T {
    outgoing.end();
    return outgoing;
  }
})();
