// The examples run as they are: log in, do what each says, log out, and nothing works any more.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { fetchHeaders, navigationHeaders, request, type RequestOptions } from './support/http.js';
import { eventually } from './support/stack.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const examples = readdirSync(`${root}examples`).filter((file) => file !== 'surroundings.mjs');

interface Example {
  readonly url: string;
  readonly output: string;
  /** As a page's fetch, with the cookies of the login. */
  fetch(path: string, options?: RequestOptions): ReturnType<typeof request>;
  /** Goes to a page that needs a session, and logs in where it leads. */
  logIn(path: string): Promise<void>;
  socket(path: string, headers?: Record<string, string>): Promise<Socket>;
  /** Resolves with the exit code. */
  stop(): Promise<unknown>;
}

interface Socket {
  next(): Promise<string>;
  send(text: string): void;
  readonly closed: Promise<number>;
}

async function startExample(file: string): Promise<Example> {
  const child = spawn(process.execPath, [`${root}examples/${file}`], {
    env: { PATH: process.env['PATH'], PORT: '0' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const exited = once(child, 'exit');
  let output = '';
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
  await new Promise<void>((resolve, reject) => {
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      // its last line
      if (/^AM.*\n/m.test(output)) resolve();
    });
    void exited.then(([code]) => reject(new Error(`ended with ${String(code)}: ${complaint}`)));
  });
  const url = /http:\/\/127\.0\.0\.1:\d+/.exec(output)?.[0] ?? '';
  await eventually(async () => (await request(url, '/readyz')).status === 200);
  let cookie: string | undefined;
  const asPage = (headers = {}) => ({ ...headers, ...(cookie !== undefined && { cookie }) });

  return {
    url,
    output,
    fetch: (path, options = {}) =>
      request(url, path, { ...options, headers: asPage({ ...fetchHeaders, ...options.headers }) }),
    async logIn(path) {
      const sent = await request(url, path, { headers: navigationHeaders });
      expect(sent.status).toBe(302);
      const login = new URL(sent.headers.location ?? '');
      expect(output).toContain(login.origin);
      const [, username = '', password = ''] = /as (\w+) with the password (\w+)/.exec(output) ?? [];
      const done = await request(login.origin, login.pathname + login.search, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({ username, password }).toString(),
      });
      expect([done.status, done.headers.location]).toEqual([302, url + path]);
      cookie = done.setCookies.map((line) => line.split(';')[0]).join('; ');
    },
    async socket(path, headers = {}) {
      const socket = new WebSocket(url.replace('http', 'ws') + path, { headers: asPage({ origin: url, ...headers }) });
      const messages: string[] = [];
      socket.on('message', (data: Buffer) => messages.push(data.toString()));
      await once(socket, 'open');
      return {
        async next() {
          while (messages.length === 0) await once(socket, 'message', { signal: AbortSignal.timeout(3_000) });
          return messages.shift() ?? '';
        },
        send: (text) => socket.send(text),
        closed: once(socket, 'close').then(([code]) => code as number),
      };
    },
    async stop() {
      child.kill('SIGTERM');
      return (await exited)[0] as unknown;
    },
  };
}

async function expectLogout({ fetch }: Example, base = ''): Promise<void> {
  const ended = await fetch(`${base}/logout`, { method: 'POST' });
  expect([ended.status, ended.json()]).toEqual([200, { result: 'Successfully logged out', am: 'ended' }]);
  expect((await fetch('/api/orders')).status).toBe(401);
  expect((await fetch(`${base}/session`)).json()).toMatchObject({ authenticated: false, reason: 'session_ended' });
}

const json = (value: unknown): RequestOptions => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify(value),
});

