// Measures the proxy against others, as ratios within one run, and prints one table. Twenty minutes.
//   npm run bench -- --only command --workload "GET 1 KB"    (one row; --only takes several, with commas)
//   npm run bench -- --seconds 3 --pairs 9 --json figures.json --plot docs/am-calls.svg
//   node scripts/openam/openam.mjs -- sh -c 'npm run bench -- --only hand --openam "$OPENAM_URL"'
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { capacity } from './capacity.mjs';
import { measureRefresh, round, row, startSurroundings } from './cpu.mjs';
import { compareHandWritten, mix } from './hand-written.mjs';
import { latencyRow } from './latency.mjs';
import { cores, describeMachine } from './machine.mjs';
import { plot } from './plot.mjs';
import { killAll, startOwn } from './processes.mjs';
import { measureStart } from './ready.mjs';
import * as redis from './redis.mjs';
import { workloads } from './requests.mjs';
import { subjects } from './subjects.mjs';
import * as table from './table.mjs';

const compared = Object.keys(subjects).filter((name) => name !== 'bare');
const others = ['latency', 'hand', 'keeper', 'churn', 'ticks', 'ready', 'redis', 'capacity'];
const values = given({
  only: { type: 'string', default: [...compared, ...others].join(',') },
  workload: { type: 'string', default: Object.keys(workloads).join(',') },
  seconds: { type: 'string', default: '1.2' },
  pairs: { type: 'string', default: '5' },
  openam: { type: 'string' },
  json: { type: 'string' },
  plot: { type: 'string' },
  help: { type: 'boolean' },
});
if (values.help) {
  console.log(`--only ${[...compared, ...others].join(',')}: these rows; latency needs command, wrapped or mounted with
  GET 1 KB, capacity needs command and keeper
--workload ${Object.keys(workloads).join(',')}
--seconds ${values.seconds}: of each proxy and workload in a round, and what the other rows take by it
--pairs ${values.pairs}: rounds
--json FILE, --plot FILE: the figures, and the AM calls drawn
--openam URL: a real OpenAM for the row hand
docs/performance.md tells more`);
  process.exit();
}
const only = checked('only', values.only, [...compared, ...others]);
const chosen = checked('workload', values.workload, Object.keys(workloads));
const [seconds, pairs] = [positive('seconds'), Math.ceil(positive('pairs'))];
const openAmPerSecond = 550;
const requestsOfWindow = (mix.windowS * mix.requestsOfClick) / mix.clickEveryS;
const latencyNeeds = 'needs the row of a proxy of ours for GET 1 KB: --only command,latency';
const errors = [];
const figures = { machine: describeMachine(), cpu: [], latency: [], hand: [], keeper: [], errors };

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
])
  process.once(signal, () => {
    killAll();
    report();
    process.exit(code);
  });

const { node, cpu, cores: count, loadAverage, places } = figures.machine;
console.log(`Node ${node}, ${count} cores (${cpu}), load average ${loadAverage} before\n${places}`);
const beganAt = performance.now();
try {
  await compareProxies();
  await costOfRefresh();
  if (only.includes('hand')) await compareTeams();
  await measureInProcess();
  if (only.includes('ready')) await attempt('ready', async () => (figures.ready = await measureStart(7)));
  if (only.includes('redis')) await askRedis();
} finally {
  killAll();
}
report();
process.exitCode = errors.length === 0 ? 0 : 1;

function given(options) {
  try {
    return parseArgs({ options }).values;
  } catch (error) {
    console.error(`${error.message}\nThere are --${Object.keys(options).join(', --')}; docs/performance.md tells more`);
    process.exit(2);
  }
}

function checked(option, text, known) {
  const names = text.split(',');
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    console.error(`--${option}: ${unknown.join(', ')}? There are ${known.join(', ')}`);
    process.exit(2);
  }
  return names;
}

function positive(option) {
  const number = Number(values[option]);
  if (number > 0) return number;
  console.error(`--${option}: a number above 0, please`);
  process.exit(2);
}

function say(what) {
  process.stderr.write(`${Math.round((performance.now() - beganAt) / 1_000)} s: ${what}\n`);
}

/** A row that fails must not take the others with it. */
async function attempt(what, measure) {
  say(what);
  try {
    await measure();
  } catch (error) {
    errors.push({ what, why: error.message });
    console.error(error);
  }
}

async function compareProxies() {
  const asked = compared.filter((name) => only.includes(name));
  for (const name of asked) if (subjects[name].lacks) console.log(`left out, ${subjects[name].lacks}`);
  const there = asked.filter((name) => !subjects[name].lacks);
  const ours = there.filter((name) => subjects[name].strips);
  const ofLatency = only.includes('latency') && chosen.includes('GET 1 KB') ? ours : [];
  if (only.includes('latency') && ofLatency.length === 0) errors.push({ what: 'latency', why: latencyNeeds });
  if (there.length === 0) return;
  const ms = seconds * 1_000;
  const surroundings = await startSurroundings();
  await surroundings.logInAll();
  await attempt('the proxies', async () => {
    const rounds = [];
    for (let i = 1; i <= pairs; i++) {
      say(`round ${i} of ${pairs}`);
      rounds.push(await round(['bare', ...there], surroundings, { chosen, ms, ofLatency }));
      // what ends the run before its time leaves these
      figures.cpu = rowsOf(there, rounds);
      const latencies = rounds.map(({ latency }) => latency);
      figures.latency = ofLatency.map((name) => latencyRow(name, latencies));
    }
  });
  await surroundings.end();
}

