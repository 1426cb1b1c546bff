// Flavour `openam`: what only the simulator can show. What it answers is in the conformance suite.

import { afterEach, beforeEach, expect, test } from 'vitest';
import { type AmSimulator, createAmSimulator } from '../src/simulator/index.js';
import { act, call, json } from './support/simulator-client.js';

const V2 = 'resource=2.0';

let am: AmSimulator;
let token: string;

beforeEach(async () => {
  am = await createAmSimulator({ flavor: 'openam' });
  token = am.login();
});
afterEach(() => am.close());

const idleS = (): number | undefined => am.sessions[0]?.idleS;
const last = () => am.journal.at(-1);

test('the journal tells which requests reset the idle time: all that AM reads a token of', async () => {
  am.advance(10);
  await act(am, 'getSessionInfo', token, { version: V2 });
  expect(idleS()).toBeLessThan(5);
  expect(last()).toMatchObject({ outcome: 'alive', reset: true });

  am.advance(10);
  expect((await act(am, 'refresh', token, { version: V2 })).status).toBe(403);
  expect(idleS()).toBeLessThan(5);
  expect(last()).toMatchObject({ outcome: 'refused', reset: true });

  am.advance(10);
  await call(`${am.url}/json/serverinfo/*`, { headers: { iPlanetDirectoryPro: token } });
  expect(idleS()).toBeLessThan(5);
  expect(last()).toMatchObject({ action: 'serverinfo', outcome: 'served', reset: true });

  am.advance(10);
  await act(am, 'getSessionInfo', 'dead', { version: V2 });
  expect(idleS()).toBeGreaterThanOrEqual(10);
  expect(last()).toMatchObject({ outcome: 'dead', reset: false });
});

test('a damaged token ends nothing and is named as such', async () => {
  expect((await act(am, 'logout', token.replace('AAJTSQ', 'AAJTSR'), { version: V2 })).status).toBe(500);
  expect(last()).toMatchObject({ action: 'logout', outcome: 'damaged', reset: false });
  expect(am.sessions).toHaveLength(1);
});

test('an AM that lost its sessions says valid: false', async () => {
  am.killSessions();
  const reply = await act(am, 'validate', token, { version: 'resource=1.0' });
  expect([reply.status, json(reply)]).toEqual([200, { valid: false }]);
});

test('without hostNames any Host will do', async () => {
  const reply = await call(`${am.url}/json/serverinfo/*`, { headers: { Host: 'any.example' } });
  expect(reply.status).toBe(200);
});
