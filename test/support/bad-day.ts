// A user with a page open before, during and after a bad day of AM, and what must hold then whatever AM does.

import { once } from 'node:events';
import { expect } from 'vitest';
import type { WebSocket } from 'ws';
import { openStream, serveStreams } from './event-stream.js';
import { fetchHeaders, navigationHeaders, type Answer } from './http.js';
import { eventually, pause, type Stack } from './stack.js';
import { openSocket, refusal } from './websocket.js';

/** All of an outage in five seconds: trust of one second, grace of three. */
export const shortDay = { session: { trustS: 1 }, am: { downGraceS: 3, timeoutMs: 300 } };

const trustOverMs = 1_300;
const graceOverMs = 3_400;
/** The longest back-off that four failures lead to, and some room for a busy machine. */
const backAgainMs = 9_000;

export interface BadDay {
  begin(): unknown;
  end(): unknown;
  /** What requests get after the grace; default `am_unavailable`. */
  readonly code?: 'am_unavailable' | 'am_refused';
}

interface Page {
  readonly token: string;
  readonly socket: WebSocket;
  /** Whether the open stream still delivers. */
  streams(): Promise<void>;
}

/** A user whom AM confirmed just now, with a WebSocket and an event stream open. */
export async function openPage(stack: Stack): Promise<Page> {
  const token = stack.am.login();
  expect((await stack.as(token, '/session')).json()).toMatchObject({ authenticated: true });
  const socket = await openSocket(stack, '/api/ws', token);
  const atUpstream = serveStreams(stack);
  const stream = await openStream(stack, '/api/events', token);
  // the next requests get the echo again
  stack.upstream.answer = undefined;
  let told = 0;
  return {
    token,
    socket,
    async streams() {
      const line = `data: ${told++}\n\n`;
      for (const res of atUpstream) res.write(line);
      await stream.has(line);
    },
  };
}

/** The user's requests pass, and what the page has open works. */
export async function expectServed(stack: Stack, page: Page): Promise<void> {
  for (const headers of [fetchHeaders, navigationHeaders, { 'x-session-activity': 'background' }])
    expectUntouched(await stack.as(page.token, '/api/x', { headers }), 200);
  const session = await stack.as(page.token, '/session');
  expectUntouched(session, 200);
  expect(session.json()).toMatchObject({ authenticated: true, username: 'demo' });
  await expectOpen(page);
}

/** No session is said to be over: an honest error, nothing that would log anybody out. */
async function expectTurnedAway(stack: Stack, token: string, code: string): Promise<void> {
  const status = code === 'am_refused' ? 502 : 503;
  const answers = [
    await stack.as(token, '/api/x', { headers: fetchHeaders }),
    await stack.as(token, '/api/x', { headers: navigationHeaders }),
    await stack.as(token, '/session'),
    await stack.as(token, '/session/refresh', { method: 'POST' }),
  ];
  for (const answer of answers) {
    expectUntouched(answer, status);
    expect(answer.json()).toMatchObject({ code });
    if (status === 503) expect(Number(answer.headers['retry-after'])).toBeGreaterThanOrEqual(1);
  }
  expect(await refusal(stack, '/api/ws', token)).toMatchObject({ status, code });
}

async function expectOpen({ socket, streams }: Page): Promise<void> {
  expect(socket.readyState).toBe(socket.OPEN);
  socket.send('still there');
  await once(socket, 'message', { signal: AbortSignal.timeout(2_000) });
  await streams();
}

function expectUntouched({ status, setCookies, headers }: Answer, wanted: number): void {
  expect(status).toBe(wanted);
  expect(setCookies).toEqual([]);
  expect(headers.location).toBeUndefined();
  expect(headers['clear-site-data']).toBeUndefined();
}

/**
 * The whole of a bad day, on a stack with `shortDay`: within the grace known users go on and others are turned away,
 * after it known ones too, nobody loses a cookie or a connection, and all work again when it is over.
 */
export async function endure(stack: Stack, { begin, end, code = 'am_unavailable' }: BadDay): Promise<void> {
  const page = await openPage(stack);
  const stranger = stack.am.login();
  const begunAt = performance.now();
  const until = (ms: number) => pause(Math.max(0, begunAt + ms - performance.now()));

  await begin();
  await expectServed(stack, page);
  await until(trustOverMs);
  await expectServed(stack, page);
  await expectTurnedAway(stack, stranger, code);
  await until(graceOverMs);
  await expectTurnedAway(stack, page.token, code);
  await expectOpen(page);

  await end();
  await eventually(async () => (await stack.as(page.token, '/api/x')).status === 200, backAgainMs);
  await eventually(async () => (await stack.as(stranger, '/api/x')).status === 200, backAgainMs);
  await expectServed(stack, page);
  page.socket.terminate();
}
