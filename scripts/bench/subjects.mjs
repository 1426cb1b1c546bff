// The proxies that are compared, by name: how each is started, and what it must not do.
import { cores } from './machine.mjs';
import { howToGet, program as nginx, startNginx } from './nginx.mjs';
import { freePort } from '../ports.mjs';
import { startCommand, startOwn } from './processes.mjs';

const core = cores.proxy;
/** The windows stay closed while we measure, as nearly all requests of a user find them; a refresh is measured by itself. */
const frequencyS = 600;
const own = (name) => (world) => startOwn('proxies.mjs', { name, frequencyS, ...world }, core);

/** The environment of the command in front of this world. */
export async function commandEnv({ amUrl, upstream }, more = {}) {
  return {
    AM_URL: amUrl,
    PROXY_ROUTES: `/api=${upstream}`,
    PORT: String(await freePort()),
    LOG_LEVEL: 'warn',
    ...more,
  };
}

/** `tracks`: it meets the sessions at AM first. `strips`: the upstream must not see a token. */
export const subjects = {
  bare: { title: 'bare express + http-proxy-middleware', start: own('bare') },
  command: {
    title: 'am-session-proxy, the command',
    start: async (world) => {
      const seconds = String(frequencyS);
      const times = { AM_UPDATE_FREQUENCY_S: seconds, SESSION_TRUST_S: seconds, AM_DOWN_GRACE_S: seconds };
      return startCommand(await commandEnv(world, times), { core });
    },
    tracks: true,
    strips: true,
  },
  wrapped: { title: 'am-session-proxy, bff.wrap(app)', start: own('wrapped'), tracks: true, strips: true },
  mounted: { title: 'am-session-proxy, app.use(bff)', start: own('mounted'), tracks: true, strips: true },
  raw: { title: 'raw node:http proxy, the limit', start: own('raw') },
  fastify: {
    title: 'fastify + @fastify/http-proxy',
    start: (world) => startOwn('fastify.mjs', world, core),
    lacks: await lacksFastify(),
  },
  nginx: {
    title: 'nginx proxy_pass',
    start: (world) => startNginx({ ...world, core, withAuth: false }),
    lacks: nginx === undefined ? howToGet : undefined,
  },
  nginxAuth: {
    title: 'nginx auth_request + a Node endpoint',
    start: (world) => startNginx({ ...world, core, withAuth: true }),
    lacks: nginx === undefined ? howToGet : undefined,
  },
};

/** Of table B, each with the settings of its world. */
export const handWritten = {
  asking: { title: 'by hand: AM is asked on every request', start: own('asking') },
  caching: { title: 'by hand: a minute in a Map', start: own('caching') },
  command: {
    title: 'am-session-proxy, the command',
    start: async ({ env, ...world }) => startCommand(await commandEnv(world, env), { core }),
  },
};

async function lacksFastify() {
  return import('@fastify/http-proxy').then(
    () => undefined,
    () => 'fastify is missing: npm ci installs it',
  );
}
