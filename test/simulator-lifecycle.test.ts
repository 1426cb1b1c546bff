// Starting, stopping, coming back, closing; and options that are refused.

import net from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { type AmSimulator, type AmSimulatorOptions, createAmSimulator } from '../src/simulator/index.js';
import { act, call, mistyped } from './support/simulator-client.js';

const started: AmSimulator[] = [];
async function start(options?: AmSimulatorOptions): Promise<AmSimulator> {
  const am = await createAmSimulator(options);
  started.push(am);
  return am;
}
afterEach(async () => {
  await Promise.all(started.splice(0).map((am) => am.close()));
});

test('without options it listens on a free loopback port under /am', async () => {
  const am = await start();
  expect(am.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/am$/);
  expect((await call(am.url.replace(/\/am$/, '/other'))).status).toBe(404);
  expect((await call(am.url)).headers.location).toBe('/am/XUI/');
});

test('a port in use rejects with EADDRINUSE', async () => {
  const am = await start();
  await expect(createAmSimulator({ port: Number(new URL(am.url).port) })).rejects.toMatchObject({ code: 'EADDRINUSE' });
});

test('away and back: connections are refused, then the same sessions live on the same port', async () => {
  const am = await start();
  const token = am.login();
  am.fault({ kind: 'hang', action: 'validate' });
  const hanging = act(am, 'validate', token);
  const cut = expect(hanging).rejects.toMatchObject({ code: 'ECONNRESET' });
  await expect.poll(() => am.journal.length).toBe(1);
  await am.stop();
  await cut;
  await expect(act(am, 'refresh', token)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  await am.stop();
  await am.start();
  await am.start();
  expect((await act(am, 'refresh', token)).status).toBe(200);
});

test('start says so if another took the port meanwhile, and works once it is free', async () => {
  const am = await start();
  await am.stop();
  const squatter = net.createServer();
  await new Promise<void>((resolve) => squatter.listen(Number(new URL(am.url).port), '127.0.0.1', resolve));
  await expect(am.start()).rejects.toMatchObject({ code: 'EADDRINUSE' });
  await new Promise((resolve) => squatter.close(resolve));
  await am.start();
  expect((await call(`${am.url}/isAlive.jsp`)).status).toBe(200);
});

test('close ends hanging answers and keep-alive connections, twice is fine, and it is for good', async () => {
  const am = await start();
  am.fault({ kind: 'hang' });
  const cut = expect(act(am, 'refresh', am.login())).rejects.toMatchObject({ code: 'ECONNRESET' });
  const idle = net.connect(Number(new URL(am.url).port), '127.0.0.1');
  idle.on('error', () => undefined);
  await expect.poll(() => am.journal.length).toBe(1);
  const gone = new Promise((resolve) => idle.once('close', resolve));
  await am.close();
  await cut;
  await gone;
  await am.close();
  await expect(am.start()).rejects.toThrow('closed');
});

describe('options', () => {
  test('all mistakes are listed at once, by name', () => {
    const bad = { flavor: 'forgerock', port: 70_000, updateFrequencyS: '60', cookieName: 'a b', colour: 'red' };
    let message = '';
    try {
      void createAmSimulator(mistyped<AmSimulatorOptions>(bad));
    } catch (error) {
      message = String(error);
    }
    expect(message).toContain("flavor: expected 'ping' or 'openam', not \"forgerock\"");
    for (const name of ['port', 'updateFrequencyS', 'cookieName', 'colour']) expect(message).toContain(`\n  ${name}: `);
  });

  test.each([
    { maxIdleMinutes: 0 },
    { maxSessionMinutes: Infinity },
    { latencyMs: -1 },
    { clockSkewS: Number.NaN },
    { clockSkewS: -2e9 },
    { host: '' },
    { cookieDomains: ['.example.com'] },
    { cookieDomains: ['a;b'] },
    { hostNames: 'am.example.com' },
    { cookieSecure: 'yes' },
    { users: { demo: '' } },
    { clock: {} },
  ])('%o is refused', (bad) => {
    const [name] = Object.keys(bad);
    expect(() => createAmSimulator(mistyped<AmSimulatorOptions>(bad))).toThrow(`${name}: expected`);
  });

  test('a password never shows in the message', () => {
    const users = { demo: 'hunter2', other: '' };
    expect(() => createAmSimulator({ users })).toThrow(expect.not.stringContaining('hunter2'));
  });

  test('undefined is as good as absent', async () => {
    const am = await start(mistyped<AmSimulatorOptions>({ flavor: undefined, port: undefined }));
    expect(am.cookieName).toBe('iPlanetDirectoryPro');
  });
});
