import http from 'node:http';
import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { request, type RequestOptions } from './support/http.js';
import { startRawUpstream } from './support/raw-upstream.js';
import { eventually, mounts, startStack, type Stack } from './support/stack.js';
import { startTeamApp } from './support/team-app.js';

const body = Buffer.alloc(3 * 1024 * 1024);
/** Half of these uploads lost their answer when a failed write could close the connection. */
const tries = 10;
const tooLarge = 'HTTP/1.1 413 Content Too Large\r\nContent-Length: 9\r\nConnection: close\r\n\r\ntoo large';

/** What an upstream does when it has written its answer, with an upload still on its way. */
const hangUps: Record<string, (socket: Socket) => void> = {
  'lets the rest come': (socket) => socket.end(),
  'leaves the rest unread': (socket) => socket.pause().end(),
  // with something unread the kernel sends a reset after the answer
  'closes at once': (socket) => socket.destroy(),
  'resets the connection': (socket) => socket.resetAndDestroy(),
};

describe.each(mounts)('an answer that comes before the upload has ended, mounted by %s', (mount) => {
  const stops: (() => unknown)[] = [];
  let agent: http.Agent;
  beforeEach(() => {
    agent = new http.Agent({ keepAlive: true });
    stops.push(() => agent.destroy());
  });
  afterEach(async () => {
    for (const stop of stops.splice(0).toReversed()) await stop();
  });

  /** Calls `answer` with each connection on which the head and `after` bytes of the body have come. */
  async function startHasty(answer: (socket: Socket) => void, after: number): Promise<Stack> {
    const raw = await startRawUpstream((socket) => {
      let taken = 0;
      const take = (chunk: Buffer) => {
        taken += chunk.length;
        if (taken < after) return;
        socket.off('data', take);
        answer(socket);
      };
      socket.on('data', take);
      if (after === 0) take(Buffer.alloc(0));
    });
    stops.push(raw.close);
    const stack = await startStack({ mount, proxy: { publicRoutes: [{ path: '/public', target: raw.url }] } });
    stops.push(stack.close);
    return stack;
  }

  const upload = ({ url }: Stack, options: RequestOptions = {}) =>
    request(url, '/public/file', { method: 'POST', agent, body, ...options });

  it('is passed on, and the connection serves the next request', async () => {
    const stack = await startStack({ mount });
    stops.push(stack.close);
    stack.upstream.answer = (req, res) => {
      req.once('data', () => res.writeHead(413, { 'content-type': 'text/plain' }).end('too large'));
    };
    for (let i = 0; i < 3; i++) expect(await upload(stack)).toMatchObject({ status: 413, body: 'too large' });
    stack.upstream.answer = undefined;
    expect((await request(stack.url, '/public/x', { agent })).status).toBe(200);
  });

  describe.each(Object.keys(hangUps))('from an upstream that %s', (how) => {
    const hangUp = hangUps[how] ?? (() => undefined);

    it.each([
      ['with its length', {}, 0],
      ['in chunks', { 'transfer-encoding': 'chunked' }, 100_000],
    ])('is passed on each time, to an upload sent %s (%o), after %d bytes', async (_how, headers, after) => {
      const stack = await startHasty((socket) => {
        socket.write(tooLarge);
        hangUp(socket);
      }, after);
      const answers = new Map<string, number>();
      for (let i = 0; i < tries; i++) {
        const { status, body: text } = await upload(stack, { headers });
        const answer = status === 413 ? text : String(status);
        answers.set(answer, (answers.get(answer) ?? 0) + 1);
      }
      expect(Object.fromEntries(answers)).toEqual({ 'too large': tries });
    });
  });

  it.each([
    ['with a length', 'HTTP/1.1 413 Content Too Large\r\nContent-Length: 100\r\n\r\ntoo lar'],
    ['in chunks', 'HTTP/1.1 413 Content Too Large\r\nTransfer-Encoding: chunked\r\n\r\n9\r\ntoo large\r\n'],
    ['that ends with the connection', 'HTTP/1.1 413 Content Too Large\r\n\r\ntoo lar'],
  ])('that is cut off %s ends the client’s answer as an error', async (_how, part) => {
    const stack = await startHasty((socket) => {
      socket.write(part);
      setTimeout(() => socket.resetAndDestroy(), 20);
    }, 100_000);
    for (let i = 0; i < 5; i++) await expect(upload(stack)).rejects.toMatchObject({ code: 'ECONNRESET' });
  });

  it.each(['HTTP/1.1 200 O\x01K\r\nContent-Length: 2\r\n\r\nok', 'HTTP/1.1 101 Switching\r\n\r\n'])(
    'and cannot be passed on is a 502, and the connection serves the next request: %j',
    async (answer) => {
      const stack = await startHasty((socket) => socket.write(answer), 100_000);
      for (let i = 0; i < 3; i++) expect((await upload(stack)).status).toBe(502);
    },
  );

  it.each(['closes', 'resets'])('that never comes, because the upstream %s, is a 502', async (how) => {
    const stack = await startHasty((socket) => {
      if (how === 'closes') socket.destroy();
      else socket.resetAndDestroy();
    }, 100_000);
    for (let i = 0; i < 5; i++) {
      const answer = await upload(stack);
      expect(answer.json()).toMatchObject({ status: 502, code: 'upstream_unavailable' });
    }
    // once for each, though Node may tell of it twice
    await eventually(() => failures(stack) >= 5);
    expect(failures(stack)).toBe(5);
  });

  const failures = ({ log }: Stack) => log.join('').split('no answer from the upstream').length - 1;
});

it('an answer that comes before the upload has ended is passed on where middleware has taken its length away', async () => {
  const raw = await startRawUpstream((socket) => {
    // the body comes in chunks then
    socket.write(tooLarge);
    socket.destroy();
  });
  const stack = await startStack();
  const team = await startTeamApp(
    stack,
    (app) =>
      app.use((req, _res, next) => {
        delete req.headers['content-length'];
        next();
      }),
    undefined,
    { publicRoutes: [{ path: '/raw', target: raw.url }] },
  );
  const answers = new Map<number, number>();
  for (let i = 0; i < tries; i++) {
    const { status } = await team.request('/raw/file', { method: 'POST', body });
    answers.set(status, (answers.get(status) ?? 0) + 1);
  }
  await team.close();
  await stack.close();
  await raw.close();
  expect(Object.fromEntries(answers)).toEqual({ 413: tries });
});
