// When a session ends, by what AM says: on our monotonic clock, whatever AM's own clock shows.

import { describe, expect, test } from 'vitest';
import { readSessionAnswer, type Alive } from '../src/am/answers.js';

const sentAt = 10_000;
const repliedAt = 10_050;
const nothing = { idleS: undefined, maxIdleS: undefined, idleDeadline: Infinity, maxDeadline: Infinity };

function read(fields: Readonly<Record<string, unknown>> | string, date?: string): Alive {
  const body = typeof fields === 'string' ? fields : JSON.stringify({ uid: 'demo', realm: '/', ...fields });
  const answer = readSessionAnswer({
    status: 200,
    date,
    retryAfter: undefined,
    setCookies: [],
    body,
    sentAt,
    repliedAt,
  });
  if (answer.kind !== 'alive') throw new Error(answer.kind);
  return answer;
}

describe('the answer to a refresh', () => {
  test('has idletime and maxtime in seconds, maxidletime in minutes', () => {
    expect(read({ idletime: 12, maxidletime: 30, maxsessiontime: 120, maxtime: 7_000 })).toMatchObject({
      idleS: 12,
      maxIdleS: 1_800,
      idleDeadline: repliedAt + (1_800 - 12) * 1000,
      maxDeadline: sentAt + 7_000_000,
    });
  });

  test('counts without a Date, and is not changed by one', () => {
    const fields = { idletime: 0, maxidletime: 30, maxtime: 7_199 };
    expect(read(fields, 'Thu, 01 Jan 1970 00:00:00 GMT')).toEqual(read(fields));
  });

  test.each([
    ['idletime alone', { idletime: 5 }, { ...nothing, idleS: 5 }],
    [
      'no idletime: the full idle time',
      { maxidletime: 1, maxtime: 60 },
      { idleS: undefined, maxIdleS: 60, idleDeadline: repliedAt + 60_000, maxDeadline: sentAt + 60_000 },
    ],
    ['maxtime alone', { maxtime: 60 }, { ...nothing, maxDeadline: sentAt + 60_000 }],
    [
      'fractions',
      { idletime: 0.5, maxidletime: 0.1, maxtime: 7.25 },
      { idleS: 0.5, maxIdleS: 6, idleDeadline: repliedAt + 5_500, maxDeadline: sentAt + 7_250 },
    ],
    [
      'an idle time beyond the longest',
      { idletime: 100, maxidletime: 1, maxtime: 60 },
      { idleS: 100, idleDeadline: repliedAt - 40_000 },
    ],
    ['negative numbers', { idletime: -1, maxidletime: -30, maxtime: -1 }, nothing],
    ['text', { idletime: '0', maxidletime: '30', maxtime: '7199' }, nothing],
    ['null', { idletime: null, maxidletime: null, maxtime: null }, nothing],
    ['no time left', { idletime: 0, maxtime: 0 }, { idleS: 0, maxDeadline: sentAt }],
  ])('with %s', (_title, fields, expected) => {
    expect(read(fields)).toMatchObject(expected);
  });

  test('may say "never" with huge numbers', () => {
    const never = read({ idletime: 0, maxidletime: 1.5e17, maxsessiontime: 1.5e17, maxtime: Number.MAX_SAFE_INTEGER });
    const inAThousandYears = 1000 * 365 * 24 * 60 * 60 * 1000;
    expect(never.idleDeadline).toBeGreaterThan(inAThousandYears);
    expect(never.maxDeadline).toBeGreaterThan(inAThousandYears);
  });

  test('with numbers beyond all numbers says nothing', () => {
    expect(read('{"uid":"demo","realm":"/","idletime":1e999,"maxidletime":1e999,"maxtime":1e999}')).toMatchObject(
      nothing,
    );
  });
});

describe('the answer to getSessionInfo', () => {
  const times = {
    latestAccessTime: '2026-11-22T10:00:00Z',
    maxIdleExpirationTime: '2026-11-22T10:30:00Z',
    maxSessionExpirationTime: '2026-11-22T12:00:00Z',
  };
  const date = 'Sun, 22 Nov 2026 10:00:20 GMT';
  const expected = {
    idleS: 20,
    maxIdleS: 1_800,
    // never before AM's own idle deadline, never after its maximum: Date may be a second behind
    idleDeadline: repliedAt + (1_800 - 20) * 1000,
    maxDeadline: sentAt + (7_200 - 20 - 1) * 1000,
  };

  test('has absolute times, read with the Date of the same answer', () => {
    expect(read(times, date)).toMatchObject(expected);
  });

  test.each([-26, -3, 5, 24 * 365 * 40])('means the same with a clock of AM that is %i hours wrong', (hours) => {
    const shift = (time: string) => new Date(Date.parse(time) + hours * 3_600_000);
    const shifted = Object.fromEntries(Object.entries(times).map(([name, time]) => [name, shift(time).toISOString()]));
    expect(read(shifted, shift(date).toUTCString())).toMatchObject(expected);
  });

  test('without a Date tells the longest idle time, and no deadline', () => {
    expect(read(times)).toMatchObject({ ...nothing, maxIdleS: 1_800 });
    expect(read(times, 'yesterday')).toMatchObject({ ...nothing, maxIdleS: 1_800 });
  });

  test.each([
    ['the maximum alone', { maxSessionExpirationTime: times.maxSessionExpirationTime }, { idleDeadline: Infinity }],
    ['the idle end alone', { maxIdleExpirationTime: times.maxIdleExpirationTime }, { idleS: undefined }],
    ['the latest access alone', { latestAccessTime: times.latestAccessTime }, { ...nothing, idleS: 20 }],
    ['no times', {}, nothing],
    ['times that are none', { latestAccessTime: 'now', maxIdleExpirationTime: 7 }, nothing],
    [
      'fractions of a second',
      { latestAccessTime: '2026-11-22T10:00:00.250Z', maxIdleExpirationTime: '2026-11-22T10:30:00.250Z' },
      { idleS: 20, maxIdleS: 1_800, idleDeadline: repliedAt + 1_780_250 },
    ],
    ['an access that is not yet', { latestAccessTime: '2026-11-22T10:00:21Z' }, { idleS: 0 }],
    [
      'an idle end before the access',
      { ...times, maxIdleExpirationTime: '2026-11-22T09:00:00Z' },
      { maxIdleS: undefined },
    ],
  ])('with %s', (_title, fields, partly) => {
    expect(read(fields, date)).toMatchObject(partly);
  });
});