const runs: Record<string, (example: Example) => Promise<void>> = {
  async 'express.mjs'(example) {
    const { fetch, logIn, url } = example;
    expect((await request(url, '/')).body).toContain('My report');
    expect((await fetch('/report')).status).toBe(401);
    await logIn('/report');
    expect((await fetch('/report')).json()).toEqual({ user: 'demo', realm: '/' });
    expect((await fetch('/api/orders')).json()).toEqual({ asked: 'GET /api/orders', user: 'demo' });
    expect((await fetch('/api/orders', json({ item: 'tea' }))).json()).toMatchObject({ asked: 'POST /api/orders' });
    const noted = await fetch('/notes', json({ note: 'tea' }));
    expect([noted.status, noted.json()]).toEqual([201, { by: 'demo', note: 'tea' }]);
    expect((await fetch('/session')).json()).toMatchObject({ authenticated: true, username: 'demo' });
    await expectLogout(example);
    expect((await fetch('/report')).status).toBe(401);
    expect((await fetch('/notes', json({ note: 'tea' }))).status).toBe(401);
    expect(await example.stop()).toBe(0);
  },

  async 'wrap.mjs'(example) {
    const { fetch, logIn } = example;
    await logIn('/');
    expect((await fetch('/')).body).toContain('You are demo');
    expect((await fetch('/api/orders')).json()).toEqual({ asked: 'GET /api/orders', user: 'demo' });
    expect((await fetch('/auth/session')).json()).toMatchObject({ authenticated: true });
    expect((await fetch('/session')).json()).toEqual({ speaker: 'Ada', room: 3 });
    expect((await fetch('/logout', { method: 'POST' })).json()).toEqual({ left: 'the room' });
    expect((await fetch('/')).status).toBe(200);
    await expectLogout(example, '/auth');
    expect((await fetch('/')).status).toBe(401);
    expect(await example.stop()).toBe(0);
  },

  async 'websocket.mjs'(example) {
    const { fetch, logIn, socket } = example;
    await expect(socket('/api/ws')).rejects.toThrow('401');
    await logIn('/');
    expect((await fetch('/')).body).toContain('You are demo');
    const proxied = await socket('/api/ws');
    expect(JSON.parse(await proxied.next())).toEqual({ opened: '/api/ws', user: 'demo' });
    proxied.send('tea');
    expect(await proxied.next()).toBe('tea');
    const own = await socket('/clock');
    expect(Date.parse(await own.next())).toBeGreaterThan(0);
    await expect(socket('/api/ws', { origin: 'https://evil.example' })).rejects.toThrow('403');
    await expect(socket('/nobody')).rejects.toThrow('socket hang up');
    await expectLogout(example);
    expect(await proxied.closed).toBe(4401);
    expect(await example.stop()).toBe(0);
    expect(await own.closed).toBe(1001);
  },

  async 'socket-io.mjs'(example) {
    const { fetch, logIn, socket } = example;
    await logIn('/');
    const [, script = ''] = /src="([^"]+)"/.exec((await fetch('/')).body) ?? [];
    expect((await fetch(script)).status).toBe(200);
    const io = await socket('/socket.io/?EIO=4&transport=websocket');
    expect(await io.next()).toMatch(/^0/);
    io.send('40');
    expect(await io.next()).toMatch(/^40/);
    io.send('420["hello","you"]');
    expect(await io.next()).toBe('430["hello you"]');
    const proxied = await socket('/api/ws');
    expect(JSON.parse(await proxied.next())).toMatchObject({ user: 'demo' });
    await expect(socket('/nobody')).rejects.toThrow('socket hang up');
    await expectLogout(example);
    expect(await proxied.closed).toBe(4401);
    await logIn('/');
    const another = await socket('/api/ws');
    expect(await example.stop()).toBe(0);
    expect(await another.closed).toBe(1001);
    expect(await io.closed).toBe(1005);
  },
};

test.each(examples)('%s runs, does what it says, and ends with SIGTERM', async (file) => {
  const run = runs[file];
  if (!run) throw new Error('an example that nobody runs');
  await run(await startExample(file));
});

test.each([...examples, 'surroundings.mjs'])('%s is short', (file) => {
  expect(readFileSync(`${root}examples/${file}`, 'utf8').split('\n').length).toBeLessThan(60);
});

const page = readFileSync(`${root}docs/mounting.md`, 'utf8');

test('docs/mounting.md shows the examples as they are', () => {
  const sources = examples.map((file) => [file, readFileSync(`${root}examples/${file}`, 'utf8')] as const);
  const blocks = [...page.matchAll(/^```js\n(.*?)^```/gms)].map(([, code = '']) => code);
  expect(blocks.filter((code) => !sources.some(([, source]) => source.includes(code)))).toEqual([]);
  // what makes each of them an example is shown
  for (const [file, source] of sources)
    expect([file, blocks.some((code) => code.includes('bff') && source.includes(code))]).toEqual([file, true]);
});

test('docs/mounting.md links to what exists', () => {
  for (const [, link = ''] of page.matchAll(/\]\((?!https?:)([^)#]+)/g))
    expect(existsSync(`${root}docs/${link}`)).toBe(true);
});
