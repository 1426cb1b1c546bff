// One of the Node proxies that are compared, as a process: node proxies.mjs '{"name":"bare",…}'
import { once } from 'node:events';
import http from 'node:http';
import cookieParser from 'cookie-parser';
import express from 'express';
import { createProxyMiddleware } from 'http-proxy-middleware';
import { sessionProxy } from '../../dist/index.js';
import './usage.mjs';

const { name, upstream, amUrl, cookieName, frequencyS, version, ttlMs } = JSON.parse(process.argv[2]);

/** The settings of src/proxy/agents.ts: those of ours and of all others here are alike. */
const agent = new http.Agent({ keepAlive: true, timeout: 4_000, scheduling: 'lifo' });

const makers = {
  /** What a team has before it thinks of sessions: the reference of all ratios. */
  bare: () => express().use(engine()),

  /** As little as a proxy can do: the limit. */
  raw() {
    const { hostname, port } = new URL(upstream);
    return (req, res) => {
      const { method, url, headers } = req;
      const outgoing = http.request({ hostname, port, method, path: url, headers, agent }, (reply) => {
        res.writeHead(reply.statusCode, reply.rawHeaders);
        reply.pipe(res);
      });
      outgoing.once('error', () => res.destroy());
      req.pipe(outgoing);
    };
  },

  wrapped: () => ours().wrap((_req, res) => res.writeHead(404).end()),

  mounted: () => express().use(ours()),

  /** What a team would write by hand: AM is asked on every request. */
  asking: () => express().use(cookieParser(), guard(isAlive), engine()),

  /** And after the first complaint of AM's administrators: a minute's verdict in a Map. */
  caching() {
    const known = new Map();
    const isKnown = async (token) => {
      const until = known.get(token);
      if (until !== undefined && Date.now() < until) return true;
      if (!(await isAlive(token))) return false;
      known.set(token, Date.now() + ttlMs);
      return true;
    };
    return express().use(cookieParser(), guard(isKnown), engine());
  },
};

function engine() {
  return createProxyMiddleware({ target: upstream, pathFilter: '/api', agent });
}

function ours() {
  return sessionProxy({
    am: { url: amUrl, cookieName, updateFrequencyS: frequencyS, downGraceS: frequencyS },
    session: { trustS: frequencyS },
    routes: [{ path: '/api', target: upstream }],
    logLevel: 'warn',
  });
}

function guard(mayPass) {
  return async (req, res, next) => {
    const token = req.cookies[cookieName];
    if (token === undefined || !(await mayPass(token))) res.status(401).json({ error: 'session expired' });
    else next();
  };
}

async function isAlive(token) {
  const reply = await fetch(`${amUrl}/json/realms/root/sessions?_action=getSessionInfo`, {
    method: 'POST',
    headers: { [cookieName]: token, 'Accept-API-Version': version, 'Content-Type': 'application/json' },
  });
  await reply.json();
  return reply.status === 200;
}

const server = http.createServer(makers[name]());
server.keepAliveTimeout = 75_000;
server.listen(0, '127.0.0.1');
await once(server, 'listening');
process.send({ port: server.address().port });
