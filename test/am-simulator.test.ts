// The client against the simulator: each verdict as a team meets it.

import { afterEach, describe, expect, test } from 'vitest';
import { createAmSimulator, type AmSimulator, type AmSimulatorOptions } from '../src/simulator/index.js';
import { credentialOf } from '../src/token.js';
import { startClient, type TestClient } from './support/am-client.js';

let am: AmSimulator;
let client: TestClient;

afterEach(async () => {
  client.close();
  await am.close();
});

type ClientOptions = Parameters<typeof startClient>[1];

async function start(simulator: AmSimulatorOptions = {}, options: ClientOptions = {}): Promise<void> {
  am = await createAmSimulator(simulator);
  client = startClient(am.url, { flavor: simulator.flavor ?? 'ping', ...options });
}

const login = (realm?: string) => credentialOf(am.login('demo', realm), undefined);

describe.each(['ping', 'openam'] as const)('flavour %s', (flavor) => {
  test('a live session is alive, with its realm and its times', async () => {
    await start({ flavor, maxIdleMinutes: 10, maxSessionMinutes: 60 }, { realm: '/bravo' });
    const credential = login('/alpha');
    for (const call of ['refresh', 'peek'] as const) {
      const answer = await client[call](credential);
      if (answer.kind !== 'alive') throw new Error(answer.kind);
      expect(answer).toMatchObject({ username: 'demo', realm: '/alpha', maxIdleS: 600 });
      expect(answer.idleS).toBeLessThanOrEqual(1);
      expect(answer.repliedAt).toBeGreaterThan(answer.sentAt);
      expect((answer.idleDeadline - answer.repliedAt) / 1000).toBeCloseTo(600, -1);
      expect((answer.maxDeadline - answer.sentAt) / 1000).toBeCloseTo(3_600, -1);
    }
  });

  test('a logout ends it, once; from then on it is dead', async () => {
    await start({ flavor });
    const credential = login();
    expect(await client.logout(credential)).toMatchObject({ kind: 'ended' });
    expect(am.sessions).toHaveLength(0);
    for (const call of ['logout', 'refresh', 'peek'] as const)
      expect(await client[call](credential)).toEqual({ kind: 'dead' });
  });

  test('an idle session dies', async () => {
    await start({ flavor, maxIdleMinutes: 1 });
    const credential = login();
    am.advance(62);
    expect(await client.refresh(credential)).toEqual({ kind: 'dead' });
  });

  test('a refresh keeps it from dying', async () => {
    await start({ flavor, maxIdleMinutes: 2 });
    const credential = login();
    for (let i = 0; i < 4; i++) {
      am.advance(62);
      expect(await client.refresh(credential)).toMatchObject({ kind: 'alive' });
    }
  });

  test('the clock of AM may be hours wrong', async () => {
    await start({ flavor, clockSkewS: -5 * 3_600, maxIdleMinutes: 10, maxSessionMinutes: 60 });
    const answer = await client.peek(login());
    if (answer.kind !== 'alive') throw new Error(answer.kind);
    expect((answer.idleDeadline - answer.repliedAt) / 1000).toBeCloseTo(600, -1);
    expect((answer.maxDeadline - answer.sentAt) / 1000).toBeCloseTo(3_600, -1);
  });

  test('the maximum that we count with is never later than that of AM', async () => {
    await start({ flavor, maxSessionMinutes: 1 });
    const credential = login();
    const answer = await client.peek(credential);
    if (answer.kind !== 'alive') throw new Error(answer.kind);
    am.advance((answer.maxDeadline - answer.repliedAt - 300) / 1000);
    expect(await client.peek(credential)).toMatchObject({ kind: 'alive' });
  });

  test('the cookie and its domains are found', async () => {
    await start({ flavor, cookieName: 'sso', cookieDomains: ['example.org'] });
    expect(await client.serverInfo()).toEqual({ kind: 'server-info', cookieName: 'sso', domains: ['example.org'] });
  });

  test('an unknown realm is refused', async () => {
    await start({ flavor }, { realm: '/nowhere' });
    expect(await client.peek(login())).toEqual({ kind: 'refused', status: 404 });
  });

  test('a host name that AM does not know is refused, its public one is not', async () => {
    await start({ flavor, hostNames: ['sso.example.com'] });
    expect(await client.peek(login())).toEqual({ kind: 'refused', status: 400 });
    expect(await client.serverInfo()).toEqual({ kind: 'refused', status: 400 });
    client.close();
    client = startClient(am.url, { flavor, publicUrl: 'http://sso.example.com:9999/am' });
    expect(await client.peek(login())).toMatchObject({ kind: 'alive' });
    expect(await client.serverInfo()).toMatchObject({ kind: 'server-info' });
  });
});

