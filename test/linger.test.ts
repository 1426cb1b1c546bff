// The gentle end of a connection: the other side gets everything that was sent, though it reads late and still sends.

import { once } from 'node:events';
import net, { type AddressInfo, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { systemClock } from '../src/clock.js';
import { endGently } from '../src/linger.js';
import { eventually, pause } from './support/stack.js';
import { connectionsOf } from './support/websocket.js';

let server: Server;
beforeAll(async () => {
  // half-open, as those of http
  server = net.createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterAll(() => server.close());

/** Both ends of a connection; `failure` of the far one. */
async function connect() {
  const far = net.connect((server.address() as AddressInfo).port, '127.0.0.1');
  let failure: Error | undefined;
  far.on('error', (error) => (failure = error)).pause();
  const [near] = (await once(server, 'connection')) as [Socket];
  near.on('error', () => near.destroy());
  return { near, far, failure: () => failure };
}

async function bytesOf(far: Socket): Promise<number> {
  let bytes = 0;
  far.on('data', (chunk: Buffer) => (bytes += chunk.length)).resume();
  await once(far, 'close');
  return bytes;
}

const goneWithin = (ms: number) => eventually(async () => (await connectionsOf(server)) === 0, ms);
const long = Buffer.alloc(20_000_000, 'x');

it('a peer that reads late gets the last words, and is not made to wait for its own', async () => {
  const { near, far, failure } = await connect();
  far.write(long);
  near.write('so far, ');
  await pause(100);
  endGently(near, systemClock, 'so good');
  expect(await bytesOf(far)).toBe('so far, so good'.length);
  expect(failure()).toBeUndefined();
  await goneWithin(500);
});

it('a peer that reads late gets all of what had been ended before', async () => {
  const { near, far, failure } = await connect();
  near.end(long);
  await pause(100);
  endGently(near, systemClock, 'too late');
  expect(await bytesOf(far)).toBe(long.length);
  expect(failure()).toBeUndefined();
});

it('a peer that does not read or end is let go of after a second', async () => {
  const { near, far } = await connect();
  near.write(long);
  endGently(near, systemClock, 'so good');
  await pause(800);
  expect(await connectionsOf(server)).toBe(1);
  await goneWithin(700);
  far.destroy();
});
