// However a call ends, nothing of it stays behind: no timer, no listener.

import { getEventListeners } from 'node:events';
import { expect, test } from 'vitest';
import { createAmClient } from '../src/am/client.js';
import { AmTransportError, type AmTransport } from '../src/am/transport.js';
import { parseConfig } from '../src/config.js';
import { secretCredential } from './support/am-client.js';
import { aliveBody } from './support/raw-server.js';
import { createVirtualClock } from './support/virtual-clock.js';

const { am } = parseConfig({ am: { url: 'https://am.example.com/am', timeoutMs: 3_000 } });

function setUp(transport: AmTransport) {
  const clock = createVirtualClock();
  const client = createAmClient({ am, cookieName: () => 'sso', transport, clock });
  return { clock, client, controller: new AbortController() };
}

const untilAborted: AmTransport = (_request, signal) =>
  new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(new AmTransportError('ABORT_ERR', true)));
  });

test.each<[string, AmTransport, object]>([
  ['with an answer', async () => ({ status: 200, headers: {}, body: aliveBody }), { kind: 'alive' }],
  [
    'without one',
    () => Promise.reject(new AmTransportError('ECONNREFUSED', false)),
    { kind: 'unknown', cause: 'connect', detail: 'ECONNREFUSED' },
  ],
  [
    'with an error that no transport should make',
    () => Promise.reject(new TypeError('fetch failed')),
    { kind: 'unknown', cause: 'connect', detail: 'fetch failed' },
  ],
])('a call that ends %s', async (_title, transport, expected) => {
  const { clock, client, controller } = setUp(transport);
  expect(await client.refresh(secretCredential, controller.signal)).toMatchObject(expected);
  expect(clock.timers).toBe(0);
  expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
});

test('a call that runs out of time does so by the injected clock', async () => {
  const { clock, client, controller } = setUp(untilAborted);
  const answer = client.refresh(secretCredential, controller.signal);
  await clock.advance(2_999);
  expect(clock.timers).toBe(1);
  await clock.advance(1);
  expect(await answer).toMatchObject({ kind: 'unknown', cause: 'timeout' });
  expect(clock.timers).toBe(0);
  expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
});

test('a call that is aborted', async () => {
  const { clock, client, controller } = setUp(untilAborted);
  const answer = client.logout(secretCredential, controller.signal);
  controller.abort();
  expect(await answer).toMatchObject({ kind: 'unknown', cause: 'aborted' });
  expect(clock.timers).toBe(0);
  expect(getEventListeners(controller.signal, 'abort')).toEqual([]);
});
