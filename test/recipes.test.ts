// docs/recipes.md is true: its variables are taken, nginx runs with its configuration, and its code works in a page.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import { createContext, runInContext } from 'node:vm';
import { createClient, createClientPool, createCluster, createSentinel } from '@redis/client';
import { Cluster, Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { configWarnings, parseConfig } from '../src/config.js';
import { optionsFromEnv } from '../src/env.js';
import { connectRedisStore } from '../src/store/redis-url.js';
import { createRedisStore } from '../src/store/redis.js';
import type { SessionStore } from '../src/store/session-store.js';
import { readPage } from './support/markdown.js';
import { startNginx, type Nginx } from './support/nginx.js';
import { describeWith } from './support/programs.js';
import { startRedis, type RedisServer } from './support/redis.js';
import { request } from './support/http.js';
import { startStack, type Stack } from './support/stack.js';
import { openSocket } from './support/websocket.js';

const page = readPage(new URL('../docs/recipes.md', import.meta.url));
const only = (language: string, mark: string): string => {
  const found = page.blocks(language).filter((block) => block.includes(mark));
  expect(found, mark).toHaveLength(1);
  return found[0] ?? '';
};

test.each(page.blocks('env').map((block) => [parseEnv(block)['AM_URL'], block]))(
  'the variables for %s are taken',
  (_url, block) => {
    const config = parseConfig(optionsFromEnv(parseEnv(block)));
    expect(configWarnings(config)).toEqual([]);
    expect(config.publicUrl).toBe('https://app.example.com');
  },
);

describe('the objects for Kubernetes', () => {
  const objects = only('yaml', 'kind: Deployment');

  it('set variables that are taken', () => {
    const plain = [...objects.matchAll(/- name: (\w+)\n\s+value: '?([^'\n]+)'?/g)].map(([, name = '', value = '']) => [
      name,
      value,
    ]);
    const secret = [...objects.matchAll(/- name: (\w+)\n\s+valueFrom:/g)].map(([, name]) => [
      name,
      'rediss://:password@redis:6379',
    ]);
    expect(secret).toHaveLength(1);
    const { routes, adminPort } = parseConfig(
      optionsFromEnv(Object.fromEntries([...plain, ...secret]) as Record<string, string>),
    );
    expect(routes).toHaveLength(1);
    expect(objects).toContain(`containerPort: ${adminPort}`);
  });

  it('have room in memory for as many sessions as they allow', () => {
    const sessions = Number(/SESSIONS_MAX\n\s+value: '(\d+)'/.exec(objects)?.[1]);
    const limit = Number(/limits: { memory: (\d+)Mi }/.exec(objects)?.[1]) * 2 ** 20;
    // 400 bytes each, in a heap of half the limit, of which the rest of the program needs some as well
    expect(sessions * 400).toBeLessThan((limit / 2) * 0.6);
  });

  it('are all about the same pods', () => {
    const selected = objects.match(/matchLabels: { app: session-proxy }/g);
    // Deployment, topology, PodDisruptionBudget, and where the API lets them in
    expect(selected).toHaveLength(4);
  });

  it('leave the command the time that it may take to stop', () => {
    const grace = Number(/terminationGracePeriodSeconds: (\d+)/.exec(objects)?.[1]);
    const asleep = Number(/\[sleep, '(\d+)'\]/.exec(objects)?.[1]);
    expect(grace).toBeGreaterThan(asleep + parseConfig({ am: { url: 'https://am.example.com/am' } }).shutdownTimeoutS);
  });
});

describeWith(['nginx'], 'the configuration of nginx', () => {
  let stack: Stack;
  let nginx: Nginx;
  let cookie: string;

  beforeAll(async () => {
    stack = await startStack({ mount: 'wrap', proxy: { trustProxy: 1 } });
    cookie = `${stack.am.cookieName}=${stack.am.login()}`;
    const [around = '', server = ''] = only('nginx', 'server {').split('\nserver {');
    const directives = server.replace(/}\s*$/, '').replaceAll(/^ {2}(?:listen|server_name|ssl_).*$/gm, '');
    // ours end the server block that they are put into, so that what belongs outside of it can follow
    const outside = around.replace('127.0.0.1:3000', new URL(stack.url).host);
    nginx = await startNginx(`${directives} } ${outside} server { listen unix:unused.sock;`);
  });
  afterAll(async () => {
    await nginx.close();
    await stack.close();
  });

  it('tells the proxy who asks, and by which name', async () => {
    const { json } = await request(nginx.url, '/api/x', { headers: { cookie, 'x-forwarded-for': '192.0.2.1' } });
    expect(json()['headers']).toMatchObject({
      'x-forwarded-for': '127.0.0.1, 127.0.0.1',
      'x-forwarded-host': new URL(nginx.url).host,
      'x-forwarded-user': 'demo',
    });
  });

  it('lets long cookies and large bodies pass', async () => {
    const headers = { cookie: `${cookie}; other=${'x'.repeat(12_000)}` };
    const { status, json } = await request(nginx.url, '/api/x', {
      method: 'POST',
      headers,
      body: 'x'.repeat(3_000_000),
    });
    expect([status, String(json()['body']).length]).toEqual([200, 3_000_000]);
  });

  it('lets WebSockets pass', async () => {
    const socket = await openSocket({ url: nginx.url, am: stack.am }, '/api/events', stack.am.login());
    const answer = new Promise((resolve) => socket.once('message', (data: Buffer) => resolve(data.toString())));
    socket.send('hello');
    expect(await answer).toBe('hello');
    socket.terminate();
  });
});

