// What AM's answers mean: alive, dead, refused or unknown.

import { describe, expect, test } from 'vitest';
import fc from 'fast-check';
import { readLogoutAnswer, readServerInfo, readSessionAnswer, type AmReply } from '../src/am/answers.js';

const sentAt = 10_000;
const repliedAt = 10_050;

function reply(status: number, body: unknown, more: Partial<AmReply> = {}): AmReply {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return { status, date: undefined, retryAfter: undefined, setCookies: [], body: text, sentAt, repliedAt, ...more };
}

const accessDenied = { code: 401, reason: 'Unauthorized', message: 'Access Denied' };
const html = '<!doctype html><title>401</title><h1>Who are you?</h1>';

describe('a session is alive', () => {
  test('by uid and realm, as a refresh answers', () => {
    expect(readSessionAnswer(reply(200, { uid: 'demo', realm: '/alpha' }))).toEqual({
      kind: 'alive',
      username: 'demo',
      realm: '/alpha',
      idleS: undefined,
      maxIdleS: undefined,
      idleDeadline: Infinity,
      maxDeadline: Infinity,
      sentAt,
      repliedAt,
    });
  });

  test.each([
    ['by username and realm, as getSessionInfo answers', { username: 'demo', realm: '/' }, 'demo'],
    ['by valid: true beside them', { valid: true, uid: 'demo', realm: '/' }, 'demo'],
    ['by uid where both are given', { uid: 'demo', username: 'other', realm: '/' }, 'demo'],
    ['by username where uid is empty', { uid: '', username: 'demo', realm: '/' }, 'demo'],
    ['whatever letters the name has', { uid: 'Zoë 😀\u0000', realm: '/' }, 'Zoë 😀\u0000'],
  ])('%s', (_title, body, username) => {
    expect(readSessionAnswer(reply(200, body))).toMatchObject({ kind: 'alive', username });
  });
});

describe('a session is dead', () => {
  test.each([
    ["by AM's 401", 401, accessDenied],
    ['by 401 with nothing but the code', 401, { code: 401 }],
    ['by 200 with valid: false', 200, { valid: false }],
    ['by valid: false whatever else is said', 200, { valid: false, uid: 'demo', realm: '/' }],
  ])('%s', (_title, status, body) => {
    expect(readSessionAnswer(reply(status, body))).toEqual({ kind: 'dead' });
    expect(readLogoutAnswer(reply(status, body))).toEqual({ kind: 'dead' });
  });
});

describe('nothing is known of a session', () => {
  test.each([
    ['401 of a gateway, HTML', 401, html],
    ['401 without a body', 401, ''],
    ['401 as JSON without a code', 401, { message: 'Unauthorized' }],
    ['401 with a code that is text', 401, { code: '401' }],
    ['401 with another code', 401, { code: 403 }],
    ['401 in an array', 401, [accessDenied]],
    ['401 that breaks off', 401, '{"code":401,"reason":"Unauth'],
    ['401 as a JSON number', 401, '401'],
    ['200 without a body', 200, ''],
    ['200 with a login page', 200, html],
    ['200 with an empty object', 200, {}],
    ['200 with null', 200, 'null'],
    ['200 with an array', 200, [{ uid: 'demo', realm: '/' }]],
    ['200 with a string', 200, '"demo"'],
    ['200 that breaks off', 200, '{"uid":"demo","realm":"/"'],
    ['200 without a realm', 200, { uid: 'demo' }],
    ['200 with an empty realm', 200, { uid: 'demo', realm: '' }],
    ['200 without a user', 200, { realm: '/' }],
    ['200 with a user that is no text', 200, { uid: 7, realm: '/' }],
    ['200 with valid: true alone', 200, { valid: true }],
    ['200 with valid: "false"', 200, { valid: 'false' }],
    ['200 with an error in it', 200, accessDenied],
    ['201 with what would be alive', 201, { uid: 'demo', realm: '/' }],
    ['204', 204, ''],
    ['301', 301, ''],
    ['302', 302, html],
    ['304', 304, ''],
    ['408', 408, { code: 408 }],
    ['429', 429, { code: 429 }],
    ['500 without a body, as to a damaged token', 500, ''],
    ['500 with valid: false', 500, { valid: false }],
    ['502', 502, html],
    ['503', 503, { code: 503 }],
    ['503 that claims 401', 503, accessDenied],
    ['599', 599, ''],
  ])('by %s', (_title, status, body) => {
    const unknown = { kind: 'unknown', cause: 'bad-answer', detail: `HTTP ${status}`, retryAfterS: undefined };
    expect(readSessionAnswer(reply(status, body))).toEqual(unknown);
    expect(readLogoutAnswer(reply(status, body))).toEqual(unknown);
    expect(readServerInfo(reply(status, body))).toEqual(unknown);
  });
});

