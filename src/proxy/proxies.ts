// One proxy for each route, made at start.

import type { Agent } from 'node:http';
import type { Route } from '../config.js';
import { createAgent, createHttpProxy, type HttpProxy, type HttpProxyOptions } from './http.js';

export interface Proxies {
  of(route: Route): HttpProxy;
  /** Closes all connections to upstreams, those in use too. */
  close(): void;
}

export function createProxies(options: Omit<HttpProxyOptions, 'route' | 'agent'>): Proxies {
  const agents = new Map<string, Agent>();
  const proxies = new Map<Route, HttpProxy>();

  for (const route of options.config.routes) {
    const { protocol } = new URL(route.target);
    const agent = agents.get(protocol) ?? createAgent(protocol);
    agents.set(protocol, agent);
    proxies.set(route, createHttpProxy({ ...options, route, agent }));
  }

  return {
    of(route) {
      const proxy = proxies.get(route);
      if (!proxy) throw new Error(`no proxy for ${route.path}`);
      return proxy;
    },
    close: () => agents.forEach((agent) => agent.destroy()),
  };
}
