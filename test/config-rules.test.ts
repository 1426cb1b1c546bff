// Rules between settings: plain http, clashing routes, ports.

import { describe, expect, test } from 'vitest';

import { ConfigError, parseConfig } from '../src/config.js';
import { optionsFromEnv } from '../src/env.js';

const AM_URL = 'https://am.example.com/am';

/** Names and values of all mistakes; empty if there are none. */
function mistakes(env: Record<string, string>): [string, string | undefined][] {
  try {
    parseConfig(optionsFromEnv({ AM_URL, ...env }));
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.mistakes.map(({ name, value }) => [name, value]);
  }
}

describe('plain http to AM', () => {
  test.each([
    'http://127.0.0.1:8080/am',
    'http://127.9.9.9/am',
    'http://127.1/am',
    'http://[::1]/am',
    'http://LOCALHOST/am',
  ])('is fine on loopback: %s', (url) => {
    expect(mistakes({ AM_URL: url })).toEqual([]);
  });

  test.each([
    'http://am.example.com/am',
    'http://127.0.0.1.example.com/am',
    'http://localhost.example.com/am',
    'http://10.0.0.1/am',
    'http://0.0.0.0/am',
    'http://[::ffff:10.0.0.1]/am',
  ])('is a mistake elsewhere, unless AM_ALLOW_HTTP=true: %s', (url) => {
    expect(mistakes({ AM_URL: url }).map(([name]) => name)).toEqual(['AM_URL']);
    expect(mistakes({ AM_URL: url, AM_ALLOW_HTTP: 'true' })).toEqual([]);
  });

  test('names the setting that would allow it, as the user knows it', () => {
    expect(() => parseConfig({ am: { url: 'http://am.example.com' } })).toThrow(
      'am.url=http://am.example.com is plain http to another machine; accepted: https, or am.allowHttp=true',
    );
  });

  test('is a mistake for AM_PUBLIC_URL in front of an https AM', () => {
    const env = { AM_PUBLIC_URL: 'http://login.example.com/am' };
    expect(mistakes(env)).toEqual([['AM_PUBLIC_URL', 'http://login.example.com/am']]);
    expect(mistakes({ ...env, AM_ALLOW_HTTP: 'true' })).toEqual([]);
  });

  test('is fine for AM_PUBLIC_URL when AM itself is on loopback without TLS', () => {
    expect(mistakes({ AM_URL: 'http://127.0.0.1:8080/am', AM_PUBLIC_URL: 'http://am.example.org:8080/am' })).toEqual(
      [],
    );
  });
});

describe('routes', () => {
  test('the same path twice is a mistake, within a list and across both, however it is written', () => {
    expect(mistakes({ PROXY_ROUTES: '/a=http://h,/a/=http://i' })).toEqual([['PROXY_ROUTES', '/a']]);
    expect(mistakes({ PROXY_ROUTES: '/a=http://h', PUBLIC_ROUTES: '/a=http://i' })).toEqual([['PUBLIC_ROUTES', '/a']]);
  });

  test('one under the other is none', () => {
    expect(mistakes({ PROXY_ROUTES: '/a=http://h,/=http://h', PUBLIC_ROUTES: '/a/b=http://i' })).toEqual([]);
  });

  test.each(['/session', '/session/refresh', '/session/other', '/logout', '/livez', '/readyz', '/readyz/x'])(
    'no route may lie on %s',
    (path) => {
      expect(mistakes({ PROXY_ROUTES: `${path}=http://h` })).toEqual([['PROXY_ROUTES', path]]);
      expect(mistakes({ PUBLIC_ROUTES: `${path}=http://h` })).toEqual([['PUBLIC_ROUTES', path]]);
    },
  );

  test.each(['/', '/sessions', '/logout-help', '/bff'])('%s is free', (path) => {
    expect(mistakes({ PROXY_ROUTES: `${path}=http://h` })).toEqual([]);
  });

  test('BASE_PATH moves what is taken, but not the health checks', () => {
    const env = {
      BASE_PATH: '/bff',
      PROXY_ROUTES: '/session=http://h,/bff=http://h,/bff/logout=http://h,/livez=http://h',
    };
    expect(mistakes(env)).toEqual([
      ['PROXY_ROUTES', '/bff/logout'],
      ['PROXY_ROUTES', '/livez'],
    ]);
  });
});

test('a logout has to lead somewhere', () => {
  expect(() => parseConfig({ am: { url: AM_URL }, postLogoutUrls: [] })).toThrow('postLogoutUrls names no URL');
});

test('one port for two servers is a mistake, unless the address differs or any free port will do', () => {
  expect(mistakes({ PORT: '8080', ADMIN_PORT: '8080' })).toEqual([['ADMIN_PORT', '8080']]);
  expect(mistakes({ PORT: '8080', ADMIN_PORT: '8080', HOST: '192.0.2.1' })).toEqual([]);
  expect(mistakes({ PORT: '0', ADMIN_PORT: '0' })).toEqual([]);
});
