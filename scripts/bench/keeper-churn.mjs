// Ten minutes of sessions that come, work and go, on a virtual clock: the heap and the event loop show that nothing grows.
//   node --expose-gc scripts/bench/keeper-churn.mjs '{"minutes":10}'
import { setImmediate as turn } from 'node:timers/promises';
import { endWithParent, tell } from './answering.mjs';
import { createMemoryKeeper, credential } from './memory-am.mjs';
import { createVirtualClock } from './virtual-clock.mjs';

const { minutes } = JSON.parse(process.argv[2]);
const comePerSecond = 100;
const worksS = { least: 20, most: 60 };
const clickEveryS = 5;
const stepMs = 50;
const client = '192.0.2.1';

const clock = createVirtualClock();
// times of AM and of trust that let a plateau come within three minutes
const times = { updateFrequencyS: 10, trustS: 20, downGraceS: 20, maxIdleMin: 1 };
const { keeper, calls } = createMemoryKeeper({ clock, sessionsMax: 1_000_000, ...times });
const tally = { came: 0, touches: 0, loggedOut: 0, vanished: 0, wrong: 0 };
const perMinute = [];
let comingDue = 0;
let held = [];

for (let step = 1; step <= (minutes * 60_000) / stepMs; step++) {
  const startedAt = performance.now();
  comingDue += (comePerSecond * stepMs) / 1_000;
  for (; comingDue >= 1; comingDue--) come();
  clock.advance(stepMs);
  // what promises wait for is over when the loop has turned
  await turn();
  held.push(performance.now() - startedAt);
  if ((step * stepMs) % 60_000 === 0) endMinute();
}
tell({ tally, amCalls: calls(), perMinute });
await keeper.close();
endWithParent();

function come() {
  const session = tally.came++;
  const endsAt = clock.now() + 1_000 * (worksS.least + Math.random() * (worksS.most - worksS.least));
  const work = () => {
    if (clock.now() > endsAt) return leave(session);
    touch(session);
    clock.setTimer(work, 2_000 * clickEveryS * Math.random());
  };
  work();
}

function touch(session) {
  tally.touches++;
  void Promise.resolve(keeper.touch(credential(session), client)).then((verdict) => {
    if (verdict.kind !== 'alive') tally.wrong++;
  });
}

/** Half of them log out; the others close the browser. */
function leave(session) {
  if (session % 2 === 0) {
    tally.vanished++;
    return;
  }
  tally.loggedOut++;
  void keeper.end(credential(session), client).then(({ outcome }) => {
    if (outcome !== 'ended') tally.wrong++;
  });
}

function endMinute() {
  const sorted = held.toSorted((a, b) => a - b);
  held = [];
  globalThis.gc();
  perMinute.push({
    minute: perMinute.length + 1,
    heapMb: process.memoryUsage().heapUsed / 2 ** 20,
    sessions: keeper.stats.sessions,
    timers: clock.timers,
    heldP99Ms: sorted[Math.floor(sorted.length * 0.99)],
    heldMaxMs: sorted.at(-1),
  });
}
