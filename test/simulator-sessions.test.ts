// AM's time rules, asked of the table of sessions directly: a virtual clock, no sockets.

import { describe, expect, test } from 'vitest';
import { createSessionTable, type Flavor } from '../src/simulator/sessions.js';

function setUp(flavor: Flavor, { updateFrequencyS = 60, maxIdleMinutes = 30, maxSessionMinutes = 120 } = {}) {
  let ms = Date.UTC(2026, 0, 1);
  const table = createSessionTable({
    flavor,
    updateFrequencyS,
    maxIdleMinutes,
    maxSessionMinutes,
    clock: { now: () => ms },
  });
  return { table, wait: (seconds: number) => (ms += seconds * 1000) };
}

describe('ping', () => {
  test('a refresh is obeyed only if MORE than the update frequency has passed', () => {
    const { table, wait } = setUp('ping');
    const token = table.login('demo');
    wait(60);
    expect(table.refresh(token)).toMatchObject({
      status: 200,
      outcome: 'ignored',
      reset: false,
      body: { idletime: 60 },
    });
    wait(1);
    expect(table.refresh(token)).toMatchObject({ status: 200, outcome: 'obeyed', reset: true, body: { idletime: 0 } });
    wait(5);
    expect(table.refresh(token)).toMatchObject({ outcome: 'ignored', body: { idletime: 5 } });
  });

  test('time is counted in whole seconds', () => {
    const { table, wait } = setUp('ping');
    wait(0.9);
    const token = table.login('demo');
    wait(60.1); // 61 on AM's clock, and only 60.1 in truth
    expect(table.refresh(token).outcome).toBe('obeyed');
    wait(60.9); // 60 on AM's clock
    expect(table.refresh(token).outcome).toBe('ignored');
  });

  test('an ignored refresh does not move the idle deadline', () => {
    const { table, wait } = setUp('ping', { maxIdleMinutes: 1 });
    const token = table.login('demo');
    wait(59);
    expect(table.refresh(token).outcome).toBe('ignored');
    wait(2);
    expect(table.refresh(token)).toMatchObject({ status: 401, outcome: 'dead' });
  });

  test('getSessionInfo does not reset the idle time, its other variant does, under the same rule', () => {
    const { table, wait } = setUp('ping');
    const token = table.login('demo');
    wait(61);
    expect(table.getSessionInfo(token).reset).toBe(false);
    expect(table.list()[0]?.idleS).toBe(61);
    expect(table.getSessionInfo(token, true).reset).toBe(true);
    expect(table.list()[0]?.idleS).toBe(0);
    wait(60);
    expect(table.getSessionInfo(token, true).reset).toBe(false);
  });

  test('validate resets the idle time unless told not to', () => {
    const { table, wait } = setUp('ping');
    const token = table.login('demo');
    wait(61);
    expect(table.validate(token, false).reset).toBe(false);
    expect(table.validate(token).reset).toBe(true);
  });
});

describe('openam', () => {
  test('every access resets the idle time, a refresh that is refused as well', () => {
    const { table, wait } = setUp('openam');
    const token = table.login('demo');
    for (const action of ['getSessionInfo', 'validate', 'refresh'] as const) {
      wait(1);
      expect(table[action](token).reset).toBe(true);
      expect(table.list()[0]?.idleS).toBe(0);
    }
  });

  test('the maximum time counts from a second before the login', () => {
    const { table } = setUp('openam');
    table.login('demo');
    expect(table.list()[0]?.leftS).toBe(120 * 60 - 1);
  });
});

describe.each(['ping', 'openam'] as const)('%s', (flavor) => {
  test('a session that is idle for exactly the maximum lives, a second more ends it', () => {
    const { table, wait } = setUp(flavor, { maxIdleMinutes: 1 });
    const exactly = table.login('demo');
    wait(60);
    expect(table.getSessionInfo(exactly).status).toBe(200);
    const longer = table.login('demo');
    wait(61);
    expect(table.getSessionInfo(longer).status).toBe(401);
  });

  test('the maximum time ends a session in constant use', () => {
    const { table, wait } = setUp(flavor, { maxIdleMinutes: 1, maxSessionMinutes: 3, updateFrequencyS: 5 });
    const token = table.login('demo');
    const answers: number[] = [];
    for (let s = 0; s < 180; s += 20) {
      wait(20);
      answers.push(table.validate(token).status);
    }
    expect(answers.slice(0, -1)).toEqual(Array.from({ length: 8 }, () => 200));
    expect(table.refresh(token).status).toBe(401);
    expect(table.list()).toEqual([]);
  });

  test('minutes may be fractions', () => {
    const { table, wait } = setUp(flavor, { maxIdleMinutes: 0.05 });
    const token = table.login('demo');
    wait(4);
    expect(table.refresh(token).status).toBe(401);
  });

  test('logout ends one session, killAll the others', () => {
    const { table } = setUp(flavor);
    const [one, two] = [table.login('demo'), table.login('demo')];
    expect(table.logout(one)).toMatchObject({ status: 200, outcome: 'ended' });
    expect(table.logout(one)).toMatchObject({ status: 401, outcome: 'dead' });
    expect(table.peek(two)).toMatchObject({ username: 'demo', realm: '/' });
    table.killAll();
    expect(table.peek(two)).toBeUndefined();
  });

  test('the list shows no token', () => {
    const { table } = setUp(flavor);
    const token = table.login('demo', '/bravo');
    expect(table.list()).toMatchObject([
      { username: 'demo', realm: '/bravo', session: expect.stringMatching(/^[0-9a-f]{16}$/) },
    ]);
    expect(JSON.stringify(table.list())).not.toContain(token);
  });
});
