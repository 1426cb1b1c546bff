// The same on real sockets and with shorter times: two thousand users whose AM was gone, and is back.

import http from 'node:http';
import { expect, it } from 'vitest';
import { mostAtOnce, perSpan } from './support/am-load.js';
import { request } from './support/http.js';
import { pause, startStack } from './support/stack.js';

const users = 2_000;
const maxConcurrency = 16;
const outageMs = 5_000;
/** The longest back-off that an outage of five seconds leads to is 4 s; the rest is for a busy machine. */
const allBackMs = 30_000;
/** Requests of all users together. */
const everyMs = 2;

it('two thousand users are back after an outage, spread and never too many at once', async () => {
  const stack = await startStack({
    mount: 'wrap',
    simulator: { latencyMs: 10 },
    proxy: { logLevel: 'info', session: { trustS: 1 }, am: { maxConcurrency, downGraceS: 3, timeoutMs: 1_000 } },
  });
  const agent = new http.Agent({ keepAlive: true, maxSockets: 32 });
  const statuses = new Map<number, number>();
  const served = new Set<string>();
  const ask = async (token: string): Promise<void> => {
    const headers = { cookie: `${stack.am.cookieName}=${token}` };
    const { status } = await request(stack.url, '/api/x', { agent, headers });
    statuses.set(status, (statuses.get(status) ?? 0) + 1);
    if (status === 200) served.add(token);
  };
  const tokens = Array.from({ length: users }, () => stack.am.login());
  let next = 0;
  /** One user after the other does something. */
  async function work(done: () => boolean): Promise<void> {
    const asked: Promise<void>[] = [];
    while (!done()) {
      for (let n = 0; n < 4; n++) asked.push(ask(tokens[next++ % users]!));
      await pause(4 * everyMs);
    }
    await Promise.all(asked);
  }
  const after = (ms: number) => {
    const until = performance.now() + ms;
    return () => performance.now() >= until;
  };

  await Promise.all(tokens.map(ask));
  expect([...statuses]).toEqual([[200, users]]);

  await stack.am.stop();
  await work(after(outageMs));
  expect([...statuses.keys()].every((status) => status === 200 || status === 503)).toBe(true);

  await stack.am.start();
  const backAt = stack.am.now();
  stack.am.journal.length = 0;
  served.clear();
  const over = after(allBackMs);
  await work(() => served.size === users || over());

  const calls = stack.am.journal.filter(({ action }) => action !== 'serverinfo');
  const perSecond = perSpan(
    calls.map(({ at }) => at),
    backAt,
    1_000,
  );
  const atOnce = mostAtOnce(calls.map(({ at, finishedAt }) => ({ from: at, to: finishedAt })));
  console.log(
    `${users} users after ${outageMs / 1000} s: calls by second ${perSecond.join(' ')}, ${atOnce} at once at most`,
  );

  expect([...statuses.keys()].every((status) => status === 200 || status === 503)).toBe(true);
  expect(atOnce).toBeLessThanOrEqual(maxConcurrency);
  // no second has them all
  expect(served.size).toBe(users);
  expect(Math.max(...perSecond)).toBeLessThanOrEqual(users * 0.75);
  agent.destroy();
  await stack.close();
}, 60_000);
