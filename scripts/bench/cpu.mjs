// CPU time per request of each proxy, as ratios to the bare one: rows of pairs.
import { latencyRound } from './latency.mjs';
import { cores } from './machine.mjs';
import { alternate, lowerQuartile, median, ratios } from './pairs.mjs';
import { startCommand, startOwn } from './processes.mjs';
import { rightly, workloads } from './requests.mjs';
import { commandEnv, subjects } from './subjects.mjs';

const sessions = 10_000;
const metAtOnce = 32;
const refreshedSessions = 2_000;
/** Rounds' worth of requests before any is measured. */
const warmUp = 4;
const beforeLatency = 10_000;
/** Of each proxy in a round. */
const turns = 20;

/** Upstream, AM and load; `end` stops them. */
export async function startSurroundings(options = {}) {
  const world = await startOwn('world.mjs', options, cores.around);
  const load = await startOwn('load.mjs', {}, cores.around);

  async function logIn(count) {
    const tokens = await world.ask('logIn', { count });
    await load.ask('use', { tokens, cookieName: world.cookieName });
  }

  return {
    places: { amUrl: world.amUrl, upstream: world.upstream, cookieName: world.cookieName },
    world,
    load,
    logIn,
    /** As many users as the proxies are compared with. */
    logInAll: () => logIn(sessions),
    end: () => Promise.all([world.stop(), load.stop()]),
  };
}

/** Starts the proxy of this name; if it tracks sessions it has met 10,000. */
export async function startSubject(name, { world, load, places }) {
  const { start, tracks } = subjects[name];
  const proxy = await start(places);
  const before = await world.ask('amCalls');
  await send(proxy, load, { workload: 'GET 1 KB', ms: 0, least: sessions, connections: metAtOnce });
  const met = (await world.ask('amCalls')) - before;
  if (tracks && met < sessions) throw new Error(`${name} asked AM about ${met} of ${sessions} sessions`);
  return { name, proxy };
}

async function send({ port }, load, options) {
  return rightly(await load.ask('closed', { port, ...options }));
}

/** A part of a round: a short warm-up, then the time that counts. */
async function slice({ name, proxy }, { load, world }, { workload, ms, least }) {
  await send(proxy, load, { workload, ms: ms / 4 });
  const tallyBefore = await world.ask('tally');
  const callsBefore = await world.ask('amCalls');
  const before = await proxy.ask('cpuSeconds');
  const { requests, seconds } = await send(proxy, load, { workload, ms, least });
  const cpuSeconds = (await proxy.ask('cpuSeconds')) - before;
  const amCalls = (await world.ask('amCalls')) - callsBefore;
  const tally = await world.ask('tally');
  const isWhole = tally.requests - tallyBefore.requests === requests && tally.wrong === tallyBefore.wrong;
  if (!isWhole) throw new Error(`${name}: the upstream saw other requests than were sent`);
  if (subjects[name]?.strips) {
    if (tally.withToken !== tallyBefore.withToken) throw new Error(`${name} leaked a token`);
    if (tally.withUser - tallyBefore.withUser !== requests) throw new Error(`${name} named another user, or none`);
  }
  return { requests, seconds, cpuSeconds, amCalls };
}

/** The calmer slices: what the machine does meanwhile, and whoever shares its caches, makes requests dearer, never cheaper. */
function calmOf(slices) {
  return {
    microseconds: lowerQuartile(slices.map(microsecondsOf)),
    // with the collections of its own heap that fell into few of them, and all that others did
    meanMicroseconds: (1e6 * sum(slices, 'cpuSeconds')) / sum(slices, 'requests'),
    perSecond: sum(slices, 'requests') / sum(slices, 'seconds'),
    coreShare: sum(slices, 'cpuSeconds') / sum(slices, 'seconds'),
  };
}

/**
 * One round of all proxies, each a new process: what the compiler of Node makes of it differs from process to process by
 * a tenth. They take turns in short slices, so that whatever else the machine does meets all alike.
 *
 * @param names the bare one first
 * @param ofLatency whose latency is measured too, with a load that the bare one can stand
 * @returns CPU time: for each workload one result per proxy, in the order of `names`; and latency
 */
