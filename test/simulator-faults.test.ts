// Faults: each kind on a real socket, and the rules that say which requests they meet.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type AmSimulator, createAmSimulator, type FaultRule } from '../src/simulator/index.js';
import { act, call, json, mistyped } from './support/simulator-client.js';

let am: AmSimulator;
let token: string;

beforeEach(async () => {
  am = await createAmSimulator({ updateFrequencyS: 2 });
  token = am.login();
  am.advance(10);
});
afterEach(() => am.close());

const refresh = (options?: Parameters<typeof act>[3]) => act(am, 'refresh', token, options);
const idleS = (): number | undefined => am.sessions[0]?.idleS;

describe('kinds', () => {
  test('status: with body, headers and type of one’s own', async () => {
    am.fault({ kind: 'status', status: 429, body: { code: 429 }, headers: { 'Retry-After': '7' } });
    const reply = await refresh();
    expect([reply.status, json(reply), reply.headers['retry-after']]).toEqual([429, { code: 429 }, '7']);
    expect(reply.headers['content-type']).toBe('application/json;charset=UTF-8');
    am.clearFaults();
    am.fault({ kind: 'status', body: 'gone', contentType: 'text/plain' });
    const plain = await refresh();
    expect([plain.status, plain.text, plain.headers['content-type']]).toEqual([500, 'gone', 'text/plain']);
  });

  test('hang: no answer, until the caller gives up', async () => {
    am.fault({ kind: 'hang' });
    await expect(refresh({ signal: AbortSignal.timeout(100) })).rejects.toThrow();
    await expect.poll(() => am.journal[0]).toMatchObject({ aborted: true, outcome: 'faulted', fault: 'hang' });
    expect(am.journal[0]?.status).toBeUndefined();
    expect(am.journal[0]?.finishedAt).toBeDefined();
  });

  test('reset: the connection is cut', async () => {
    am.fault({ kind: 'reset' });
    await expect(refresh()).rejects.toMatchObject({ code: 'ECONNRESET' });
  });

  test('garbage: said to be JSON, but is none', async () => {
    am.fault({ kind: 'garbage' });
    const reply = await refresh();
    expect(reply.status).toBe(200);
    expect(reply.headers['content-type']).toMatch(/json/);
    expect(() => json(reply)).toThrow(SyntaxError);
  });

  test('html: the page of a gateway, at any status', async () => {
    am.fault({ kind: 'html', status: 401 });
    const reply = await refresh();
    expect(reply.status).toBe(401);
    expect(reply.headers['content-type']).toMatch(/^text\/html/);
    expect(reply.text).toMatch(/^<!doctype html>/);
  });

  test('empty: 200 and nothing', async () => {
    am.fault({ kind: 'empty' });
    const reply = await refresh();
    expect([reply.status, reply.text]).toEqual([200, '']);
  });

  test('redirect: to the login page, or elsewhere', async () => {
    am.fault({ kind: 'redirect', count: 1 });
    const reply = await refresh();
    expect([reply.status, reply.headers.location]).toEqual([302, '/am/XUI/?realm=%2F']);
    am.fault({ kind: 'redirect', status: 307, location: 'https://other.example/' });
    expect((await refresh()).headers.location).toBe('https://other.example/');
  });

  test('huge: megabytes of JSON', async () => {
    am.fault({ kind: 'huge', megabytes: 3 });
    const reply = await refresh();
    expect(reply.text.length).toBeGreaterThan(3 * 1024 * 1024);
    expect(json(reply)).toHaveProperty('padding');
  });

  test('slow: AM works at once, its answer takes its time', async () => {
    am.fault({ kind: 'slow', delayMs: 150 });
    const before = performance.now();
    const pending = refresh();
    await expect.poll(idleS, { interval: 5 }).toBe(0);
    const worked = performance.now();
    const reply = await pending;
    expect(performance.now() - before).toBeGreaterThanOrEqual(145);
    expect(worked - before).toBeLessThan(145);
    expect([reply.status, json(reply)]).toMatchObject([200, { idletime: 0 }]);
    expect(am.journal[0]).toMatchObject({ outcome: 'obeyed', fault: 'slow', aborted: false });
  });

  test('truncated: AM works, the connection dies in the middle of its answer', async () => {
    am.fault({ kind: 'truncated' });
    await expect(refresh()).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(idleS()).toBe(0);
    await expect
      .poll(() => am.journal[0])
      .toMatchObject({ status: 200, outcome: 'obeyed', fault: 'truncated', aborted: true });
  });

  test('drip: byte after byte, and in the end the whole', async () => {
    am.fault({ kind: 'drip', intervalMs: 1 });
    const before = performance.now();
    const reply = await refresh();
    expect(json(reply)).toMatchObject({ uid: 'demo' });
    expect(performance.now() - before).toBeGreaterThan(reply.text.length);
  });
});