function rowsOf(names, rounds) {
  const results = (workload, i) => rounds.map((each) => each.cpu[workload][i]);
  return names.flatMap((name, i) =>
    chosen.map((workload) => row(name, workload, results(workload, i + 1), results(workload, 0))),
  );
}

async function costOfRefresh() {
  if (!only.includes('command')) return;
  await attempt('a refresh', async () => {
    figures.refreshMicroseconds = await measureRefresh({ pairs, ms: seconds * 1_000 });
  });
}

async function compareTeams() {
  const openam = values.openam && { url: values.openam, publicUrl: process.env['OPENAM_PUBLIC_URL'] };
  for (const latencyMs of openam ? [undefined] : [5, 50])
    await attempt(`by hand, AM in ${latencyMs ?? '?'} ms`, async () => {
      const rows = await compareHandWritten({ latencyMs, openam, seconds: 10 * seconds });
      figures.hand.push(...rows);
      const failed = rows.find(({ failures }) => Object.keys(failures).length > 0);
      if (failed) throw new Error(`${failed.title}: ${JSON.stringify(failed.failures)}`);
    });
}

async function measureInProcess() {
  const flags = ['--expose-gc', '--max-old-space-size=4096'];
  const result = async (file, argument) => {
    const { child: _child, ask: _ask, stop, ...figuresOf } = await startOwn(file, argument, cores.proxy, flags);
    await stop();
    return figuresOf;
  };
  if (only.includes('keeper'))
    for (const sessions of [1, 10_000, 1_000_000])
      await attempt(`keeper, ${sessions}`, async () =>
        figures.keeper.push(await result('keeper-touch.mjs', { sessions })),
      );
  if (only.includes('ticks'))
    await attempt('ticks', async () => {
      figures.ticks = [await result('ticks.mjs', { kept: false }), await result('ticks.mjs', { kept: true })];
    });
  if (only.includes('churn'))
    await attempt('keeper, churn', async () => {
      figures.churn = await result('keeper-churn.mjs', { minutes: 10 });
      const { tally, perMinute } = figures.churn;
      if (tally.wrong > 0) throw new Error(`${tally.wrong} wrong verdicts`);
      // the plateau is reached after three minutes
      if (perMinute.at(-1).heapMb > 1.15 * perMinute[4].heapMb) throw new Error('the heap grows');
    });
}

async function askRedis() {
  if (redis.program === undefined) console.log(`left out, ${redis.howToGet}`);
  else await attempt('Redis', async () => (figures.redis = await redis.measureRedis({ seconds: 9 })));
}

function report() {
  const { cpu: rows, latency, hand, keeper, churn, ready } = figures;
  if (rows.length > 0) table.printCpu(rows);
  if (figures.refreshMicroseconds !== undefined)
    table.printRefresh(figures.refreshMicroseconds, requestsOfWindow, requestOfCommand());
  if (latency.length > 0) table.printLatency(latency);
  if (hand.length > 0) table.printHandWritten(hand);
  if (keeper.length > 0) table.printKeeper(keeper);
  if (churn) table.printChurn(churn);
  if (figures.ticks) table.printTicks(figures.ticks);
  if (ready) table.printStart(ready);
  if (figures.redis) table.printRedis(figures.redis);
  if (only.includes('capacity')) showCapacity();
  figures.loadAverageAfter = describeMachine().loadAverage;
  console.log(
    `\nload average ${figures.loadAverageAfter} after ${Math.round((performance.now() - beganAt) / 1_000)} s`,
  );
  for (const { what, why } of errors) console.log(`FAILED ${what}: ${why}`);
  if (values.json) writeFileSync(values.json, `${JSON.stringify(figures, undefined, 2)}\n`);
  if (values.plot && hand.length > 0) writeFileSync(values.plot, drawing());
}

function requestOfCommand() {
  return figures.cpu.find(({ subject, workload }) => subject === 'command' && workload === 'GET 1 KB');
}

function showCapacity() {
  const request = requestOfCommand();
  const session = figures.keeper.find(({ sessions }) => sessions === 1_000_000);
  if (!request || !session) return console.log('\ncapacity: needs the rows command and keeper');
  figures.capacity = capacity({
    microseconds: request.meanMicroseconds + (figures.refreshMicroseconds ?? 0) / requestsOfWindow,
    bytes: session.bytesTracked + session.bytesPending,
    redis: scriptsPerRefresh(),
    mix,
  });
  table.printCapacity(figures.capacity);
}

/** The bound of the design where it was not measured. */
function scriptsPerRefresh() {
  const [one, two] = figures.redis ?? [];
  return one && two
    ? { isMeasured: true, ofOne: one.scriptsPerRefresh, ofFurther: two.scriptsPerRefresh - one.scriptsPerRefresh }
    : { isMeasured: false, ofOne: 4, ofFurther: 4 };
}

function drawing() {
  const requestsOfHour = (3_600 * mix.requestsOfClick) / mix.clickEveryS;
  const fast = figures.hand.slice(0, 3);
  return plot({
    openAmPerSecond,
    caption: `each user clicks every ${mix.clickEveryS} s, ${mix.requestsOfClick} requests a click`,
    series: fast.map(({ name, amCallsPerThousand }) => {
      const titles = { asking: 'asked on each request', caching: 'a minute in a Map', command: 'am-session-proxy' };
      const callsOfUserHour = (amCallsPerThousand / 1_000) * requestsOfHour;
      return { title: titles[name], note: `${Math.round(callsOfUserHour)} calls per user and hour`, callsOfUserHour };
    }),
  });
}
