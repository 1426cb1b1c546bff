// The proxies of each route, made at start.

import type { Route } from '../config.js';
import type { Logger } from '../ops/log.js';
import { createAgents, type Agents } from './agents.js';
import { createParserReport, createUpstreamReport, type UpstreamReport } from './failures.js';
import { createHttpProxy, type HttpProxy } from './http.js';
import type { RouteContext } from './route-context.js';
import { createRouteHeaders, type RouteHeadersOptions } from './route-headers.js';
import { createUpgradeProxy, type UpgradeProxy } from './upgrade.js';
import { createUpstreamDeadline } from './upstream-deadline.js';

interface RouteProxies {
  readonly pass: HttpProxy;
  readonly upgrade: UpgradeProxy;
}

export interface Proxies {
  of(route: Route): RouteProxies;
  /** Closes all connections to upstreams, those in use too. */
  close(): void;
}

type MadeHere = 'route' | 'agents' | 'headers' | 'upstream' | 'reportParser' | 'deadline';

export interface ProxiesOptions extends Omit<RouteContext, MadeHere>, Omit<RouteHeadersOptions, 'route'> {
  readonly log: Logger;
}

export function createProxies(options: ProxiesOptions): Proxies {
  const agentsOf = new Map<string, Agents>();
  const proxies = new Map<Route, RouteProxies>();
  const upstreams: UpstreamReport[] = [];
  const reportParser = createParserReport(options.log);
  const deadline = createUpstreamDeadline(options.clock, options.config.proxyTimeoutMs);

  for (const route of options.config.routes) {
    const { protocol } = new URL(route.target);
    const agents = agentsOf.get(protocol) ?? createAgents(protocol);
    agentsOf.set(protocol, agents);
    const headers = createRouteHeaders({ ...options, route });
    const upstream = createUpstreamReport({ ...options, route });
    upstreams.push(upstream);
    const ofRoute: RouteContext = { ...options, route, agents, headers, upstream, reportParser, deadline };
    proxies.set(route, { pass: createHttpProxy(ofRoute), upgrade: createUpgradeProxy(ofRoute) });
  }

  return {
    of(route) {
      const found = proxies.get(route);
      if (!found) throw new Error(`no proxy for ${route.path}`);
      return found;
    },
    close() {
      for (const upstream of upstreams) upstream.close();
      deadline.close();
      agentsOf.forEach((agents) => agents.close());
    },
  };
}
