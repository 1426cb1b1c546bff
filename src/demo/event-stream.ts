// Server-sent events, as far as the demo needs them.

import type { ServerResponse } from 'node:http';

/** Sends one event; browsers hand it to the listeners of that name. */
export type SendEvent = (name: string, data: unknown) => void;

export function startEventStream(res: ServerResponse): SendEvent {
  res.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
  res.flushHeaders();
  return (name, data) => void res.write(`event: ${name}\ndata: ${JSON.stringify(data)}\n\n`);
}
