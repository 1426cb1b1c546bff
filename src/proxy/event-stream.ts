// Answers that may go on for ever: by their type, since nothing else tells.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../clock.js';
import { closeSoon } from '../linger.js';
import { mediaTypeOf } from './media-type.js';
import { rawLines } from './raw-lines.js';

/** Some of these are endless, some only long: an end in the middle has to look like one. */
const openEnded: ReadonlySet<string> = new Set([
  'application/json-seq',
  'application/x-ndjson',
  'multipart/x-mixed-replace',
]);

export type AnswerKind = 'event-stream' | 'open-ended' | 'finite';

export function kindOf({ rawHeaders }: Pick<IncomingMessage, 'rawHeaders'>): AnswerKind {
  const mediaType = mediaTypeOf(rawLines(rawHeaders, 'content-type')[0]);
  if (mediaType === 'text/event-stream') return 'event-stream';
  return openEnded.has(mediaType) ? 'open-ended' : 'finite';
}

/** Ends an event stream: browsers drop what is no whole event, connect anew, and are told why they may not. */
export function endStream(answer: IncomingMessage, res: ServerResponse, clock: Clock): void {
  // more was promised: a clean end would be taken for the beginning of the next answer
  if (answer.headers['content-length'] !== undefined) return void res.destroy();
  answer.unpipe(res);
  closeSoon(res, clock);
  // the engine does so only for an answer that had not ended when it began
  res.once('close', () => answer.destroy());
  res.end();
}

/** The package compression, mounted before us, holds back what is not flushed. */
export function flushEach(answer: IncomingMessage, res: ServerResponse & { flush?: unknown }): void {
  const { flush } = res;
  if (typeof flush === 'function') answer.on('data', () => void flush.call(res));
}
