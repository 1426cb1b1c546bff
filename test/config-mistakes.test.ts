// What the user is told about a configuration that cannot be used.

import { expect, test } from 'vitest';

import { ConfigError, parseConfig } from '../src/config.js';
import type { Options } from '../src/config.js';
import { optionsFromEnv } from '../src/env.js';

const AM_URL = 'https://am.example.com/am';

test('all mistakes are told at once, one line each, by the names of the environment', () => {
  const error = mistakesIn({
    AM_FLAVOR: 'pingg',
    AM_TIMEOUT_MS: 'soon',
    PROXY_ROUTES: '/api=ftp://h,/ok=http://h,/x',
    AM_REALMS: '/alpha',
  });
  expect(error).toBeInstanceOf(Error);
  expect(error.code).toBe('ERR_CONFIG');
  expect(error.message.split('\n')).toEqual([
    '6 mistakes in the configuration of am-session-proxy:',
    '  AM_REALMS is not a variable of am-session-proxy; did you mean AM_REALM?',
    expect.stringMatching(/^ {2}AM_URL is required; accepted: .*https:\/\/am\.example\.com\/am/),
    '  AM_FLAVOR=pingg is not accepted; accepted: ping or openam; did you mean ping?',
    '  AM_TIMEOUT_MS=soon is not accepted; accepted: a whole number from 1 to 600000',
    expect.stringMatching(/^ {2}PROXY_ROUTES=ftp:\/\/h has a bad target; accepted: pairs such as/),
    expect.stringMatching(/^ {2}PROXY_ROUTES=\/x has no target; accepted: pairs such as/),
  ]);
});

test('mistakes in options carry the names of options', () => {
  const error = mistakesInOptions({
    am: { url: AM_URL, timeoutMs: NaN, realm: 7, urll: 'x' },
    session: { trustS: -1, trust: 3 },
    realm: '/alpha',
    AM_REALM: '/alpha',
    trustProxy: true,
    port: null,
    routes: [{ path: '/api', target: 'http://h', auth: true }],
    nonsense: 1,
  });
  expect(error.mistakes.map(({ name, value }) => [name, value])).toEqual([
    ['am.urll', undefined],
    ['session.trust', undefined],
    ['realm', undefined],
    ['AM_REALM', undefined],
    ['nonsense', undefined],
    ['am.realm', '7'],
    ['am.timeoutMs', 'NaN'],
    ['session.trustS', '-1'],
    ['routes', '(an object)'],
    ['trustProxy', 'true'],
    ['port', 'null'],
  ]);
  expect(error.message).toContain('am.urll is not an option of am-session-proxy; did you mean am.url?');
  expect(error.message).toContain('session.trust is not an option of am-session-proxy; did you mean session.trustS?');
  expect(error.message).toMatch(/ {2}realm is not .* did you mean am\.realm\?/);
  expect(error.message).toMatch(/ {2}AM_REALM is not .* did you mean am\.realm\?/);
  expect(error.message).toMatch(/ {2}nonsense is not an option of am-session-proxy$/m);
});

test.each([[undefined], ['text'], [[]], [null]])('options that are %j are refused without a crash', (options) => {
  expect(mistakesInOptions(options).mistakes[0]?.name).toBe('options');
});

test('a group that is no object is a mistake of its own', () => {
  expect(mistakesInOptions({ am: { url: AM_URL }, session: 5 }).mistakes).toEqual([
    { name: 'session', value: '5', problem: 'is no object' },
  ]);
});

test('keys that belong to somebody else are ignored only where they are named', () => {
  const options = { am: { url: AM_URL }, logger: {}, store: {} };
  expect(parseConfig(options, ['logger', 'store']).am.url).toBe(AM_URL);
  expect(mistakesInOptions(options, ['store']).mistakes.map(({ name }) => name)).toEqual(['logger']);
});

test('an undefined option counts as not given', () => {
  const options: Options = { am: { url: AM_URL, realm: undefined }, session: undefined, port: undefined };
  expect(parseConfig(options)).toEqual(parseConfig({ am: { url: AM_URL } }));
});

