// The control endpoints: what the library offers, over HTTP, for programs on this machine alone.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isLocalCaller } from '../src/simulator/control.js';
import { type AmSimulator, createAmSimulator } from '../src/simulator/index.js';
import { act, call, json } from './support/simulator-client.js';

let am: AmSimulator;

beforeEach(async () => {
  am = await createAmSimulator();
});
afterEach(() => am.close());

const send = (path: string, method = 'GET', body?: unknown) =>
  call(am.url + path, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) });

test('the journal is read and cleared, and does not note these requests', async () => {
  await act(am, 'refresh', am.login());
  expect(json(await send('/__journal'))).toMatchObject([{ action: 'refresh', outcome: 'ignored' }]);
  expect((await send('/__journal', 'DELETE')).status).toBe(204);
  expect(json(await send('/__journal'))).toEqual([]);
  expect(am.journal).toEqual([]);
});

test('faults are set one by one or as a list, shown and cleared', async () => {
  const token = am.login();
  const one = await send('/__faults', 'POST', { kind: 'status', status: 503, token });
  expect(json(one)).toEqual([{ id: 1, hits: 0, kind: 'status', status: 503, session: am.hash(token) }]);
  await send('/__faults', 'POST', [
    { kind: 'hang', action: 'logout' },
    { kind: 'empty', action: 'validate' },
  ]);
  expect((await act(am, 'refresh', token)).status).toBe(503);
  expect(json(await send('/__faults'))).toMatchObject([{ hits: 1 }, { kind: 'hang' }, { kind: 'empty' }]);
  expect((await send('/__faults', 'DELETE')).status).toBe(204);
  expect((await act(am, 'refresh', token)).status).toBe(200);
});

test('the clock is read and advanced', async () => {
  const token = am.login();
  const { ms } = json<{ ms: number }>(await send('/__clock'));
  const after = json<{ ms: number; now: string }>(await send('/__clock', 'POST', { advance: 3600 }));
  expect(after.ms - ms).toBeGreaterThanOrEqual(3_600_000);
  expect(Date.parse(after.now)).toBe(after.ms);
  expect((await act(am, 'refresh', token)).status).toBe(401);
});

test('the sessions are shown by hash, and killed', async () => {
  const token = am.login('demo', '/bravo');
  const reply = await send('/__sessions');
  expect(json(reply)).toMatchObject([{ session: am.hash(token), username: 'demo', realm: '/bravo', idleS: 0 }]);
  expect(reply.text).not.toContain(token);
  await send('/__sessions', 'DELETE');
  expect((await act(am, 'refresh', token)).status).toBe(401);
});

test.each([
  ['/__faults', 'POST', { kind: 'explode' }, /kind: expected one of/],
  ['/__faults', 'POST', [{ kind: 'hang' }, { kind: 'hang', count: -1 }], /count: expected/],
  ['/__faults', 'POST', null, /a fault is an object/],
  ['/__clock', 'POST', {}, /expected \{"advance": seconds\}/],
  ['/__clock', 'POST', { advance: -5 }, /from 0 to 1000000000, not -5/],
  ['/__clock', 'POST', { advance: 1e300 }, /from 0 to/],
])('%s %s %j is 400 and says why', async (path, method, body, message) => {
  const reply = await send(path, method, body);
  expect(reply.status).toBe(400);
  expect(json(reply)).toEqual({ error: expect.stringMatching(message) });
  expect(json(await send('/__faults'))).toEqual([]);
});

test('bad JSON, other methods and other paths are refused', async () => {
  const bad = await call(`${am.url}/__faults`, { method: 'POST', body: '{' });
  expect([bad.status, json(bad)]).toEqual([400, { error: 'the body is not JSON' }]);
  const large = await call(`${am.url}/__faults`, { method: 'POST', body: 'x'.repeat(1024 * 1024 + 1) });
  expect(large.status).toBe(413);
  expect((await send('/__clock', 'DELETE')).status).toBe(405);
  expect((await send('/__nothing')).status).toBe(404);
});

const from = (remoteAddress: string, headers: Record<string, string>): boolean =>
  isLocalCaller({ socket: { remoteAddress }, headers });

describe('who may call', () => {
  test.each(['127.0.0.1:8080', 'localhost:8080', '[::1]:8080', 'am.localhost'])('Host %s may', (host) => {
    expect(from('127.0.0.1', { host })).toBe(true);
  });

  test.each(['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', '', 'a b'])(
    'Host "%s" may not',
    (host) => {
      expect(from('127.0.0.1', { host })).toBe(false);
    },
  );

  test('another machine may not, nor a page of another site', () => {
    const host = '127.0.0.1:8080';
    expect(from('192.0.2.1', { host })).toBe(false);
    expect(from('::ffff:127.0.0.1', { host })).toBe(true);
    expect(from('127.0.0.1', { host, origin: 'https://evil.example' })).toBe(false);
    expect(from('127.0.0.1', { host, origin: 'http://localhost:3000' })).toBe(true);
  });

  test('a rebound name is refused on the wire', async () => {
    expect((await call(`${am.url}/__journal`, { headers: { Host: 'rebound.example' } })).status).toBe(403);
  });
});
