// The live picture's events: what the keeper decides about a session, streamed to the page of its user.

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../clock.js';
import type { KeeperEvent } from '../keeper/events.js';
import { startEventStream, type SendEvent } from './event-stream.js';
import type { CurrentRequest } from './requests.js';

export interface LiveEvents {
  /** Takes over what the keeper tells. */
  note(event: KeeperEvent): void;
  /** Answers a request that came through the proxy: the events of its session so far, then as they happen. */
  serve(req: IncomingMessage, res: ServerResponse): void;
}

export interface LiveEventsOptions {
  readonly clock: Pick<Clock, 'now'>;
  readonly currentRequest: Pick<CurrentRequest, 'name' | 'target'>;
}

interface Entry {
  readonly at: number;
  readonly event: KeeperEvent;
}

interface Viewer {
  readonly session: string;
  readonly send: SendEvent;
}

export const livePath = '/api/demo/events';
const historyMax = 2_000;
const openingsMax = 100;

/**
 * Behind the proxy a request names no session, and in front of it the keeper's events name no user. So the page puts a
 * number of its own into the target: the decision on that request tells the session.
 */
export function createLiveEvents({ clock, currentRequest }: LiveEventsOptions): LiveEvents {
  const history: Entry[] = [];
  const openings = new Map<string, string>();
  const viewers = new Set<Viewer>();

  /** True: the page looks at its own session, which is no part of the picture. */
  function isLook(event: KeeperEvent): boolean {
    if (event.type !== 'decision') return false;
    const view = viewOf(currentRequest.target());
    if (view !== undefined) opened(view, event.session);
    return view !== undefined || currentRequest.name() === 'GET /session';
  }

  function opened(view: string, session: string): void {
    openings.set(view, session);
    const [oldest] = openings.keys();
    if (openings.size > openingsMax && oldest !== undefined) openings.delete(oldest);
  }

  /** The proxy itself asks for connections that are open: then no request is being handled. */
  function isWatch(event: KeeperEvent): boolean {
    return event.type === 'decision' && event.request === 'background' && currentRequest.name() === undefined;
  }

  return {
    note(event) {
      if (isLook(event) || isWatch(event)) return;
      const entry = { at: clock.now(), event };
      history.push(entry);
      if (history.length > historyMax) history.shift();
      for (const { session, send } of viewers)
        if (session === event.session) send('decision', messageOf(entry, entry.at));
    },

    serve(req, res) {
      const view = viewOf(req.url) ?? '';
      const session = openings.get(view);
      openings.delete(view);
      if (session === undefined) return void res.writeHead(503, { 'retry-after': '1' }).end();
      const send = startEventStream(res);
      const now = clock.now();
      send('begin', { session });
      for (const entry of history) if (entry.event.session === session) send('decision', messageOf(entry, now));
      send('ready', {});
      const viewer = { session, send };
      viewers.add(viewer);
      res.once('close', () => viewers.delete(viewer));
    },
  };
}

/** With its age instead of a time: the browser's clock is another one. */
function messageOf({ at, event }: Entry, now: number): object {
  return { ...event, agoMs: Math.round(now - at) };
}

function viewOf(target: string | undefined): string | undefined {
  if (!target?.startsWith(`${livePath}?`)) return undefined;
  return new URLSearchParams(target.slice(livePath.length)).get('view') ?? undefined;
}
