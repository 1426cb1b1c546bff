// A page that has everything open: a poller, an event stream with events and a socket with frames; and the API for it.

import type { Page } from 'playwright-core';
import type { Stack } from './stack.js';

const everyMs = 100;

/**
 * The upstream has an event stream at `/api/events`, never answers at `/api/long`, and says `fine` to all else.
 *
 * @param eventsEach after so many events a stream ends, and the browser asks for another by itself
 */
export function serveConnections({ upstream }: Stack, eventsEach = Infinity): void {
  upstream.answer = (req, res) => {
    if (req.url === '/api/long') return;
    if (req.url !== '/api/events') return void res.end('fine');
    res.writeHead(200, { 'content-type': 'text/event-stream' }).write('retry: 100\ndata: open\n\n');
    let left = eventsEach;
    const timer = setInterval(() => (--left > 0 ? res.write('data: more\n\n') : res.end()), everyMs);
    res.once('close', () => clearInterval(timer));
  };
}

/** What a page knows of its connections. */
export interface Connections {
  /** Status of the last poll's answer, and how many there were. */
  readonly poll: number;
  readonly polls: number;
  /** Code in the last problem that a poll got. */
  readonly code: string;
  /** The close code; 0 as long as it is open. */
  readonly closed: number;
  readonly frames: number;
  /** `EventSource.readyState`: 1 open, 2 closed for good. */
  readonly stream: number;
  readonly events: number;
}

// run in pages, as text: this side has no types of a browser
const openAll = `{
  const known = window.connections = { poll: 0, polls: 0, code: '', closed: 0, frames: 0, stream: 0, events: 0 };
  const poll = async () => {
    const answer = await fetch('/api/poll', { headers: { 'X-Session-Activity': 'background' } });
    if (!answer.ok) known.code = (await answer.json()).code;
    known.poll = answer.status;
    known.polls++;
    setTimeout(poll, ${everyMs});
  };
  void poll();
  const socket = new WebSocket(location.origin.replace('http', 'ws') + '/api/socket');
  const say = () => socket.readyState === 1 && socket.send('hello');
  socket.onopen = say;
  socket.onmessage = () => { known.frames++; setTimeout(say, ${everyMs}); };
  socket.onclose = ({ code }) => { known.closed = code; };
  const stream = new EventSource('/api/events');
  stream.onmessage = () => { known.events++; };
  stream.onopen = stream.onerror = () => { known.stream = stream.readyState; };
}`;

export async function connectionsOf(page: Page): Promise<Connections> {
  return page.evaluate<Connections>('window.connections');
}

/** Opens them. */
export async function openConnections(page: Page): Promise<void> {
  await page.evaluate(openAll);
}