test('a refresh within the frequency is alive, and says how long ago the latest access was', async () => {
  await start();
  const credential = login();
  am.advance(30);
  expect(await client.refresh(credential)).toMatchObject({ kind: 'alive', idleS: 30 });
  am.advance(32);
  expect(await client.refresh(credential)).toMatchObject({ kind: 'alive', idleS: 0 });
});

test('a peek leaves the idle time alone', async () => {
  await start();
  const credential = login();
  am.advance(600);
  for (let i = 0; i < 2; i++) {
    const answer = await client.peek(credential);
    if (answer.kind !== 'alive') throw new Error(answer.kind);
    expect(Math.abs((answer.idleS ?? 0) - 600)).toBeLessThanOrEqual(1);
    expect((answer.idleDeadline - answer.repliedAt) / 1000).toBeCloseTo(1_200, -1);
  }
});

test("AM's own clearing cookies come with the logout", async () => {
  await start();
  const answer = await client.logout(login());
  if (answer.kind !== 'ended') throw new Error(answer.kind);
  expect(answer.setCookies.join()).toContain(`${am.cookieName}=`);
});

test('OpenAM refuses the calls of Ping AM: the flavour is wrong', async () => {
  await start({ flavor: 'openam' }, { flavor: 'ping' });
  const credential = login();
  expect(await client.refresh(credential)).toEqual({ kind: 'refused', status: 403 });
  expect(await client.peek(credential)).toEqual({ kind: 'refused', status: 404 });
  expect(await client.logout(credential)).toEqual({ kind: 'refused', status: 404 });
  expect(am.sessions).toHaveLength(1);
});

test('a damaged token is unknown, a made-up one dead', async () => {
  await start({ flavor: 'openam' });
  const damaged = `${login().token.slice(0, -3)}xx*`;
  expect(await client.peek(credentialOf(damaged, undefined))).toMatchObject({ kind: 'unknown', detail: 'HTTP 500' });
  expect(await client.peek(credentialOf('made-up', undefined))).toEqual({ kind: 'dead' });
});

test.each([
  ['hang', 'timeout'],
  ['reset', 'reset'],
  ['truncated', 'reset'],
  ['drip', 'timeout'],
  ['slow', 'timeout'],
  ['garbage', 'bad-answer'],
  ['html', 'bad-answer'],
  ['empty', 'bad-answer'],
  ['huge', 'bad-answer'],
  ['redirect', 'bad-answer'],
  ['status', 'bad-answer'],
] as const)('the fault %s is unknown by %s', async (kind, cause) => {
  await start({}, { timeoutMs: 300 });
  am.fault({ kind, ...(kind === 'slow' && { delayMs: 5_000 }), ...(kind === 'drip' && { intervalMs: 50 }) });
  expect(await client.refresh(login())).toMatchObject({ kind: 'unknown', cause });
  am.clearFaults();
  expect(await client.refresh(login())).toMatchObject({ kind: 'alive' });
});

test('after a restart AM is understood again at once', async () => {
  await start();
  const credential = login();
  await client.refresh(credential);
  await am.stop();
  expect(await client.refresh(credential)).toMatchObject({ kind: 'unknown', cause: 'connect' });
  await am.start();
  expect(await client.refresh(credential)).toMatchObject({ kind: 'alive' });
});
