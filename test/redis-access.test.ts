// Who may speak to Redis, and over what: passwords, ACL users, TLS, and clients of other kinds.

import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join as joinPath } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createClient, createClientPool } from '@redis/client';
import { Redis } from 'ioredis';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { connectRedisStore } from '../src/store/redis-url.js';
import { createRedisStore } from '../src/store/redis.js';
import { makeCertificate, type Certificate } from './support/certificate.js';
import { describeWith } from './support/programs.js';
import { startRedis, type RedisServer } from './support/redis.js';
import { eventually, pause } from './support/stack.js';
import { canAsk, failureOf, listening, minute, type Node } from './support/stores.js';

const password = 'p@ss/w:rd';

const opened: Node[] = [];
afterEach(async () => {
  for (const node of opened.splice(0)) await node.close();
});

function nodeAt(url: string): Node {
  const node = listening({ store: connectRedisStore(url), release: () => undefined });
  opened.push(node);
  return node;
}

function failure(node: Node): Promise<string> {
  return failureOf(node.store.check()).then(({ message }) => message);
}

/** What documentation tells an operator to allow. */
const rules = [
  'resetchannels',
  '&am-session-proxy:endings',
  '~am-session-proxy:*',
  '-@all',
  ...['eval', 'get', 'set', 'del', 'pttl', 'pexpire', 'time', 'publish', 'subscribe', 'ping', 'info'].map(
    (name) => `+${name}`,
  ),
];

describeWith(['redis-server'], 'Redis with users', () => {
  let server: RedisServer;
  const as = (user: string, secret = password) =>
    server.url.replace('://', `://${user}:${encodeURIComponent(secret)}@`);

  beforeAll(async () => {
    server = await startRedis();
    await server.ask(
      ['ACL', 'SETUSER', 'proxy', 'on', `>${password}`, ...rules],
      ['ACL', 'SETUSER', 'silent', 'on', `>${password}`, ...rules, '-info', 'resetchannels'],
      ['ACL', 'SETUSER', 'reader', 'on', `>${password}`, ...rules, '-set'],
    );
  });
  afterAll(() => server.close());

  test('lets in a user that may do only what it has to', async () => {
    const node = nodeAt(as('proxy'));
    await eventually(() => node.heard.listening === 1);
    const { store, heard } = node;
    expect(await store.claim('a', 'one', minute)).toBe(0);
    await store.settle('a', 'one', minute);
    await store.settle('a', 'one', 0);
    const word = { kind: 'alive', confirmedAt: 1, accessAt: 1, idleDeadline: 2, maxDeadline: 3 } as const;
    await store.confirm('a', word, minute);
    expect((await store.read('a')).word).toEqual(word);
    await store.died('a');
    await store.end('a', true, minute);
    await store.end('a', false, minute);
    await store.check();
    await eventually(() => heard.ends.length === 2 && heard.deaths.length === 1);
    expect(heard.warnings).toEqual([]);
  });

  test.each(['REDIS_URL', 'a client of ioredis'])(
    'says to the operator, by %s, that it refuses a password, once and without it',
    async (kind) => {
      const client = new Redis(as('proxy', 'wrong-secret'), { lazyConnect: true });
      client.on('error', () => undefined);
      const store =
        kind === 'REDIS_URL' ? connectRedisStore(as('proxy', 'wrong-secret')) : createRedisStore({ client });
      const node = listening({ store, release: () => client.disconnect() });
      opened.push(node);
      await eventually(() => node.heard.warnings.length > 0);
      expect(await canAsk(node.store)).toBe(false);
      // it tries again meanwhile
      await pause(1_700);
      expect(node.heard.warnings).toEqual([
        [{ error: expect.stringContaining('WRONGPASS') as string }, expect.stringContaining('refuses') as string],
      ]);
      expect(JSON.stringify([node.heard, await failureOf(node.store.check())])).not.toContain('wrong-secret');
    },
  );

  test('tells why nothing works', async () => {
    const node = nodeAt(as('proxy', 'wrong-secret'));
    await eventually(async () => (await failure(node)).startsWith('Redis: not connected: WRONGPASS'));
  });

  test('says to the operator that nothing can be heard', async () => {
    const node = nodeAt(as('silent'));
    await eventually(() => node.heard.warnings.length > 0);
    expect(node.heard.warnings[0]?.[0]).toMatchObject({ error: expect.stringContaining('NOPERM') as string });
  });

  test('is not taken for one that works where it cannot be written to', async () => {
    const node = nodeAt(as('reader'));
    await eventually(() => node.heard.listening === 1);
    expect(await failure(node)).toMatch(/^Redis: NOPERM/);
  });
});

