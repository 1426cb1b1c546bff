// A WebSocket that says what it is told (RFC 6455): short messages, no extensions.

import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

const opcodes = { text: 0x1, close: 0x8, ping: 0x9, pong: 0xa } as const;
const longestMessage = 10_000;

interface Frame {
  readonly opcode: number;
  readonly payload: Buffer;
  /** Of the whole frame, in bytes. */
  readonly length: number;
}

/** Takes an upgrade; ends with the connection. */
export function echo(req: IncomingMessage, socket: Duplex, head: Buffer): void {
  socket.on('error', () => socket.destroy());
  const key = req.headers['sec-websocket-key'];
  if (key === undefined) return void socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n');
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );

  let received: Buffer = head;
  function take(): void {
    for (let frame = firstFrame(received); frame; frame = firstFrame(received)) {
      received = received.subarray(frame.length);
      answer(socket, frame);
    }
    if (received.length > longestMessage) socket.destroy();
  }
  socket.on('data', (chunk: Buffer) => {
    received = Buffer.concat([received, chunk]);
    take();
  });
  take();
}

function answer(socket: Duplex, { opcode, payload }: Frame): void {
  if (opcode === opcodes.close) socket.end(frameOf(opcodes.close, payload.subarray(0, 2)));
  else if (opcode === opcodes.ping) socket.write(frameOf(opcodes.pong, payload));
  else if (opcode === opcodes.text) socket.write(frameOf(opcodes.text, payload));
}

/** RFC 6455, 5.2; undefined: it is not whole yet, or longer than anything that is answered. */
function firstFrame(bytes: Buffer): Frame | undefined {
  if (bytes.length < 2) return undefined;
  const short = bytes.readUInt8(1) & 0x7f;
  const maskAt = short === 126 ? 4 : 2;
  if (short === 127) return undefined;
  if (bytes.length < maskAt + 4) return undefined;
  const size = short === 126 ? bytes.readUInt16BE(2) : short;
  const begin = maskAt + 4;
  if (bytes.length < begin + size) return undefined;
  const mask = bytes.subarray(maskAt, begin);
  const payload = bytes.subarray(begin, begin + size).map((byte, i) => byte ^ (mask[i % 4] ?? 0));
  return { opcode: bytes.readUInt8(0) & 0x0f, payload: Buffer.from(payload), length: begin + size };
}

/** As a server sends it: not masked. */
function frameOf(opcode: number, payload: Buffer): Buffer {
  const { length } = payload;
  const size = length < 126 ? [length] : [126, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([0x80 | opcode, ...size]), payload]);
}