export async function round(names, surroundings, { chosen, ms, ofLatency }) {
  const started = [];
  try {
    for (const name of names) started.push(await startSubject(name, surroundings));
    // the compiler has to have seen it all: it takes time itself, and what is measured first would pay for it
    for (const { proxy } of started)
      for (const workload of chosen)
        await send(proxy, surroundings.load, { workload, ms: 0, least: warmUp * workloads[workload].least });
    const cpu = {};
    for (const workload of chosen) {
      const { least } = workloads[workload];
      const turn = { workload, ms: ms / turns, least: least / turns };
      const slices = await alternate(turns, started, (subject) => slice(subject, surroundings, turn));
      cpu[workload] = slices.map(calmOf);
    }
    if (ofLatency.length === 0) return { cpu };
    const compared = started.filter(({ name }) => name === 'bare' || ofLatency.includes(name));
    // the slower ones have had fewer requests until now, and the compiler shares the core
    for (const { proxy } of compared)
      await send(proxy, surroundings.load, { workload: 'GET 1 KB', ms: 0, least: beforeLatency });
    const rate = cpu['GET 1 KB'][0].perSecond / 2;
    return { cpu, latency: await latencyRound(compared, surroundings, { rate, ms: ms / 8 }) };
  } finally {
    for (const { proxy } of started) await proxy.stop();
  }
}

/** One row of the table: a proxy against the bare one, round by round. */
export function row(subject, workload, ours, bare) {
  return {
    title: subjects[subject].title,
    subject,
    workload,
    microseconds: median(each(ours, 'microseconds')),
    bareMicroseconds: median(each(bare, 'microseconds')),
    meanMicroseconds: median(each(ours, 'meanMicroseconds')),
    // what disturbs a round makes it dearer, never cheaper
    ratioOfBest: Math.min(...each(ours, 'microseconds')) / Math.min(...each(bare, 'microseconds')),
    ratio: ratios(each(ours, 'microseconds'), each(bare, 'microseconds')),
    perSecond: median(each(ours, 'perSecond')),
    barePerSecond: median(each(bare, 'perSecond')),
    // far below 1 for a proxy that is the bottleneck: others use its core
    coreShare: median(each(ours, 'coreShare')),
    bareCoreShare: median(each(bare, 'coreShare')),
  };
}

/** CPU time of one refresh: what requests cost more where many of them set one off than where none does. */
export async function measureRefresh({ pairs, ms }) {
  const surroundings = await startSurroundings({ updateFrequencyS: 1 });
  const { places, logIn, end } = surroundings;
  const env = await commandEnv(places, { AM_UPDATE_FREQUENCY_S: '1' });
  const often = { name: 'command', proxy: await startCommand(env, { core: cores.proxy }) };
  const never = { name: 'command', proxy: await subjects.command.start(places) };
  await logIn(refreshedSessions);
  const measure = (subject) => slice(subject, surroundings, { workload: 'GET 1 KB', ms, least: refreshedSessions });
  // the first is for the compiler, and for meeting the sessions
  await alternate(1, [often, never], measure);
  const [refreshing, plain] = await alternate(3 * pairs, [often, never], measure);
  for (const { proxy } of [often, never]) await proxy.stop();
  await end();
  const costs = refreshing.map((one, i) => {
    const refreshes = callsOfRequest(one) - callsOfRequest(plain[i]);
    return (microsecondsOf(one) - microsecondsOf(plain[i])) / refreshes;
  });
  const cost = median(costs);
  if (!(cost > 0)) throw new Error(`${cost} µs: the slices were too short, or the machine too busy`);
  return cost;
}

function microsecondsOf({ cpuSeconds, requests }) {
  return (1e6 * cpuSeconds) / requests;
}

function callsOfRequest({ amCalls, requests }) {
  return amCalls / requests;
}

function sum(slices, key) {
  return each(slices, key).reduce((a, b) => a + b, 0);
}

function each(results, key) {
  return results.map((result) => result[key]);
}
