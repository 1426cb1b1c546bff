// From variables to options: what counts as given, which names are slips, and the .env file.

import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, test } from 'vitest';

import { ConfigError } from '../src/config.js';
import { optionsFromEnv, readEnvironment } from '../src/env.js';

const AM_URL = 'https://am.example.com/am';

function problems(env: Record<string, string>): string[] {
  try {
    optionsFromEnv({ AM_URL, ...env });
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.mistakes.map(({ name, problem }) => `${name} ${problem}`);
  }
}

test('only what is given becomes an option, grouped and typed', () => {
  expect(optionsFromEnv({ AM_URL, AM_TIMEOUT_MS: '500', SESSION_TRUST_S: '0', PORT: '0', PATH: '/bin' })).toStrictEqual(
    {
      am: { url: AM_URL, timeoutMs: 500 },
      session: { trustS: 0 },
      port: 0,
    },
  );
});

test('empty, blank and undefined variables count as not given, and blanks around a value do not count', () => {
  const env = { AM_URL: `\t${AM_URL}\n`, AM_REALM: '', PORT: ' \t', REDIS_URL: undefined };
  expect(optionsFromEnv(env)).toStrictEqual({ am: { url: AM_URL } });
});

test('a blank AM_URL is a missing one', () => {
  expect(problems({ AM_URL: ' ' })).toEqual([expect.stringMatching(/^AM_URL is required/)]);
});

test.each([
  ['AM_URl', 'AM_URL'],
  ['am_url', 'AM_URL'],
  ['AMURL', 'AM_URL'],
  ['AM-URL', 'AM_URL'],
  ['AM_ULR', 'AM_URL'],
  ['AM_RELAM', 'AM_REALM'],
  ['AM_COOKIENAME', 'AM_COOKIE_NAME'],
  ['AM_TIMEOUT_S', 'AM_TIMEOUT_MS'],
  ['SESSION_MAX', 'SESSIONS_MAX'],
  ['SESION_TRUST_S', 'SESSION_TRUST_S'],
  ['PROXY_ROUTE', 'PROXY_ROUTES'],
  ['COOKIE_DOMAIN', 'COOKIE_DOMAINS'],
  ['TRUSTED_ORIGN', 'TRUSTED_ORIGINS'],
  ['REDIS_ULR', 'REDIS_URL'],
  ['Log_Level', 'LOG_LEVEL'],
  ['SHUTDOWN_TIMEOUT', 'SHUTDOWN_TIMEOUT_S'],
])('%s is a slip of %s', (name, meant) => {
  expect(problems({ [name]: 'x' })).toEqual([`${name} is not a variable of am-session-proxy; did you mean ${meant}?`]);
});

test.each([
  'host',
  'Port',
  'POST',
  'PORTS',
  'HOSTS',
  'HOSTNAME',
  'SASS_PATH',
  'IAM_URL',
  'AMQP_URL',
  'LOG_FILE',
  'LOGOUT_URL',
  'ADMIN_USER',
  'AM_SOMETHING_ELSE',
  'SESSION_SECRET',
  'NODE_ENV',
  'HTTP_PROXY',
  '_',
  '',
  'X'.repeat(100_000),
])('%s is left to whom it belongs', (name) => {
  expect(problems({ [name]: 'x' })).toEqual([]);
});

test('a slip without a value harms nobody', () => {
  expect(problems({ AM_REALMS: '' })).toEqual([]);
});

test('a .env file adds to the process environment, which wins', () => {
  const folder = mkdtempSync(join(tmpdir(), 'env-'));
  writeFileSync(join(folder, '.env'), `PATH=/from/file\nAM_URL="${AM_URL}" # internal\nAM_REALM=/alpha\n`);
  const env = readEnvironment(folder);
  expect(env['AM_URL']).toBe(AM_URL);
  expect(env['PATH']).toBe(process.env['PATH']);
  expect(optionsFromEnv({ AM_URL: env['AM_URL'], AM_REALM: env['AM_REALM'] })).toEqual({
    am: { url: AM_URL, realm: '/alpha' },
  });
});

test('without a .env file there is just the process environment', () => {
  expect(readEnvironment(mkdtempSync(join(tmpdir(), 'env-')))).toEqual({ ...process.env });
});

test('a .env that cannot be read is a mistake, not a silence', () => {
  const folder = mkdtempSync(join(tmpdir(), 'env-'));
  mkdirSync(join(folder, '.env'));
  expect(() => readEnvironment(folder)).toThrow(ConfigError);
  expect(() => readEnvironment(folder)).toThrow(/\.env cannot be read: EISDIR/);
});

test('a line of .env that is no variable swallows no other: where Node takes the next one for a part of it, that is a mistake', () => {
  const folder = mkdtempSync(join(tmpdir(), 'env-'));
  writeFileSync(join(folder, '.env'), '# fine\nAM_REALM=/alpha\nbla bla\nSESSION_REALMS=/bravo\n');
  const read = () => {
    try {
      return readEnvironment(folder)['SESSION_REALMS'];
    } catch (error) {
      return error instanceof ConfigError ? error.message : undefined;
    }
  };
  expect(read()).toMatch(/^\/bravo$|holds a line that is no NAME=value/);
});
