// How long an upstream may take from the last byte of the request to the first of its answer.

import type { ClientRequest, IncomingMessage } from 'node:http';
import type { Clock, Timer } from '../clock.js';
import { createQueue, type Entry } from '../queue.js';
import { isBodyHere } from './body.js';

export interface UpstreamDeadline {
  /**
   * Calls `onTimeout` once if the upstream has taken all that the client sent, or takes nothing more (not even the
   * connection), and says nothing for the time-out. A client that is slow to send does not count against the upstream.
   *
   * @returns ends the watch: the answer has begun, or there will be none
   */
  watch(req: IncomingMessage, outgoing: ClientRequest, onTimeout: () => void): () => void;
  /** Nobody is told any more. */
  close(): void;
}

interface Awaited {
  readonly req: IncomingMessage;
  readonly outgoing: ClientRequest;
  readonly onTimeout: () => void;
  /** When the upstream last got something, monotonic ms. */
  since: number;
}

/** One timer looks after all requests: to set and clear one for each would be among the dearest things done for it. */
export function createUpstreamDeadline(clock: Clock, timeoutMs: number): UpstreamDeadline {
  /** Who waits longest is the first. */
  const awaited = createQueue<Awaited>();
  let timer: Timer | undefined;

  function waitAnew(entry: Entry<Awaited>, now: number): void {
    entry.value.since = now;
    awaited.requeue(entry);
  }

  function check(): void {
    const now = clock.now();
    const late: Awaited[] = [];
    timer = undefined;
    for (let first = awaited.first; first; first = awaited.first) {
      const { value } = first;
      const leftMs = value.since + timeoutMs - now;
      if (leftMs > 0) {
        timer = clock.setTimer(check, leftMs);
        break;
      }
      if (owes(value)) {
        awaited.remove(first);
        late.push(value);
      } else waitAnew(first, now);
    }
    for (const { onTimeout } of late) onTimeout();
  }

  return {
    watch(req, outgoing, onTimeout) {
      const entry = awaited.add({ req, outgoing, onTimeout, since: clock.now() });
      timer ??= clock.setTimer(check, timeoutMs);
      if (!isBodyHere(req)) {
        const passedOn = () => {
          if (!isConnecting(outgoing)) waitAnew(entry, clock.now());
        };
        req.on('data', passedOn).on('end', passedOn);
      }
      return () => awaited.remove(entry);
    },
    close() {
      if (timer) clock.clearTimer(timer);
      timer = undefined;
    },
  };
}

function owes({ req, outgoing }: Awaited): boolean {
  return req.complete || outgoing.writableNeedDrain || isConnecting(outgoing);
}

function isConnecting({ socket }: ClientRequest): boolean {
  return socket?.connecting === true;
}