test.each([
  ['AM_URL', 'https://me:hunter2@am.example.com/am'],
  ['AM_URL', 'https:/me:hunter2@am.example.com/am'],
  ['AM_URL', 'me:hunter2@am.example.com'],
  ['AM_URL', 'https://me:a@b/hunter2@am.example.com'],
  ['PROXY_ROUTES', '/api=http://me:hunter2@api.internal'],
  ['PROXY_ROUTES', '/api=http://me:hunter2,more@api.internal'],
  ['TRUSTED_ORIGINS', 'https://ok.example,https://me:hunter2@b.example'],
  ['POST_LOGOUT_URLS', 'https://me:hunter2@b.example/'],
  ['LOGIN_URL', 'https://me:hunter2@b.example/'],
  ['REDIS_URL', 'redis://:hunter2@h/not-a-number'],
  ['REDIS_URL', 'redis://h?password=hunter2'],
  ['REDIS_URL', 'hunter2'],
  ['REDIS_URL', 'redis:hunter2'],
])('a password in %s is not repeated: %s', (variable, value) => {
  const error = mistakesIn({ AM_URL, [variable]: value });
  expect(error.mistakes[0]?.name).toBe(variable);
  expect(JSON.stringify(error.mistakes) + error.message + String(error.stack)).not.toContain('hunter2');
});

test('a password in an option is not repeated either', () => {
  const error = mistakesInOptions({
    am: { url: AM_URL },
    routes: [{ path: '/api', target: 'http://me:hunter2@api.internal' }],
  });
  expect(error.mistakes).toEqual([expect.objectContaining({ name: 'routes', value: 'http://***@api.internal' })]);
});

test('no control character of a name or a value reaches the terminal', () => {
  const error = mistakesIn({ AM_URL, AM_FLAVOR: 'a\u001B[31mb\nc\u202Ed\u2028e', 'AM_REALM\u0007': '/x' });
  expect(error.mistakes[1]?.value).toBe(String.raw`a\u{1b}[31mb\u{a}c\u{202e}d\u{2028}e`);
  expect(error.message.split('\n')).toHaveLength(3);
  expect(error.message).not.toMatch(/[\u0000-\u0009\u000B-\u001F\u007F-\u009F\u202A-\u202E\u2028\u2029]/);
});

test('a huge value is cut short', () => {
  const error = mistakesIn({ AM_URL, AM_FLAVOR: 'x'.repeat(100_000) });
  expect(error.message.length).toBeLessThan(400);
});

test('plain true for TRUST_PROXY is refused with the reason', () => {
  expect(mistakesIn({ AM_URL, TRUST_PROXY: 'true' }).message).toContain(
    'TRUST_PROXY=true would believe X-Forwarded-* headers of any client; give the number of proxies in front',
  );
});

test.each([
  ['LOG_LEVEL', 'wran', 'did you mean warn?'],
  ['LOG_LEVEL', 'INFO', 'did you mean info?'],
  ['AM_ALLOW_HTTP', 'ture', 'did you mean true?'],
  ['SESSION_ACTIVITY', 'assertd', 'did you mean asserted?'],
  ['TRUST_PROXY', 'lopback', 'did you mean loopback?'],
])('a near miss of a value is recognised: %s=%s', (variable, value, hint) => {
  expect(mistakesIn({ AM_URL, [variable]: value }).message).toContain(hint);
});

test('a value that is near nothing gets no suggestion', () => {
  expect(mistakesIn({ AM_URL, AM_FLAVOR: 'forgerock' }).message).not.toContain('did you mean');
});

function mistakesIn(env: Record<string, string>): ConfigError {
  return caught(() => optionsFromEnv(env));
}

function mistakesInOptions(options: unknown, otherKeys?: readonly string[]): ConfigError {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what callers without TypeScript may pass
  return caught(() => parseConfig(options as Options, otherKeys));
}

function caught(run: () => unknown): ConfigError {
  try {
    run();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

test('both parts of a route are looked at', () => {
  const { mistakes } = mistakesInOptions({ am: { url: AM_URL }, routes: [{ path: 'api', target: 'foo' }] });
  expect(mistakes.map(({ problem }) => problem.split(';')[0])).toEqual(['has a bad path', 'has a bad target']);
});