describe('the code', () => {
  it('has no mistake that a parser would find', () => {
    const folder = mkdtempSync(join(tmpdir(), 'recipes-'));
    for (const [i, code] of page.blocks('js').entries()) {
      const file = join(folder, `${i}.mjs`);
      writeFileSync(file, code);
      execFileSync(process.execPath, ['--check', file]);
    }
    rmSync(folder, { recursive: true });
  });

  it('sends a page without a session to the login, and no other', async () => {
    const stack = await startStack();
    try {
      const visited: string[] = [];
      const browser = createContext({
        URL,
        fetch: (path: string, { headers }: RequestInit = {}) => fetch(stack.url + path, headers ? { headers } : {}),
        location: { href: 'https://app.example.com/orders?page=2', assign: (url: URL) => visited.push(String(url)) },
      });
      const code = only('js', 'export async function api(').replaceAll(/^export /gm, '');
      const call = (path: string, headers: object) =>
        runInContext(
          `${code}; api(${JSON.stringify(path)}, { headers: ${JSON.stringify(headers)} })`,
          browser,
        ) as Promise<Response>;

      const cookie = `${stack.am.cookieName}=${stack.am.login()}`;
      expect((await call('/api/x', { cookie })).status).toBe(200);
      stack.upstream.answer = (_req, res) =>
        res.writeHead(401, { 'content-type': 'text/plain' }).end('the API says no');
      expect(await (await call('/api/x', { cookie })).text()).toBe('the API says no');
      expect(visited).toEqual([]);

      void call('/api/x', {});
      await expect.poll(() => visited).toHaveLength(1);
      const login = new URL(visited[0] ?? '');
      expect(login.pathname).toBe('/am/XUI/');
      expect(login.searchParams.get('goto')).toBe('https://app.example.com/orders?page=2');
    } finally {
      await stack.close();
    }
  });
});

describe('the clients for Redis', () => {
  const options = { lazyConnect: true };
  const sentinel = { host: '127.0.0.1', port: 9 };

  it.each([
    ['createClient', createClient()],
    ['createCluster', createCluster({ rootNodes: [] })],
    ['Redis', new Redis(options)],
    ['Redis with sentinels', new Redis({ ...options, sentinels: [sentinel], name: 'mymaster' })],
    ['Cluster', new Cluster([sentinel], options)],
  ])('are taken where it says so: %s', (_name, client) => {
    expect(() => createRedisStore({ client })).not.toThrow();
  });

  it.each([
    ['createSentinel', createSentinel({ name: 'mymaster', sentinelRootNodes: [sentinel] })],
    ['createClientPool', createClientPool()],
  ])('are refused at the start where it says so: %s', (name, client) => {
    expect(page.text).toMatch(new RegExp(`\`${name}\`[^.]* not supported`));
    expect(() => createRedisStore({ client })).toThrow(TypeError);
  });
});

describeWith(['redis-server'], 'the rights of the Redis user', () => {
  let redis: RedisServer;
  let url: string;
  beforeAll(async () => {
    redis = await startRedis();
    url = redis.url.replace('://', '://session-proxy:password@');
    const [, rights = ''] = /`user session-proxy on >password ([^`]+)`/.exec(page.text) ?? [];
    expect(await redis.ask(['ACL', 'SETUSER', 'session-proxy', 'on', '>password', ...rights.split(' ')])).toEqual([
      'OK',
    ]);
  });
  afterAll(() => redis.close());

  it('are enough for REDIS_URL', () => expectRights(connectRedisStore(url)));

  it('are enough for a client of the team', async () => {
    const client = createClient({ url, disableOfflineQueue: true });
    client.on('error', () => undefined);
    await client.connect();
    await expectRights(createRedisStore({ client }));
    client.destroy();
  });
});

async function expectRights(store: SessionStore): Promise<void> {
  const warnings: string[] = [];
  const heard = new Promise((resolve) =>
    store.listen({
      onListening: () => void store.end('some-session', true, 1_000),
      onEnd: resolve,
      onAskedToEnd: () => undefined,
      onDeath: () => undefined,
      onWarning: (_fields, message) => warnings.push(message),
    }),
  );
  expect(await heard).toBe('some-session');
  await store.check();
  expect(await store.claim('another', 'me', 1_000)).toBe(0);
  await store.settle('another', 'me', 500);
  await store.settle('another', 'me', 0);
  const word = { kind: 'alive', confirmedAt: 1, accessAt: 1, idleDeadline: 2, maxDeadline: Infinity } as const;
  await store.confirm('another', word, 1_000);
  expect((await store.read('another')).word).toEqual(word);
  await store.died('another');
  expect(warnings).toEqual([]);
  await store.close();
}