test.each([400, 402, 403, 404, 405, 409, 412, 415, 431, 451, 499, 501])(
  '%i is a refusal, be it JSON, HTML or empty',
  (status) => {
    for (const body of [JSON.stringify({ code: status }), html, '', JSON.stringify(accessDenied), '{"valid":false}']) {
      expect(readSessionAnswer(reply(status, body))).toEqual({ kind: 'refused', status });
      expect(readLogoutAnswer(reply(status, body))).toEqual({ kind: 'refused', status });
      expect(readServerInfo(reply(status, body))).toEqual({ kind: 'refused', status });
    }
  },
);

describe('Retry-After', () => {
  const date = 'Sun, 22 Nov 2026 10:00:00 GMT';

  test.each([
    ['5', 5],
    [' 120 ', 120],
    ['0', 0],
    ['Sun, 22 Nov 2026 10:01:30 GMT', 90],
    ['Sun, 22 Nov 2026 09:00:00 GMT', undefined],
    ['-5', undefined],
    ['1.5', undefined],
    ['1e3', undefined],
    ['9'.repeat(400), undefined],
    ['soon', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('%j on a 503 means %j seconds', (retryAfter, seconds) => {
    expect(readSessionAnswer(reply(503, '', { retryAfter, date }))).toMatchObject({ retryAfterS: seconds });
  });

  test('as a date counts on the clock of AM, and for nothing without it', () => {
    const retryAfter = 'Sun, 22 Nov 2026 10:01:30 GMT';
    expect(readSessionAnswer(reply(503, '', { retryAfter }))).toMatchObject({ retryAfterS: undefined });
  });

  test('also counts on a 429', () => {
    expect(readSessionAnswer(reply(429, '', { retryAfter: '7' }))).toMatchObject({ kind: 'unknown', retryAfterS: 7 });
  });
});

describe('the answer to a logout', () => {
  test('is the end, with the cookies that AM clears', () => {
    const setCookies = ['iPlanetDirectoryPro=LOGOUT; Path=/', 'amlbcookie=; Max-Age=0'];
    const answer = readLogoutAnswer(reply(200, { result: 'Successfully logged out' }, { setCookies }));
    expect(answer).toEqual({ kind: 'ended', setCookies });
  });

  test('may name a page to go on to', () => {
    const body = { result: 'Successfully logged out', goto: 'https://example.com' };
    expect(readLogoutAnswer(reply(200, body))).toMatchObject({ kind: 'ended' });
  });

  test.each([
    ['says nothing', {}],
    ['says it with another type', { result: true }],
    ['is that to another question', { uid: 'demo', realm: '/' }],
  ])('is no end if it %s', (_title, body) => {
    expect(readLogoutAnswer(reply(200, body))).toMatchObject({ kind: 'unknown', cause: 'bad-answer' });
  });
});

describe('server information', () => {
  test('names the cookie and its domains', () => {
    const body = { cookieName: 'iPlanetDirectoryPro', domains: ['example.org', '.example.com'], realm: '/' };
    expect(readServerInfo(reply(200, body))).toEqual({
      kind: 'server-info',
      cookieName: 'iPlanetDirectoryPro',
      domains: ['example.org', '.example.com'],
    });
  });

  test.each([[[]], [['']], [[null]], [null], [undefined], ['example.org'], [[7, {}]]])(
    'has no domains where AM says %j',
    (domains) => {
      expect(readServerInfo(reply(200, { cookieName: 'sso', domains }))).toMatchObject({ domains: [] });
    },
  );

  test.each([undefined, null, 7, '', 'two words', 'a=b', 'a;b', 'a\r\nX: y', 'a:b', 'ü', 'x'.repeat(257)])(
    'with the cookie name %j is a bad answer: the name becomes that of a header',
    (cookieName) => {
      expect(readServerInfo(reply(200, { cookieName, domains: [] }))).toMatchObject({ kind: 'unknown' });
    },
  );

  test.each([
    ['401', 401, accessDenied],
    ['valid: false', 200, { valid: false }],
  ])('that is %s is a bad answer: no session was asked about', (_title, status, body) => {
    expect(readServerInfo(reply(status, body))).toMatchObject({ kind: 'unknown', cause: 'bad-answer' });
  });
});

describe('whatever AM sends', () => {
  const json = fc.oneof(
    fc.json(),
    fc
      .record(
        {
          code: fc.oneof(fc.constant(401), fc.jsonValue()),
          valid: fc.oneof(fc.boolean(), fc.jsonValue()),
          uid: fc.oneof(fc.constant('demo'), fc.jsonValue()),
          realm: fc.oneof(fc.constant('/'), fc.jsonValue()),
          idletime: fc.oneof(fc.double(), fc.jsonValue()),
          maxidletime: fc.oneof(fc.double(), fc.jsonValue()),
          maxtime: fc.oneof(fc.double(), fc.jsonValue()),
          latestAccessTime: fc.oneof(fc.constant('2026-11-22T10:00:00Z'), fc.jsonValue()),
          maxIdleExpirationTime: fc.oneof(fc.constant('2026-11-22T10:30:00Z'), fc.jsonValue()),
          maxSessionExpirationTime: fc.oneof(fc.constant('2026-11-22T12:00:00Z'), fc.jsonValue()),
          result: fc.jsonValue(),
          cookieName: fc.jsonValue(),
          domains: fc.jsonValue(),
        },
        { requiredKeys: [] },
      )
      .map((value) => JSON.stringify(value)),
    fc.constantFrom('{"uid":"demo","realm":"/","idletime":1e999,"maxidletime":1e999,"maxtime":1e999}'),
  );
  const replies = fc.record({
    status: fc.oneof(fc.constantFrom(200, 401), fc.integer({ min: 100, max: 999 })),
    body: fc.oneof(json, fc.string()),
    date: fc.option(fc.constantFrom('Sun, 22 Nov 2026 10:00:00 GMT', 'yesterday', ''), { nil: undefined }),
    retryAfter: fc.option(fc.string(), { nil: undefined }),
    setCookies: fc.constant([]),
    sentAt: fc.constant(sentAt),
    repliedAt: fc.constant(repliedAt),
  });

  test('no reader throws, only the two rules make dead, and every time is a number', () => {
    fc.assert(
      fc.property(replies, (given) => {
        const answers = [readSessionAnswer(given), readLogoutAnswer(given), readServerInfo(given)];
        const body = parsed(given.body);
        for (const { kind } of answers) {
          if (kind === 'dead') {
            const byCode = given.status === 401 && body?.['code'] === 401;
            expect(byCode || (given.status === 200 && body?.['valid'] === false)).toBe(true);
          }
          if (kind === 'alive' || kind === 'ended' || kind === 'server-info') expect(given.status).toBe(200);
          if (kind !== 'unknown' && kind !== 'refused') expect(body).toBeTypeOf('object');
        }
        const [session] = answers;
        if (session?.kind !== 'alive') return;
        for (const time of [session.idleDeadline, session.maxDeadline]) expect(time).not.toBeNaN();
        for (const time of [session.idleS, session.maxIdleS]) expect(time ?? 0).toBeGreaterThanOrEqual(0);
      }),
      { numRuns: 3_000 },
    );
  });

  function parsed(text: string): Record<string, unknown> | undefined {
    try {
      return JSON.parse(text) as Record<string, unknown>;
    } catch {
      return undefined;
    }
  }
});
