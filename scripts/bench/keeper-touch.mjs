// keeper.touch in the window, and what a tracked session takes: one process for each number of sessions.
//   node --expose-gc scripts/bench/keeper-touch.mjs '{"sessions":1000000}'
import { systemClock } from '../../dist/clock.js';
import { endWithParent, tell } from './answering.mjs';
import { createMemoryKeeper, credential } from './memory-am.mjs';
import { median } from './pairs.mjs';

const { sessions } = JSON.parse(process.argv[2]);
const client = '192.0.2.1';
const sampleMax = 100_000;
const touchesOfRound = 300_000;
const rounds = 9;
const batch = 5_000;

// an hour's window: it stays closed while we measure
const hour = { updateFrequencyS: 3_600, trustS: 3_600, downGraceS: 3_600, maxIdleMin: 120 };
const heap = () => {
  globalThis.gc();
  globalThis.gc();
  return process.memoryUsage().heapUsed;
};

// what a first session sets up is not a session's memory
const warm = createMemoryKeeper({ clock: systemClock, sessionsMax: 10, ...hour });
await warm.keeper.touch(credential(0), client);
await warm.keeper.close();

const { keeper } = createMemoryKeeper({ clock: systemClock, sessionsMax: 1_000_000, ...hour });
const empty = heap();
const metAt = process.cpuUsage();
for (let from = 0; from < sessions; from += batch) {
  const count = Math.min(batch, sessions - from);
  await Promise.all(Array.from({ length: count }, async (_, i) => keeper.touch(credential(from + i), client)));
}
const meeting = process.cpuUsage(metAt);
if (keeper.stats.sessions !== sessions) throw new Error(`${keeper.stats.sessions} sessions instead of ${sessions}`);
const tracked = (heap() - empty) / sessions;

const sample = Math.min(sessions, sampleMax);
const every = Math.floor(sessions / sample);
const firstOnes = credentials(sample);
const first = timed(firstOnes);
firstOnes.length = 0;
const pending = (heap() - empty - tracked * sessions) / sample;
const perSecond = [];
for (let round = 0; round < rounds; round++) perSecond.push(timed(credentials(touchesOfRound)));
tell({
  sessions,
  perSecond: median(perSecond),
  highestPerSecond: Math.max(...perSecond),
  firstPerSecond: first,
  meetingMicroseconds: (meeting.user + meeting.system) / sessions,
  bytesTracked: tracked,
  bytesPending: pending,
  rssMb: process.memoryUsage().rss / 2 ** 20,
});
await keeper.close();
endWithParent();

function credentials(count) {
  return Array.from({ length: count }, (_, i) => credential((i % sample) * every));
}

function timed(all) {
  // of CPU time: what others do on the machine meanwhile does not count
  const before = process.cpuUsage();
  for (const each of all) {
    if (keeper.touch(each, client).kind !== 'alive') throw new Error('a live session was not alive');
  }
  const { user, system } = process.cpuUsage(before);
  return (1e6 * all.length) / (user + system);
}
