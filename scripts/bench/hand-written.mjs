// What a team would write by hand, against the command: requests a second, latency, and how often AM is asked.
import { startSurroundings } from './cpu.mjs';
import { percentile } from './pairs.mjs';
import { handWritten } from './subjects.mjs';

// all times are a tenth of the real ones: a minute's window or cache lasts 6 s, a user clicks every second instead of every ten
const users = 100;
const requestsOfClick = 5;
const rate = users * requestsOfClick;
const windowMs = 6_000;
const ttlMs = windowMs;
const updateFrequencyS = windowMs / 1_000 - 1;
const trustS = 12;
const manyConnections = 128;

/** The mix of real time that these figures stand for. */
export const mix = { clickEveryS: 10, requestsOfClick, windowS: 61 };

/** @param openam a real one in the place of the simulator, with its own latency */
export async function compareHandWritten({ latencyMs, openam, seconds }) {
  // whole windows: a part of one would count some users twice
  const ms = windowMs * Math.max(1, Math.round((1_000 * seconds) / windowMs));
  const rows = [];
  for (const [name, { title, start }] of Object.entries(handWritten)) {
    const surroundings = await startSurroundings({ latencyMs, updateFrequencyS, openam });
    const { world, load, places, logIn, end } = surroundings;
    const proxy = await start({
      ...places,
      ttlMs,
      version: openam ? 'resource=2.0, protocol=1.0' : 'resource=4.0, protocol=1.0',
      env: {
        AM_UPDATE_FREQUENCY_S: String(updateFrequencyS),
        SESSION_TRUST_S: String(trustS),
        ...(openam && { AM_FLAVOR: 'openam', AM_COOKIE_NAME: places.cookieName }),
      },
    });
    await logIn(users);
    const { port } = proxy;
    const workload = 'GET 1 KB';
    // a window until all caches are as they will be
    const warm = await load.ask('open', { port, workload, rate, burst: requestsOfClick, ms: windowMs + 1_000 });
    const before = await world.ask('amCalls');
    const run = await load.ask('open', { port, workload, rate, burst: requestsOfClick, ms });
    const amCalls = (await world.ask('amCalls')) - before;
    const full = await load.ask('closed', { port, workload, connections: manyConnections, ms: 3_000 });
    rows.push({
      name,
      title,
      am: openam ? 'a real OpenAM' : `AM answers in ${latencyMs} ms`,
      perSecond: full.requests / full.seconds,
      p50Ms: percentile(run.latencies, 0.5),
      p99Ms: percentile(run.latencies, 0.99),
      amCallsPerThousand: (1_000 * amCalls) / run.sent,
      failures: { ...warm.failures, ...run.failures, ...full.failures },
    });
    await proxy.stop();
    await end();
  }
  return rows;
}
