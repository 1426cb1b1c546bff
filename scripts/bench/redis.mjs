// Redis scripts for each window of a session, with one node and with two that both meet every session.
import { setTimeout as pause } from 'node:timers/promises';
import { createClient } from '@redis/client';
import { startSurroundings } from './cpu.mjs';
import { cores, findProgram } from './machine.mjs';
import { freePort } from '../ports.mjs';
import { scratchFolder, start, startCommand, stop } from './processes.mjs';
import { commandEnv } from './subjects.mjs';

export const program = findProgram('redis-server');
export const howToGet = 'redis-server is missing: apt-get install redis-server';

const users = 200;
const rate = 600;
const updateFrequencyS = 2;

export async function measureRedis({ seconds }) {
  const folder = scratchFolder();
  const port = await freePort();
  const url = `redis://127.0.0.1:${port}`;
  const args = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', ''];
  const server = start(program, args, { core: cores.around });
  server.stdout.resume();
  const client = createClient({ url, socket: { reconnectStrategy: 50 } });
  client.on('error', () => undefined);
  await client.connect();
  const results = [];
  for (const nodes of [1, 2]) results.push(await ofNodes(nodes, { url, client, seconds }));
  await client.close();
  await stop(server);
  return results;
}

async function ofNodes(nodes, { url, client, seconds }) {
  const { world, load, places, logIn, end } = await startSurroundings({ updateFrequencyS });
  const proxies = [];
  for (let i = 0; i < nodes; i++) {
    const env = await commandEnv(places, { REDIS_URL: url, AM_UPDATE_FREQUENCY_S: String(updateFrequencyS) });
    proxies.push(await startCommand(env, { core: cores.proxy }));
  }
  await logIn(users);
  const work = (ms) =>
    Promise.all(
      proxies.map(({ port }) =>
        load.ask('open', { port, workload: 'GET 1 KB', rate: rate / nodes, connections: 16, ms }),
      ),
    );
  await work(4_000);
  const before = await look(client);
  const callsBefore = await world.ask('amCalls');
  await work(seconds * 1_000);
  const after = await look(client);
  const amCalls = (await world.ask('amCalls')) - callsBefore;
  for (const proxy of proxies) await proxy.stop();
  await end();
  await pause(100);
  return {
    nodes,
    scriptsPerRefresh: (after.scripts - before.scripts) / amCalls,
    cpuMicrosecondsPerRefresh: (1e6 * (after.cpuSeconds - before.cpuSeconds)) / amCalls,
    amCallsPerSessionAndWindow: amCalls / users / (seconds / (updateFrequencyS + 1)),
  };
}

/** What the nodes send are scripts; the commands inside these are counted by Redis too, but make no journey. */
async function look(client) {
  const [stats, cpu] = [await client.info('commandstats'), await client.info('cpu')];
  return {
    scripts: numberIn(stats, /cmdstat_eval:calls=(\d+)/),
    cpuSeconds: numberIn(cpu, /used_cpu_sys:([\d.]+)/) + numberIn(cpu, /used_cpu_user:([\d.]+)/),
  };
}

function numberIn(text, pattern) {
  return Number(pattern.exec(text)?.[1] ?? 0);
}
