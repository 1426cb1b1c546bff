// Four nodes, one Redis, one AM; users at any node, while Redis and nodes are killed and stopped. Every answer is judged.
//   npm run chaos -- --rounds 2 --users 200 --seed 1
import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { createDisasters } from './disasters.mjs';
import { createJournal } from './journal.mjs';
import { watchMetrics } from './metrics.mjs';
import { findRedis, killAll, startNode, startRedis } from './processes.mjs';
import { createRandom } from './random.mjs';
import { report } from './report.mjs';
import { createRequests } from './requests.mjs';
import { nodeCount, timeoutMs, windowMs } from './settings.mjs';
import { createTimeline } from './timeline.mjs';
import { createUsers } from './users.mjs';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '1' },
    users: { type: 'string', default: '200' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e6)) },
    only: { type: 'string' },
    keep: { type: 'boolean', default: false },
  },
});
const settledMs = 250;
const seed = Number(values.seed);
const program = findRedis();
if (!program) {
  console.error('the chaos test needs redis-server: apt-get install -y redis-server');
  process.exit(1);
}

const folder = mkdtempSync(join(tmpdir(), 'chaos-'));
const world = fork(new URL('world.mjs', import.meta.url), [values.users]);
for (const signal of ['SIGINT', 'SIGTERM'])
  process.once(signal, () => {
    cleanUp();
    process.exit(130);
  });
try {
  console.log(`seed ${seed}, logs in ${folder}${values.keep ? '' : ' (until the end; --keep keeps them)'}`);
  process.exitCode = (await run()) ? 0 : 1;
} finally {
  cleanUp();
}

function cleanUp() {
  killAll();
  if (world.connected) world.disconnect();
  if (!values.keep) rmSync(folder, { recursive: true, force: true });
}

async function run() {
  const timeline = createTimeline();
  const journal = createJournal(timeline);
  world.on('message', (message) => message.journal && journal.add(message.journal));
  const around = await heard('amUrl');
  const redis = await startRedis(program, folder, timeline);
  const nodes = await Promise.all(
    Array.from({ length: nodeCount }, (_, i) => startNode(i, { folder, world: around, redisUrl: redis.url, timeline })),
  );
  const requests = createRequests({ world: around, nodes, timeline });
  const stopWatching = watchMetrics(nodes, timeline);
  const users = createUsers({ seed, count: Number(values.users), requests, timeline });
  const disasters = createDisasters({
    random: createRandom(seed),
    redis,
    nodes,
    tellWorld: (message) => world.send(message),
    timeline,
    isSettled: () => requests.records.slice(-100).every(({ ms }) => ms < settledMs),
  });
  await Promise.race([disasters(Number(values.rounds), values.only?.split(',')), users.failed]);

  await users.stop();
  timeline.phase('the end');
  timeline.endedAt = Date.now();
  // what is pending is told by then
  await pause(windowMs + 2 * timeoutMs);
  await users.callTheRoll();
  const answer = heard('sessions');
  world.send({ sessions: true });
  const { sessions: atAm } = await answer;
  stopWatching();
  await Promise.all(nodes.map((node) => node.stop()));
  requests.close();
  return report({ seed, timeline, journal, users, records: requests.records, atAm, folder });
}

/** Messages may come in one piece: a listener that is set anew for each would miss some. */
function heard(key) {
  return new Promise((resolve) => {
    world.on('message', function listener(message) {
      if (!(key in message)) return;
      world.off('message', listener);
      resolve(message);
    });
  });
}
