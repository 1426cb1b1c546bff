// As much of the WebSocket protocol (RFC 6455) as it takes to end one cleanly: where a frame ends, and a close frame.

/** Follows the frames of one direction. */
export interface FrameTracker {
  /** The next bytes of this direction. */
  push(chunk: Buffer): void;
  /** Whether a frame may be put in here: the last one is whole, and it was no close frame. */
  readonly isBetweenFrames: boolean;
}

const CLOSE = 0x8;
const longestHeader = 14;

export function createFrameTracker(): FrameTracker {
  const header = Buffer.alloc(longestHeader);
  let headerHas = 0;
  let headerNeeds = 2;
  let payloadLeft = 0;
  let isClosed = false;

  function headerByte(byte: number): void {
    header[headerHas++] = byte;
    if (headerHas === 2) headerNeeds = headerLength(byte);
    if (headerHas < headerNeeds) return;
    payloadLeft = payloadLength(header);
    isClosed ||= (header.readUInt8(0) & 0x0f) === CLOSE;
    headerHas = 0;
    headerNeeds = 2;
  }

  return {
    push(chunk) {
      for (let at = 0; at < chunk.length;) {
        if (payloadLeft === 0) headerByte(chunk.readUInt8(at++));
        else {
          const taken = Math.min(payloadLeft, chunk.length - at);
          payloadLeft -= taken;
          at += taken;
        }
      }
    },
    get isBetweenFrames() {
      return headerHas === 0 && payloadLeft === 0 && !isClosed;
    },
  };
}

/** RFC 6455, 5.2: from the byte with mask bit and length. */
function headerLength(second: number): number {
  const length = second & 0x7f;
  return 2 + (length === 127 ? 8 : length === 126 ? 2 : 0) + (second & 0x80 ? 4 : 0);
}

function payloadLength(header: Buffer): number {
  const length = header.readUInt8(1) & 0x7f;
  if (length === 127) return Number(header.readBigUInt64BE(2));
  return length === 126 ? header.readUInt16BE(2) : length;
}

/** A close frame as a server sends it; `reason` is ASCII, at most 123 characters (RFC 6455, 5.5). */
export function closeFrame(code: number, reason: string): Buffer {
  const payload = Buffer.alloc(2 + reason.length);
  payload.writeUInt16BE(code, 0);
  payload.write(reason, 2, 'latin1');
  return Buffer.concat([Buffer.from([0x80 | CLOSE, payload.length]), payload]);
}

/** The same as a client sends it: masked, here with zeros, which change nothing (RFC 6455, 5.3). */
export function maskedCloseFrame(code: number, reason: string): Buffer {
  const plain = closeFrame(code, reason);
  return Buffer.concat([Buffer.from([plain.readUInt8(0), plain.readUInt8(1) | 0x80, 0, 0, 0, 0]), plain.subarray(2)]);
}
