// SIGTERM while many clients are busy: not one request is lost that came in on an open connection.

import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServing } from './support/serving.js';
import { pause, startStack, type Stack } from './support/stack.js';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
  stack.upstream.answer = answer;
});
afterAll(() => stack.close());

const piece = 'x'.repeat(1_000);
const pieces = 20;

/** As its path says: after some time, a slow download, or what it got of a slow upload. */
function answer(req: IncomingMessage, res: ServerResponse): void {
  const [, , what, delay] = (req.url ?? '').split('/');
  if (what === 'download') {
    let sent = 0;
    const timer = setInterval(() => {
      if (++sent < pieces) return void res.write(piece);
      res.end(piece);
      clearInterval(timer);
    }, 100);
    res.once('close', () => clearInterval(timer));
  } else {
    let length = 0;
    req.on('data', (chunk: Buffer) => (length += chunk.length));
    req.once('end', () => setTimeout(() => res.end(`${what} ${length}`), Number(delay)));
  }
}

interface Outcome {
  /** Of the request, monotonic ms. */
  readonly sentAt: number;
  readonly isWhole: boolean;
  readonly saysLast: boolean;
  readonly error: string | undefined;
  /** On a connection that had served a request before. */
  readonly reused: boolean;
  /** The server had taken the connection. */
  readonly connected: boolean;
}

type What = 'plain' | 'download' | 'upload';

function anything(): What {
  const chance = Math.random();
  return chance < 0.05 ? 'download' : chance < 0.1 ? 'upload' : 'plain';
}

/** One request, answered as a whole or not. */
function send(url: string, agent: http.Agent, cookie: string, what: What): Promise<Outcome> {
  const sentAt = performance.now();
  return new Promise((resolve) => {
    const outgoing = http.request(`${url}/api/${what}/${Math.floor(Math.random() * 300)}`, {
      method: what === 'upload' ? 'POST' : 'GET',
      agent,
      headers: { cookie },
    });
    let connected = false;
    let saysLast = false;
    const settle = (isWhole: boolean, error?: string) =>
      resolve({ sentAt, isWhole, saysLast, error, reused: outgoing.reusedSocket, connected });
    outgoing.once('socket', (socket) => {
      if (!socket.connecting) connected = true;
      else socket.once('connect', () => (connected = true));
    });
    outgoing.once('error', (error: NodeJS.ErrnoException) => settle(false, error.code));
    outgoing.once('response', (incoming) => {
      saysLast = incoming.headers.connection === 'close';
      let text = '';
      incoming.on('data', (chunk: Buffer) => (text += chunk.toString()));
      incoming.once('error', (error: NodeJS.ErrnoException) => settle(false, error.code));
      const expected = { plain: 'plain 0', upload: `upload ${pieces * piece.length}`, download: piece.repeat(pieces) };
      incoming.once('end', () => settle(incoming.statusCode === 200 && text === expected[what]));
    });
    if (what !== 'upload') return void outgoing.end();
    let sent = 0;
    const timer = setInterval(() => {
      if (++sent < pieces) return void outgoing.write(piece);
      outgoing.end(piece);
      clearInterval(timer);
    }, 100);
    outgoing.once('close', () => clearInterval(timer));
  });
}

/** A client that sends one request after the other until there is no server any more. */
async function work(url: string, agent: http.Agent, cookie: string): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  for (;;) {
    const outcome = await send(url, agent, cookie, anything());
    outcomes.push(outcome);
    if (outcome.error !== undefined) return outcomes;
  }
}

async function start() {
  const { command, url, cookie } = await startServing(stack, { LOG_LEVEL: 'warn' });
  return { command, url, cookie: cookie(stack.am.login()).cookie };
}

describe('SIGTERM under load', () => {
  it.each([
    ['one agent with 32 connections', 1],
    ['32 clients with a connection each', 32],
  ])('loses no request that ends in time: %s', async (_title, agents) => {
    const { command, url, cookie } = await start();
    const pool = Array.from({ length: agents }, () => new http.Agent({ keepAlive: true, maxSockets: 32 / agents }));
    const workers = Array.from({ length: 32 }, (_, i) => work(url, pool[i % agents]!, cookie));
    await pause(1_500 + Math.random() * 300);

    const stoppedAt = performance.now();
    command.child.kill('SIGTERM');
    expect(await command.exit).toBe(0);
    // SHUTDOWN_TIMEOUT_S
    expect(performance.now() - stoppedAt).toBeLessThan(10_000);
    const outcomes = (await Promise.all(workers)).flat();
    for (const agent of pool) agent.destroy();

    const answered = outcomes.filter(({ isWhole }) => isWhole);
    expect(answered.length).toBeGreaterThan(50);
    const lost = outcomes.filter(({ isWhole, connected }) => !isWhole && connected);
    expect(lost).toEqual([]);
    // each of them was told; whoever was not got no answer after the signal
    const afterwards = answered.filter(({ sentAt }) => sentAt > stoppedAt + 50);
    expect(afterwards.every(({ saysLast }) => saysLast)).toBe(true);
  });

  it('answers those too whose connection waited to be taken at that moment', async () => {
    const { command, url, cookie } = await start();
    const agent = new http.Agent({ keepAlive: false });
    for (let i = 0; i < 10; i++) await send(url, agent, cookie, 'plain');
    const outcomes = Array.from({ length: 24 }, () => send(url, agent, cookie, 'plain'));
    // the kernel has made these connections by now, and a server takes one in each turn of its loop
    setImmediate(() => command.child.kill('SIGTERM'));
    expect((await Promise.all(outcomes)).filter(({ isWhole }) => !isWhole)).toEqual([]);
    expect(await command.exit).toBe(0);
  });
});
