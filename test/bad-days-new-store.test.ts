// AM was restarted with a new session store: every token is dead at once. All users are told so, and AM is not stormed.

import http from 'node:http';
import { expect, it } from 'vitest';
import { mostAtOnce } from './support/am-load.js';
import { navigationHeaders, request } from './support/http.js';
import { askedAbout } from './support/mounted.js';
import { pause, startStack, type Stack } from './support/stack.js';
import { closing, openSocket } from './support/websocket.js';

const users = 300;
const sockets = 50;
const maxConcurrency = 8;
const trustMs = 1_000;
const windowMs = 2_000;

const agent = new http.Agent({ keepAlive: true, maxSockets: 20 });
const as = ({ url, am }: Stack, token: string, path: string, headers: http.OutgoingHttpHeaders = {}) =>
  request(url, path, { agent, headers: { cookie: `${am.cookieName}=${token}`, ...headers } });

/** Everybody does something, all over again, for as long. */
async function work(stack: Stack, tokens: readonly string[], ms: number): Promise<Map<string, number[]>> {
  const statuses = new Map<string, number[]>(tokens.map((token) => [token, []]));
  const until = performance.now() + ms;
  await Promise.all(
    tokens.map(async (token) => {
      while (performance.now() < until) {
        statuses.get(token)?.push((await as(stack, token, '/api/x')).status);
        await pause(200);
      }
    }),
  );
  return statuses;
}

it.each(['ping', 'openam'] as const)('in flavour %s', async (flavor) => {
  const stack = await startStack({
    mount: 'wrap',
    simulator: { updateFrequencyS: 1, latencyMs: 5, flavor },
    proxy: {
      logLevel: 'info',
      session: { trustS: trustMs / 1000 },
      am: { flavor, updateFrequencyS: windowMs / 1000 - 1, maxConcurrency },
    },
  });
  const tokens = Array.from({ length: users }, () => stack.am.login());
  const met = await work(stack, tokens, 1_500);
  expect([...met.values()].flat().every((status) => status === 200)).toBe(true);
  const open = await Promise.all(tokens.slice(0, sockets).map((token) => openSocket(stack, '/api/ws', token)));
  const closed = open.map(closing);

  stack.am.journal.length = 0;
  stack.am.killSessions();
  const statuses = await work(stack, tokens, windowMs + trustMs + 2_000);

  for (const seen of statuses.values()) {
    expect(seen.every((status) => status === 200 || status === 401)).toBe(true);
    // and never alive again
    expect(seen.slice(seen.indexOf(401)).every((status) => status === 401)).toBe(true);
    expect(seen.at(-1)).toBe(401);
  }
  for (const token of tokens) expect(askedAbout(stack, token).length).toBeLessThanOrEqual(2);
  const calls = stack.am.journal.map(({ at, finishedAt }) => ({ from: at, to: finishedAt }));
  expect(mostAtOnce(calls)).toBeLessThanOrEqual(maxConcurrency);
  for (const how of await Promise.all(closed)) expect(how).toEqual({ code: 4401, reason: 'session_expired' });
  expect(stack.log.join('')).not.toContain('"am":"away"');

  const [someone = ''] = tokens;
  const page = await as(stack, someone, '/api/page', navigationHeaders);
  expect(page.status).toBe(302);
  expect(page.headers.location).toContain('/XUI/');
  expect(page.setCookies.some((line) => line.startsWith(`${stack.am.cookieName}=;`))).toBe(true);

  const again = await Promise.all(tokens.map(() => as(stack, stack.am.login(), '/api/x')));
  expect(again.every(({ status }) => status === 200)).toBe(true);
  console.log(`${flavor}: ${users} dead sessions, ${calls.length} calls, ${mostAtOnce(calls)} at once at most`);
  await stack.close();
});
