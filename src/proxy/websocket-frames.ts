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
  // of a header that came in pieces
  const pieces = Buffer.alloc(longestHeader);
  let piecesHave = 0;
  let payloadLeft = 0;
  let isClosed = false;

  /** A whole header at `at`; returns where its payload begins. */
  function takeHeader(bytes: Buffer, at: number): number {
    const length = headerLength(bytes, at);
    payloadLeft = payloadLength(bytes, at);
    isClosed ||= ((bytes[at] ?? 0) & 0x0f) === CLOSE;
    return at + length;
  }

  /** One more byte of a header that did not fit into the last chunk. */
  function takePiece(byte: number): void {
    pieces[piecesHave++] = byte;
    if (piecesHave < 2 || piecesHave < headerLength(pieces, 0)) return;
    piecesHave = 0;
    takeHeader(pieces, 0);
  }

  return {
    push(chunk) {
      let at = 0;
      while (at < chunk.length) {
        if (payloadLeft > 0) {
          const taken = Math.min(payloadLeft, chunk.length - at);
          payloadLeft -= taken;
          at += taken;
        } else if (piecesHave === 0 && chunk.length - at >= longestHeader) at = takeHeader(chunk, at);
        else takePiece(chunk[at++] ?? 0);
      }
    },
    get isBetweenFrames() {
      return piecesHave === 0 && payloadLeft === 0 && !isClosed;
    },
  };
}

/** RFC 6455, 5.2: from the byte with mask bit and length. */
function headerLength(bytes: Buffer, at: number): number {
  const second = bytes[at + 1] ?? 0;
  const length = second & 0x7f;
  return 2 + (length === 127 ? 8 : length === 126 ? 2 : 0) + (second & 0x80 ? 4 : 0);
}

function payloadLength(bytes: Buffer, at: number): number {
  const length = (bytes[at + 1] ?? 0) & 0x7f;
  if (length === 127) return Number(bytes.readBigUInt64BE(at + 2));
  return length === 126 ? bytes.readUInt16BE(at + 2) : length;
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