describe('rules', () => {
  test('AM does nothing before most faults, unless the rule says obey', async () => {
    const lost = am.fault({ kind: 'reset' });
    await expect(refresh()).rejects.toThrow();
    expect(idleS()).toBeGreaterThanOrEqual(10);
    lost.clear();
    am.fault({ kind: 'reset', obey: true });
    await expect(refresh()).rejects.toThrow();
    expect(idleS()).toBe(0);
    expect(am.journal.map(({ outcome }) => outcome)).toEqual(['faulted', 'obeyed']);
  });

  test('an action meets its own requests alone', async () => {
    am.fault({ kind: 'status', status: 503, action: 'logout' });
    expect((await refresh()).status).toBe(200);
    expect((await act(am, 'LOGOUT', token)).status).toBe(503);
    expect((await call(`${am.url}/json/serverinfo/*`)).status).toBe(200);
    am.fault({ kind: 'status', status: 502, action: 'serverinfo' });
    expect((await call(`${am.url}/json/serverinfo/*`)).status).toBe(502);
  });

  test('a token or its hash meets that session alone', async () => {
    const other = am.login();
    const fault = am.fault({ kind: 'status', status: 503, token });
    expect(JSON.stringify(fault.rule)).not.toContain(token);
    expect((await refresh()).status).toBe(503);
    expect((await act(am, 'refresh', other)).status).toBe(200);
    fault.clear();
    am.fault({ kind: 'status', status: 503, session: am.hash(other) });
    expect((await refresh()).status).toBe(200);
    expect((await act(am, 'refresh', other)).status).toBe(503);
  });

  test('a count runs out, then the next rule has its turn', async () => {
    const first = am.fault({ kind: 'status', status: 503, count: 2 });
    am.fault({ kind: 'status', status: 502, count: 1 });
    const seen: number[] = [];
    for (let i = 0; i < 4; i += 1) seen.push((await refresh()).status);
    expect(seen).toEqual([503, 503, 502, 200]);
    expect(first.hits).toBe(2);
  });

  test.each([
    [{}, /kind: missing/],
    [{ kind: 'explode' }, /kind: expected one of status, hang/],
    [{ kind: 'hang', actoin: 'refresh' }, /actoin: no such property/],
    [{ kind: 'status', status: 42, count: 0 }, /status: expected .*42\n {2}count: expected/],
    [{ kind: 'status', headers: { 'Bad Name': 'x' } }, /headers: expected/],
    [{ kind: 'hang', session: 'xyz' }, /session: expected a hash/],
    ['hang', /a fault is an object/],
  ])('a bad rule is refused with all its mistakes: %o', (rule, message) => {
    expect(() => am.fault(mistyped<FaultRule>(rule))).toThrow(message);
  });
});

test('latency holds back every answer', async () => {
  const slow = await createAmSimulator({ latencyMs: 80 });
  try {
    const before = performance.now();
    await call(`${slow.url}/isAlive.jsp`);
    expect(performance.now() - before).toBeGreaterThanOrEqual(75);
  } finally {
    await slow.close();
  }
});
