// Ten thousand invented tokens a second cost the users whom AM knows nothing, and neither AM nor our memory more than a bound.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { createAmSimulator, type AmSimulator, type JournalEntry } from '../src/simulator/index.js';
import { mostAtOnce } from './support/am-load.js';
import { startCommand } from './support/command.js';
import { percentile, residentMb, runFlood, visit, type Flood } from './support/flood.js';
import { request } from './support/http.js';
import { eventually, pause } from './support/stack.js';
import { startUpstream, type Upstream } from './support/upstream.js';

const users = 20;
const maxConcurrency = 16;
const floodS = 3;
/** What the command may hold, all its pools full: some 60 MB when it starts, and 10,000 requests under way. */
const residentMaxMb = 350;
const logLinesMax = 20;

// logouts first: what is tried again after them comes while the test still runs
const floods: readonly Flood[] = [
  { path: '/logout', method: 'POST', shape: 'damaged', from: 'many' },
  { path: '/logout', method: 'POST', shape: 'plain', from: 'one' },
  { path: '/api/x', method: 'GET', shape: 'damaged', from: 'many' },
  { path: '/api/x', method: 'GET', shape: 'plain', from: 'one' },
];

let am: AmSimulator;
let upstream: Upstream;
let command: ReturnType<typeof startCommand>;
let url: string;
const tokens: string[] = [];

const cookieOf = (token: string) => ({ cookie: `${am.cookieName}=${token}` });

beforeAll(async () => {
  am = await createAmSimulator({ flavor: 'openam', updateFrequencyS: 2, latencyMs: 10 });
  upstream = await startUpstream();
  command = startCommand([], {
    AM_URL: am.url,
    AM_FLAVOR: 'openam',
    AM_UPDATE_FREQUENCY_S: '2',
    AM_MAX_CONCURRENCY: String(maxConcurrency),
    // short: known users wait for AM again and again
    SESSION_TRUST_S: '1',
    TRUST_PROXY: '127.0.0.1',
    PROXY_ROUTES: `/api=${upstream.url}`,
    PUBLIC_ROUTES: `/public=${upstream.url}`,
    PORT: '0',
  });
  url = await command.says(/listens on (\S+)/);
  await eventually(async () => (await request(url, '/readyz')).status === 200);
  tokens.push(...Array.from({ length: users + floods.length }, () => am.login()));
  for (const token of tokens) expect((await request(url, '/api/x', { headers: cookieOf(token) })).status).toBe(200);
});

afterAll(async () => {
  command.child.kill('SIGTERM');
  await command.exit;
  await am.close();
  await upstream.close();
});

/** The journal keeps only its newest entries: takes them out as they come. */
function collectJournal(): () => JournalEntry[] {
  const all: JournalEntry[] = [];
  const take = () => void all.push(...am.journal.splice(0));
  const timer = setInterval(take, 100);
  return () => {
    clearInterval(timer);
    take();
    return all;
  };
}

/** Known users at work, and as many requests to an API that needs no session, while `meanwhile` goes on. */
async function observe<T>(meanwhile: Promise<T>) {
  const calls = collectJournal();
  const startedAt = performance.now();
  const known = tokens.slice(0, users).map((token) => ({ path: '/api/x', headers: cookieOf(token) }));
  const stopKnown = visit(url, known, 20);
  const stopPublic = visit(url, [{ path: '/public/x', headers: {} }], 20);
  const result = await meanwhile;
  const [withSession, without] = await Promise.all([stopKnown(), stopPublic()]);
  const all = calls();
  const seconds = (performance.now() - startedAt) / 1000;
  return {
    result,
    withSession,
    without,
    p99: [withSession, without].map(({ tookMs }) => Math.round(percentile(tookMs, 0.99))),
    atOnce: mostAtOnce(all.map(({ at, finishedAt }) => ({ from: at, to: finishedAt }))),
    callsPerSecond: Math.round(all.length / seconds),
  };
}

/** A known user logs out while AM fails at it. */
async function logOutInVain(token: string): Promise<void> {
  am.fault({ kind: 'status', status: 503, action: 'logout', token });
  await pause((floodS * 1000) / 2);
  const answer = await request(url, '/logout', { method: 'POST', headers: cookieOf(token) });
  expect(answer.status).toBe(202);
  expect(answer.json()).toMatchObject({ am: 'pending' });
}

it('a flood leaves known users, their logouts, AM and memory unharmed', async () => {
  const quiet = await observe(pause(2_000));
  console.log(
    `no flood: p99 ${quiet.p99.join(' ms with a session, ')} ms without, ${residentMb(command.child.pid)} MB`,
  );

  for (const [n, flood] of floods.entries()) {
    const leaving = tokens[users + n]!;
    const [seen] = await Promise.all([observe(runFlood(url, flood, floodS)), logOutInVain(leaving)]);
    const { result, withSession, without, p99, atOnce, callsPerSecond } = seen;
    const residentNow = residentMb(command.child.pid);
    console.log(
      `${flood.shape} tokens to ${flood.path} from ${flood.from}: ${result.perSecond} a second, answered ` +
        `${JSON.stringify(result.statuses)}; known users ${withSession.tookMs.length} requests, ` +
        `p99 ${p99.join(' ms, without a session ')} ms; AM ${callsPerSecond} calls a second, ${atOnce} at once; ${residentNow} MB`,
    );

    expect([...withSession.statuses]).toEqual([200]);
    expect([...without.statuses]).toEqual([200]);
    expect(p99[0]).toBeLessThanOrEqual(3 * p99[1]! + 1_000);
    const allowed = flood.path === '/logout' ? ['200', '202', '503'] : ['401', '503'];
    expect(allowed).toEqual(expect.arrayContaining(Object.keys(result.statuses)));
    // the known user's own logout waits for no queue
    expect(atOnce).toBeLessThanOrEqual(maxConcurrency + 1);
    expect(residentNow ?? 0).toBeLessThanOrEqual(residentMaxMb);
  }

  am.clearFaults();
  const living = new Set(am.sessions.map(({ session }) => session));
  expect(tokens.slice(users).every((token) => living.has(am.hash(token)))).toBe(true);
  await eventually(() => {
    const now = new Set(am.sessions.map(({ session }) => session));
    return tokens.slice(users).every((token) => !now.has(am.hash(token)));
  }, 30_000);
  const lines = command.stdout().trim().split('\n');
  console.log(`${lines.length} lines in the log`);
  expect(lines.length, lines.slice(-logLinesMax).join('\n')).toBeLessThanOrEqual(logLinesMax);
}, 90_000);
