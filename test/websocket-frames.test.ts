// Where a frame ends: told from the bytes alone, however they are cut; and close frames that a peer understands.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { closeFrame, createFrameTracker, maskedCloseFrame } from '../src/proxy/websocket-frames.js';
import { frame, maskedFrame } from './support/websocket.js';

const CLOSE = 0x8;

interface Frame {
  readonly opcode: number;
  readonly length: number;
  readonly masked: boolean;
  /** How many bytes the length is written in, besides the short form: more than needed is allowed to the reader. */
  readonly form: 0 | 2 | 8;
}

/** RFC 6455, 5.2. */
function encode({ opcode, length, masked, form }: Frame): Buffer {
  const maskBit = masked ? 0x80 : 0;
  const extended = Buffer.alloc(form);
  if (form === 2) extended.writeUInt16BE(length);
  if (form === 8) extended.writeBigUInt64BE(BigInt(length));
  const short = form === 0 ? length : form === 2 ? 126 : 127;
  // 0xff everywhere: taken for a header it would be a very long frame
  return Buffer.concat([
    Buffer.from([opcode, maskBit | short]),
    extended,
    Buffer.alloc(masked ? 4 : 0, 0xff),
    Buffer.alloc(length, 0xff),
  ]);
}

function frameOf(lengths: fc.Arbitrary<number>, form: Frame['form']): fc.Arbitrary<Frame> {
  return fc.record({
    // FIN, reserved bits (compression sets one) and any opcode but close
    opcode: fc.integer({ min: 0, max: 255 }).filter((byte) => (byte & 0x0f) !== CLOSE),
    length: lengths,
    masked: fc.boolean(),
    form: fc.constant(form),
  });
}

const frames = fc.array(
  fc.oneof(
    frameOf(fc.integer({ min: 0, max: 125 }), 0),
    frameOf(fc.integer({ min: 0, max: 2_000 }), 2),
    frameOf(fc.integer({ min: 0, max: 70_000 }), 8),
  ),
  { minLength: 1, maxLength: 12 },
);

/** The positions between two frames, the beginning and the end among them. */
function boundaries(list: readonly Buffer[]): Set<number> {
  let at = 0;
  return new Set([0, ...list.map((bytes) => (at += bytes.length))]);
}

describe('a frame tracker', () => {
  it('is between two frames exactly where one ends, however the bytes are cut', () => {
    fc.assert(
      fc.property(frames, fc.infiniteStream(fc.oneof(fc.integer({ min: 0, max: 5 }), fc.nat(20_000))), (list, cuts) => {
        const encoded = list.map(encode);
        const bytes = Buffer.concat(encoded);
        const ends = boundaries(encoded);
        const tracker = createFrameTracker();
        for (let at = 0; at < bytes.length;) {
          const next = Math.min(bytes.length, at + (cuts.next().value ?? 1));
          tracker.push(bytes.subarray(at, next));
          at = next;
          expect(tracker.isBetweenFrames).toBe(ends.has(at));
        }
      }),
      { numRuns: 300 },
    );
  });

  it('is the same byte by byte', () => {
    fc.assert(
      fc.property(fc.array(frameOf(fc.integer({ min: 0, max: 125 }), 0), { maxLength: 20 }), (list) => {
        const encoded = list.map(encode);
        const ends = boundaries(encoded);
        const tracker = createFrameTracker();
        for (const [i, byte] of Buffer.concat(encoded).entries()) {
          expect(tracker.isBetweenFrames).toBe(ends.has(i));
          tracker.push(Buffer.from([byte]));
        }
        expect(tracker.isBetweenFrames).toBe(true);
      }),
    );
  });

  it('lets nothing in behind a close frame, whatever comes then', () => {
    fc.assert(
      fc.property(frames, fc.boolean(), fc.uint8Array({ maxLength: 200 }), (list, masked, rest) => {
        const tracker = createFrameTracker();
        tracker.push(Buffer.concat(list.map(encode)));
        expect(tracker.isBetweenFrames).toBe(true);
        tracker.push(encode({ opcode: 0x80 | CLOSE, length: 2, masked, form: 0 }));
        expect(tracker.isBetweenFrames).toBe(false);
        tracker.push(Buffer.from(rest));
        expect(tracker.isBetweenFrames).toBe(false);
      }),
    );
  });

  it('is never between two frames within the longest one that there can be', () => {
    const tracker = createFrameTracker();
    tracker.push(Buffer.from([0x82, 127, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]));
    for (let i = 0; i < 100; i++) tracker.push(Buffer.alloc(1_000_000));
    expect(tracker.isBetweenFrames).toBe(false);
  });
});

describe('a close frame', () => {
  it('has the bytes of RFC 6455, 5.5.1', () => {
    expect(closeFrame(4401, 'bye')).toEqual(Buffer.from([0x88, 5, 0x11, 0x31, 0x62, 0x79, 0x65]));
    const payload = Buffer.from([0x03, 0xe9, 0x62, 0x79, 0x65]).toString('latin1');
    expect(closeFrame(1001, 'bye').subarray(2).toString('latin1')).toBe(payload);
  });

  it('is masked towards an upstream, with zeros that change nothing', () => {
    expect(maskedCloseFrame(4401, 'bye')).toEqual(Buffer.from([0x88, 0x85, 0, 0, 0, 0, 0x11, 0x31, 0x62, 0x79, 0x65]));
  });

  it.each([closeFrame(4401, 'session_ended'), maskedCloseFrame(1001, 'stopping')])('is followed as one', (bytes) => {
    const tracker = createFrameTracker();
    tracker.push(Buffer.concat([frame('hello'), maskedFrame('hello'.repeat(100)), bytes]));
    expect(tracker.isBetweenFrames).toBe(false);
  });
});
