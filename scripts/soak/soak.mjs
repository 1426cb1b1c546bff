// Holds sockets and event streams while requests run, ends it all, and looks at what is left: sockets, timers, listeners.
//   npm run soak -- --seconds 60 --sockets 1000 --streams 300
import { fork } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import { parseArgs } from 'node:util';
import { setTimeout as pause } from 'node:timers/promises';
import v8 from 'node:v8';
import vm from 'node:vm';
import { systemClock } from '../../dist/clock.js';
import { sessionProxy } from '../../dist/index.js';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    sockets: { type: 'string', default: '1000' },
    streams: { type: 'string', default: '300' },
  },
});
const [seconds, sockets, streams] = [values.seconds, values.sockets, values.streams].map(Number);

v8.setFlagsFromString('--expose-gc');
const collectGarbage = vm.runInNewContext('gc');
const warnings = [];
process.on('warning', (warning) => warnings.push(warning.message));

const world = fork(new URL('world.mjs', import.meta.url));
const { amUrl, apiUrl } = await heard('amUrl');

// what libraries set up once for a process
await sessionProxy({ am: { url: amUrl } }).close();
await pause(500);
const before = look();
const timers = countTimers(systemClock);
const bff = sessionProxy({
  am: { url: amUrl, updateFrequencyS: 2 },
  routes: [{ path: '/api', target: apiUrl }],
  logLevel: 'warn',
  clock: timers.clock,
});
const server = http.createServer(bff.wrap((_req, res) => res.writeHead(404).end()));
server.on('upgrade', bff.upgrade);
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const url = `http://127.0.0.1:${server.address().port}`;
while ((await fetch(`${url}/readyz`)).status !== 200) await pause(20);

const rssMb = [];
const sampling = setInterval(() => rssMb.push(Math.round(process.memoryUsage().rss / 2 ** 20)), 1_000);
world.send({ run: { url, seconds, sockets, streams } });
const { result } = await heard('result');
clearInterval(sampling);

const held = look();
world.send({ stopping: true });
bff.stop();
await new Promise((resolve) => {
  server.close(resolve);
  server.closeIdleConnections();
});
await bff.close();
// fetch keeps the probe's connection for some seconds
await pause(5_000);
const after = look();
const upstreamConnections = await count();
world.send({ end: true });
await once(world, 'exit');

const left = {
  sockets: after.sockets - before.sockets,
  servers: after.servers - before.servers,
  timers: timers.pending(),
  processListeners: after.processListeners - before.processListeners,
  serverConnections: await new Promise((resolve) => server.getConnections((_error, n) => resolve(n))),
  upstreamConnections,
  warnings,
};
const report = {
  node: process.version,
  ...result,
  held: { ...result.held, socketsOfThisProcess: held.sockets },
  rssMb: { first: rssMb[0], most: Math.max(...rssMb), last: rssMb.at(-1) },
  heapMb: { before: before.heapMb, after: after.heapMb },
  left,
};
console.log(JSON.stringify(report, undefined, 2));
const isClean = Object.values(left).every((value) => value === 0 || value.length === 0);
const isRight =
  Object.keys(result.failures).length === 0 &&
  result.stillOpen.sockets === sockets &&
  result.stillOpen.streams === streams;
console.log(isClean && isRight ? 'nothing was left behind' : 'SOMETHING IS WRONG');
process.exitCode = isClean && isRight ? 0 : 1;

async function count() {
  world.send({ count: true });
  return (await heard('count')).count;
}

async function heard(key) {
  for (;;) {
    const [message] = await once(world, 'message');
    if (key in message) return message;
  }
}

function look() {
  collectGarbage();
  const resources = process.getActiveResourcesInfo();
  const of = (type) => resources.filter((each) => each === type).length;
  return {
    sockets: of('TCPSocketWrap'),
    servers: of('TCPServerWrap'),
    processListeners: process.eventNames().reduce((total, name) => total + process.listenerCount(name), 0),
    heapMb: Math.round(process.memoryUsage().heapUsed / 2 ** 20),
  };
}

/** Its timers keep no process alive, so the process does not know of them: they are counted where they are set. */
function countTimers(clock) {
  const pending = new Set();
  return {
    pending: () => pending.size,
    clock: {
      ...clock,
      setTimer(callback, ms) {
        const timer = clock.setTimer(() => {
          pending.delete(timer);
          callback();
        }, ms);
        pending.add(timer);
        return timer;
      },
      clearTimer(timer) {
        pending.delete(timer);
        clock.clearTimer(timer);
      },
    },
  };
}
