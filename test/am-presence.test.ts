// Whether AM is there: one line per change, and nobody can make it look away with a token that he made up.

import { describe, expect, test } from 'vitest';
import { unknown, type UnknownCause } from '../src/am/answers.js';
import { createPresence } from '../src/am/presence.js';
import { recordingLogger } from './support/log.js';
import { createVirtualClock } from './support/virtual-clock.js';

function start(flavor: 'ping' | 'openam' = 'ping') {
  const log: string[] = [];
  const clock = createVirtualClock(0);
  const presence = createPresence({ log: recordingLogger(log), clock, flavor, url: 'http://am.test/am' });
  return { presence, log, clock };
}

function lines(log: readonly string[]): unknown[] {
  return log.map((line) => JSON.parse(line) as unknown);
}

test('at first nothing is known, and the first answer is no news', () => {
  const { presence, log } = start();
  expect(presence.state).toBe('starting');
  presence.answered();
  expect(presence.state).toBe('up');
  expect(log).toEqual([]);
});

test('going away and coming back are one line each, whatever happens between', () => {
  const { presence, log } = start();
  presence.answered();
  for (let i = 0; i < 100; i++) presence.failed(unknown('connect', 'ECONNREFUSED'), true);
  presence.failed(unknown('timeout', 'timeout'), true);
  expect(presence.state).toBe('away');
  for (let i = 0; i < 100; i++) presence.answered();
  expect(presence.state).toBe('up');
  expect(lines(log)).toEqual([
    expect.objectContaining({ level: 'warn', am: 'away', cause: 'connect', detail: 'ECONNREFUSED' }),
    { level: 'warn', message: 'AM answers again', am: 'up', url: 'http://am.test/am', forS: 0, failed: 101 },
  ]);
});

describe.each<[UnknownCause, trusted: string, stranger: string]>([
  ['connect', 'away', 'away'],
  ['timeout', 'away', 'up'],
  ['reset', 'away', 'up'],
  ['bad-answer', 'away', 'up'],
  ['busy', 'up', 'up'],
  ['aborted', 'up', 'up'],
])('a failure by %s', (cause, trusted, stranger) => {
  test(`means ${trusted} for a token that AM confirmed before, and is said if it lasts`, async () => {
    const { presence, log, clock } = start();
    presence.answered();
    presence.failed(unknown(cause, 'HTTP 500'), true);
    expect(presence.state).toBe(trusted);
    await clock.advance(5_000);
    expect(log).toHaveLength(trusted === 'away' ? 1 : 0);
  });

  test(`means ${stranger} for a token never seen alive`, () => {
    const { presence, log } = start();
    presence.answered();
    presence.failed(unknown(cause, 'HTTP 500'), false);
    expect(presence.state).toBe(stranger);
    expect(log).toHaveLength(cause === 'busy' || cause === 'aborted' ? 0 : 1);
  });
});

test('failures for tokens never seen alive are said once a minute at most, and name AM', async () => {
  const { presence, log, clock } = start();
  for (let s = 0; s < 150; s++) {
    presence.failed(unknown('bad-answer', 'HTTP 503'), false);
    await clock.advance(1_000);
  }
  expect(log).toHaveLength(3);
  expect(lines(log)[0]).toMatchObject({ level: 'warn', detail: 'HTTP 503', url: 'http://am.test/am' });
});

test.each([
  ['connect', 'EPROTO', 'https'],
  ['connect', 'DEPTH_ZERO_SELF_SIGNED_CERT', 'NODE_EXTRA_CA_CERTS'],
  ['bad-answer', 'HTTP 200', 'AM_URL'],
] as const)('%s %s comes with a hint at %s', (cause, detail, hint) => {
  const { presence, log } = start();
  presence.failed(unknown(cause, detail), true);
  expect(lines(log)).toMatchObject([{ hint: expect.stringContaining(hint) as string }]);
});

test('a failure from the start is said, too', () => {
  const { presence, log } = start();
  presence.failed(unknown('connect', 'ENOTFOUND'), true);
  expect(presence.state).toBe('away');
  expect(log).toHaveLength(1);
});

describe('a refusal', () => {
  test('is an answer: AM is there', () => {
    const { presence, log } = start();
    presence.failed(unknown('connect', 'ECONNREFUSED'), true);
    presence.refused('refresh', { kind: 'refused', status: 403 }, true);
    expect(presence.state).toBe('up');
    expect(lines(log)[1]).toMatchObject({ message: 'AM answers again' });
  });

  test('is said once per action and status, as an error', () => {
    const { presence, log } = start();
    for (let i = 0; i < 100; i++) {
      presence.refused('refresh', { kind: 'refused', status: 403 }, true);
      presence.refused('refresh', { kind: 'refused', status: 404 }, false);
      presence.refused('logout', { kind: 'refused', status: 403 }, true);
    }
    expect(lines(log)).toMatchObject([
      { level: 'error', action: 'refresh', status: 403 },
      { level: 'error', action: 'refresh', status: 404 },
      { level: 'error', action: 'logout', status: 403 },
    ]);
  });

  test('is said again after ten minutes if it goes on', async () => {
    const { presence, log, clock } = start();
    for (let minute = 0; minute < 25; minute++) {
      presence.refused('refresh', { kind: 'refused', status: 403 }, true);
      await clock.advance(60_000);
    }
    expect(log).toHaveLength(3);
  });

  test('of a token never seen alive does not make AM come back', () => {
    const { presence } = start();
    presence.failed(unknown('connect', 'ECONNREFUSED'), true);
    presence.refused('refresh', { kind: 'refused', status: 400 }, false);
    expect(presence.state).toBe('away');
  });

  test.each([
    ['ping', 'refresh', 400, 'AM_PUBLIC_URL'],
    ['ping', 'serverinfo', 400, 'AM_PUBLIC_URL'],
    ['ping', 'refresh', 403, 'AM_FLAVOR (am.flavor) to openam'],
    ['ping', 'peek', 403, 'AM_COOKIE_NAME'],
    ['openam', 'refresh', 403, 'AM_COOKIE_NAME'],
    ['ping', 'peek', 404, 'AM_REALM'],
    ['ping', 'logout', 404, 'AM_FLAVOR'],
    ['ping', 'refresh', 501, 'AM_FLAVOR'],
    ['ping', 'refresh', 418, 'AM_URL'],
  ] as const)('in flavour %s of %s with %i says to set %s', (flavor, action, status, variable) => {
    const { presence, log } = start(flavor);
    presence.refused(action, { kind: 'refused', status }, false);
    expect(lines(log)).toEqual([expect.objectContaining({ hint: expect.stringContaining(variable) })]);
  });
});
