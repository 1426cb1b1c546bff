// From the start of the command's process until /readyz says 200.
import { setTimeout as pause } from 'node:timers/promises';
import { cores } from './machine.mjs';
import { median } from './pairs.mjs';
import { cli, startNode, stop, untilReady } from './processes.mjs';
import { startSurroundings } from './cpu.mjs';
import { commandEnv } from './subjects.mjs';

export async function measureStart(times) {
  const { places, end } = await startSurroundings();
  const all = [];
  for (let i = 0; i < times; i++) {
    const env = await commandEnv(places);
    const startedAt = performance.now();
    const child = startNode([cli], { core: cores.proxy, env });
    await untilReady(`http://127.0.0.1:${env.PORT}`, 5);
    all.push(performance.now() - startedAt);
    await stop(child);
    await pause(100);
  }
  await end();
  return { medianMs: median(all), lowestMs: Math.min(...all), highestMs: Math.max(...all) };
}
