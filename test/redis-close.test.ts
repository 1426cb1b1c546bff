// A store that is closed lets go of all that it made, whatever state it is in: its process can end.

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { connectRedisStore } from '../src/store/redis-url.js';
import { startHangingListener } from './support/hanging-listener.js';
import { describeWith } from './support/programs.js';
import { startRedis } from './support/redis.js';
import { pause } from './support/stack.js';
import { listening } from './support/stores.js';

/** How long a process lives that closes its store after a moment, in ms. */
async function lifeWith(url: string): Promise<number> {
  const script = `
    import { connectRedisStore } from '${new URL('../dist/store/redis-url.js', import.meta.url).href}';
    const store = connectRedisStore('${url}');
    const silent = () => {};
    store.listen({ onEnd: silent, onAskedToEnd: silent, onDeath: silent, onListening: silent, onWarning: silent });
    store.read('a').catch(silent);
    setTimeout(async () => { await store.close(); console.log(Date.now()); }, 500);`;
  const cwd = fileURLToPath(new URL('..', import.meta.url));
  const child = promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { cwd });
  const { stdout } = await child;
  return Date.now() - Number(stdout);
}

describe('a store that is closed lets its process end', () => {
  test('where nothing listens', async () => {
    expect(await lifeWith('redis://127.0.0.1:1')).toBeLessThan(1_000);
  });

  test('where the connection hangs', async ({ skip }) => {
    const hanging = await startHangingListener();
    if (!hanging) return skip('the kernel lets every connection in');
    expect(await lifeWith(hanging.url.replace('http:', 'redis:').replace(/\/am$/, ''))).toBeLessThan(1_000);
    await hanging.close();
  });

  test('and says nothing more', async () => {
    const node = listening({ store: connectRedisStore('redis://127.0.0.1:1'), release: () => undefined });
    await node.close();
    await expect(node.store.check()).rejects.toThrow('Redis: the store is closed');
    await expect(node.store.close()).resolves.toBeUndefined();
  });
});

describeWith(['redis-server'], 'a store that is closed lets its process end', () => {
  test('where it was connected, though the server hangs', async () => {
    const server = await startRedis();
    expect(await lifeWith(server.url)).toBeLessThan(1_000);
    const life = lifeWith(server.url);
    await pause(400);
    server.pause();
    expect(await life).toBeLessThan(1_000);
    await server.close();
  });
});