describe('a server too old to be greeted', () => {
  test('repeats the password in its answer, and nobody sees it', async () => {
    const server = net.createServer((socket) => {
      socket.on('error', () => undefined);
      socket.on('data', (data) => {
        const args = data
          .toString()
          .split('\r\n')
          .filter((_, index) => index % 2 === 0 && index > 2);
        socket.write(`-ERR unknown command \`HELLO\`, with args beginning with: \`${args.join('`, `')}\`, \r\n`);
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const node = nodeAt(`redis://:hidden-secret@127.0.0.1:${(server.address() as AddressInfo).port}`);
    await eventually(async () => (await failure(node)).includes('unknown command'));
    expect(await failure(node)).toBe('Redis: not connected: ERR unknown command `HELLO`');
    await node.close();
    server.close();
  });
});

describeWith(['redis-server', 'openssl'], 'Redis over TLS', () => {
  let folder: string;
  let certificate: Certificate;
  let server: RedisServer;
  let url: string;

  beforeAll(async () => {
    folder = mkdtempSync(joinPath(tmpdir(), 'redis-tls-'));
    certificate = makeCertificate(folder, 'DNS:localhost');
    const files = ['--tls-cert-file', certificate.certificate, '--tls-key-file', certificate.key];
    const port = String(20_000 + Math.floor(Math.random() * 12_000));
    server = await startRedis('--tls-port', port, ...files, '--tls-auth-clients', 'no', '--requirepass', password);
    url = `rediss://:${encodeURIComponent(password)}@localhost:${port}`;
  });
  afterAll(async () => {
    await server.close();
    rmSync(folder, { recursive: true });
  });

  test('with a certificate that nobody vouches for is Redis not being there', async () => {
    const node = nodeAt(url);
    await eventually(async () => /self.signed certificate/.test(await failure(node)));
    expect(node.heard.listening).toBe(0);
  });

  /** In a process of its own that trusts the certificate: Node reads NODE_EXTRA_CA_CERTS at its start only. */
  async function claimTrusting(at: string): Promise<string> {
    const script = `
      import { connectRedisStore } from '${new URL('../dist/store/redis-url.js', import.meta.url).href}';
      const store = connectRedisStore('${at}');
      const silent = () => {};
      const claim = async () => {
        clearTimeout(complaining);
        console.log(await store.claim('a', 'one', 1000));
        await store.close();
      };
      store.listen({ onEnd: silent, onAskedToEnd: silent, onDeath: silent, onListening: claim, onWarning: silent });
      const complaining = setTimeout(() => store.check().catch((error) => { console.log(error.message); return store.close(); }), 1500);`;
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
      cwd: fileURLToPath(new URL('..', import.meta.url)),
      env: { ...process.env, NODE_EXTRA_CA_CERTS: certificate.certificate },
    });
    return stdout.trim();
  }

  test('is used where the process trusts its certificate', async () => {
    expect(await claimTrusting(url)).toBe('0');
  });

  test('must have a certificate of the name that it is asked under', async () => {
    expect(await claimTrusting(url.replace('localhost', '127.0.0.1'))).toContain(
      "does not match certificate's altnames",
    );
  });
});

describe('a client of another kind', () => {
  test.each([
    ['nothing', undefined],
    ['a URL', 'redis://127.0.0.1:6379'],
    ['an object', {}],
    ['a pool of node-redis', createClientPool()],
    ['the options of a client', { client: createClient() }],
  ])('is refused when the store is made: %s', (_, client) => {
    expect(() => createRedisStore({ client: client as object })).toThrow(TypeError);
    expect(() => createRedisStore({ client: client as object })).toThrow(/node-redis .* ioredis/);
  });
});
