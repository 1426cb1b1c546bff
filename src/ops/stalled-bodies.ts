// Bodies that have stopped coming. An upload may take hours as long as it moves.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock, Timer } from '../clock.js';
import { createQueue, type Entry } from '../queue.js';

export interface StallWatch {
  /** From the head of a request that has a body to its end, or that of its answer. */
  watch(req: IncomingMessage, res: ServerResponse): void;
}

interface Upload {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  /** Bytes, when last looked at. */
  received: number;
  /** Monotonic ms. */
  heardAt: number;
}

/** How often in the time that a body may stall it is looked at. */
const looks = 10;

/**
 * Calls `onStalled` when for `stalledMs` nothing of a body has arrived, unless it is we who do not read. One timer looks
 * after all of them.
 */
export function createStallWatch(
  clock: Clock,
  stalledMs: number,
  onStalled: (req: IncomingMessage, res: ServerResponse) => void,
): StallWatch {
  const uploads = createQueue<Upload>();
  let timer: Timer | undefined;

  function look(): void {
    const now = clock.now();
    const stalled: Entry<Upload>[] = [];
    for (let entry = uploads.first; entry; entry = entry.after) {
      const { value } = entry;
      const { bytesRead } = value.req.socket;
      if (bytesRead !== value.received || value.req.readableLength > 0) value.heardAt = now;
      value.received = bytesRead;
      if (now - value.heardAt >= stalledMs) stalled.push(entry);
    }
    for (const entry of stalled) uploads.remove(entry);
    timer = uploads.size > 0 ? clock.setTimer(look, stalledMs / looks) : undefined;
    for (const { value } of stalled) if (!value.req.complete && !value.req.destroyed) onStalled(value.req, value.res);
  }

  return {
    watch(req, res) {
      const entry = uploads.add({ req, res, received: req.socket.bytesRead, heardAt: clock.now() });
      timer ??= clock.setTimer(look, stalledMs / looks);
      const done = () => uploads.remove(entry);
      req.on('end', done);
      res.on('close', done);
    },
  };
}
