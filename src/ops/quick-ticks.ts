// `process.nextTick` as quick as when the process was young.

import { createHook } from 'node:async_hooks';

let tick: object | undefined;

/**
 * Node makes an object for each tick, and V8 forgets how to make it quickly when it collects the whole heap while none is
 * alive: from then on a tick takes 0.45 µs in the place of 0.1 µs until the process ends (Node 20 and 24), and a proxied
 * request takes 15 to 21 of them, a twentieth of its time. One that is kept, its callback empty, keeps V8 from that.
 */
export function keepTicksQuick(): void {
  if (tick) return;
  const hook = createHook({
    init(_id, type, _triggerId, resource) {
      if (type === 'TickObject') tick = resource;
    },
  }).enable();
  process.nextTick(() => undefined);
  hook.disable();
}
