// What a tick costs: in a young process, after the whole heap was collected while none was alive, and with one that is kept.
//   node --expose-gc scripts/bench/ticks.mjs '{"kept":true}'
import { setImmediate as turn } from 'node:timers/promises';
import { keepTicksQuick } from '../../dist/ops/quick-ticks.js';
import { endWithParent, tell } from './answering.mjs';

const ticks = 1_000_000;

function nanosecondsOfTick() {
  return new Promise((resolve) => {
    const startedAt = process.hrtime.bigint();
    let done = 0;
    const next = () => {
      if (++done === ticks) resolve(Number(process.hrtime.bigint() - startedAt) / ticks);
      else process.nextTick(next);
    };
    process.nextTick(next);
  });
}

async function collectAll() {
  for (let i = 0; i < 4; i++) {
    await turn();
    globalThis.gc();
  }
  await turn();
}

if (JSON.parse(process.argv[2]).kept) keepTicksQuick();
await nanosecondsOfTick();
const young = await nanosecondsOfTick();
await collectAll();
const old = await nanosecondsOfTick();
endWithParent();
tell({ young, old });
