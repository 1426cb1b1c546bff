// A side that does not read: the other one is held, instead of megabytes piling up in here.

import type { Duplex } from 'node:stream';
import { expect, it } from 'vitest';
import { onEveryMount } from './support/mounted.js';
import { eventually, pause } from './support/stack.js';
import { accept, bareSocket, frame, handshake, maskedFrame } from './support/websocket.js';

const totalBytes = 100_000_000;
/** Four buffers of the kernel, and a little of our own. */
const heldBytes = 40_000_000;

/** Sends frames as fast as they are taken, until it has sent `totalBytes`. */
function pour(socket: Duplex, piece: Buffer): { taken(): number } {
  let written = 0;
  const more = (): void => {
    while (written < totalBytes) {
      written += piece.length;
      if (!socket.write(piece)) return;
    }
  };
  socket.on('drain', more);
  more();
  return { taken: () => written - socket.writableLength };
}

/** Waits until it has not changed for half a second; resolves with what it is then. */
async function settled(value: () => number): Promise<number> {
  for (let last = -1; last !== value(); await pause(500)) last = value();
  return value();
}

onEveryMount(
  'a WebSocket',
  {},
  (stack) => {
    it('whose client does not read holds the upstream, and then misses nothing', async () => {
      let source = { taken: () => 0 };
      stack().upstream.upgrade = (req, socket) => {
        accept(req, socket);
        source = pour(socket, frame('x'.repeat(60_000)));
      };
      const { socket } = await bareSocket(stack(), handshake(stack(), '/api/ws', stack().am.login()));
      socket.pause();
      await eventually(() => source.taken() > 0);
      const held = await settled(() => source.taken());
      expect(held).toBeLessThan(heldBytes);
      const before = socket.bytesRead;
      socket.resume();
      await eventually(() => socket.bytesRead >= totalBytes, 15_000);
      expect(before).toBeLessThan(heldBytes);
      socket.destroy();
    });

    it('whose upstream does not read holds the client, and then misses nothing', async () => {
      let taker: Duplex | undefined;
      let received = 0;
      stack().upstream.upgrade = (req, socket) => {
        accept(req, socket);
        taker = socket;
      };
      const { socket } = await bareSocket(stack(), handshake(stack(), '/api/ws', stack().am.login()));
      await eventually(() => taker !== undefined);
      const source = pour(socket, maskedFrame('x'.repeat(60_000)));
      const held = await settled(() => source.taken());
      expect(held).toBeLessThan(heldBytes);
      taker?.on('data', (chunk: Buffer) => (received += chunk.length));
      await eventually(() => received >= totalBytes, 15_000);
      socket.destroy();
    });

    it('whose upstream has not answered yet holds the client', async () => {
      const seen = stack().upstream.seen.length;
      stack().upstream.upgrade = (_req, socket) => socket.on('error', () => undefined);
      const { socket } = await bareSocket(stack(), handshake(stack(), '/api/ws', stack().am.login()));
      await eventually(() => stack().upstream.seen.length > seen);
      const source = pour(socket, maskedFrame('x'.repeat(60_000)));
      expect(await settled(() => source.taken())).toBeLessThan(heldBytes / 2);
      socket.destroy();
    });
  },
  // upgrades never enter Express: one form of the library says it all
  { forms: ['wrap', 'command'] },
);
