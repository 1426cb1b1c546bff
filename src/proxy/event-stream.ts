// Answers that never end by themselves: by their type, since nothing else tells.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../clock.js';

const types: ReadonlySet<string> = new Set([
  'text/event-stream',
  'multipart/x-mixed-replace',
  'application/x-ndjson',
  'application/json-seq',
]);

export function isEventStream({ headers }: Pick<IncomingMessage, 'headers'>): boolean {
  const type = headers['content-type'];
  return type !== undefined && types.has((type.split(';', 1)[0] ?? '').trim().toLowerCase());
}

/** How long a client may take to read what was sent before. */
const lingerMs = 1_000;

/** Ends a stream between two of its pieces: browsers then connect anew, and are told why they may not. */
export function endStream(answer: IncomingMessage, res: ServerResponse, clock: Clock): void {
  // more was promised: a clean end would be taken for the beginning of the next answer
  if (answer.headers['content-length'] !== undefined) return void res.destroy();
  answer.unpipe(res);
  const timer = clock.setTimer(() => res.destroy(), lingerMs);
  res.once('close', () => {
    clock.clearTimer(timer);
    // the engine does so only for an answer that had not ended when it began
    answer.destroy();
  });
  res.end();
}

/** The package compression, mounted before us, holds back what is not flushed. */
export function flushEach(answer: IncomingMessage, res: ServerResponse & { flush?: unknown }): void {
  const { flush } = res;
  if (typeof flush === 'function') answer.on('data', () => void flush.call(res));
}
