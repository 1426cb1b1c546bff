// Which value of which setting is taken, and as what: the same for text of the environment and typed options.

import { mkdtempSync, realpathSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';

import proxyAddr from 'proxy-addr';
import { describe, expect, test } from 'vitest';

import { ConfigError, parseConfig } from '../src/config.js';
import type { Config, Options } from '../src/config.js';
import { optionsFromEnv } from '../src/env.js';

const AM_URL = 'https://am.example.com/am';
const minimal: Options = { am: { url: AM_URL } };
const folder = realpathSync(mkdtempSync(join(tmpdir(), 'config-')));
const file = join(folder, 'file');
writeFileSync(file, '');

function fromEnv(env: Record<string, string>): Config {
  return parseConfig(optionsFromEnv({ AM_URL, ...env }));
}

interface Rule {
  variable: string;
  read: (config: Config) => unknown;
  good: [text: string, value: unknown][];
  bad: string[];
}

const wholeNumber = (variable: string, read: Rule['read'], min: number, max: number): Rule => ({
  variable,
  read,
  good: [
    [String(min), min],
    [String(max), max],
    ['007', 7],
  ],
  bad: [String(min - 1), String(max + 1), '1.5', '1e3', '0x10', '+5', '1_000', '1,5', 'NaN', 'Infinity', '９'],
});

const decimalNumber = (variable: string, read: Rule['read'], min: number, max: number): Rule => ({
  variable,
  read,
  good: [
    [String(min), min],
    [String(max), max],
    ['2.5', 2.5],
  ],
  bad: ['-1', String(max + 1), '1.', '.5', '1e3', 'Infinity', '9'.repeat(400), '2 s'],
});

const rules: Rule[] = [
  {
    variable: 'AM_URL',
    read: (config) => config.am.url,
    good: [
      ['https://am.example.com/am', 'https://am.example.com/am'],
      ['https://am.example.com/am/', 'https://am.example.com/am'],
      ['HTTPS://AM.Example.com:443/am', 'https://am.example.com/am'],
      ['https://am.example.com', 'https://am.example.com'],
      ['http://localhost:8080/openam', 'http://localhost:8080/openam'],
    ],
    bad: [
      'am.example.com/am',
      'ftp://am.example.com/am',
      'https:am.example.com',
      'https:///am',
      'https://',
      'https:\\\\am.example.com',
      'https://am.example.com/a m',
      'https://am.example.com/am?x=1',
      'https://am.example.com/am?',
      'https://am.example.com/am#',
      'https://user@am.example.com/am',
      'https://am.example.com:99999/am',
    ],
  },
  {
    variable: 'AM_COOKIE_NAME',
    read: (config) => config.am.cookieName,
    good: [
      ['iPlanetDirectoryPro', 'iPlanetDirectoryPro'],
      ['__Host-sso', '__Host-sso'],
      ['0f1e2d3c4b5a', '0f1e2d3c4b5a'],
    ],
    bad: ['a b', 'a=b', 'a;b', 'a,b', 'a"b', 'a/b', 'kéks', 'x'.repeat(257)],
  },
  {
    variable: 'AM_COOKIES',
    read: (config) => config.am.cookies,
    good: [
      ['a, b,,a,', ['a', 'b']],
      ['none', []],
    ],
    bad: ['a b', 'a,b=c'],
  },
  {
    variable: 'AM_FLAVOR',
    read: (config) => config.am.flavor,
    good: [
      ['ping', 'ping'],
      [' openam ', 'openam'],
    ],
    bad: ['Ping', 'pingam', 'ping,openam'],
  },
  decimalNumber('AM_UPDATE_FREQUENCY_S', (config) => config.am.updateFrequencyS, 0.1, 86_400),
  wholeNumber('AM_TIMEOUT_MS', (config) => config.am.timeoutMs, 1, 600_000),
  wholeNumber('AM_MAX_CONCURRENCY', (config) => config.am.maxConcurrency, 1, 10_000),
  decimalNumber('AM_DOWN_GRACE_S', (config) => config.am.downGraceS, 0, 604_800),
  { variable: 'AM_ALLOW_HTTP', read: () => true, good: [['true', true]], bad: ['1', '0', 'yes', 'TRUE', 'on'] },
  {
    variable: 'SESSION_REALMS',
    read: (config) => config.session.realms,
    good: [
      ['/Alpha, bravo,/alpha', ['/alpha', '/bravo']],
      ['/', ['/']],
      ['*', '*'],
    ],
    bad: ['*,/alpha', ',', '/a//b'],
  },
  decimalNumber('SESSION_TRUST_S', (config) => config.session.trustS, 0, 86_400),
  {
    variable: 'SESSION_ACTIVITY',
    read: (config) => config.session.activity,
    good: [['asserted', 'asserted']],
    bad: ['user'],
  },
  {
    variable: 'BACKGROUND_PATHS',
    read: (config) => config.session.backgroundPaths,
    good: [['/api/poll/,/x', ['/api/poll', '/x']]],
    bad: ['api/poll', '/api/*'],
  },
  wholeNumber('SESSIONS_MAX', (config) => config.session.max, 1, 16_000_000),
  {
    variable: 'COOKIE_DOMAINS',
    read: (config) => config.cookieDomains,
    good: [
      ['.Example.com,app.example.com', ['example.com', 'app.example.com']],
      ['none', []],
    ],
    bad: ['a_b.com', '..example.com', 'example.com.', '-a.com', 'https://example.com', 'example.com:80', 'a b'],
  },
  {
    variable: 'PROXY_ROUTES',
    read: (config) => config.routes.map(({ path, target }) => [path, target]),
    good: [
      ['/api=http://127.0.0.1:4000', [['/api', 'http://127.0.0.1:4000']]],
      ['/api/ = https://files.example.com/base/', [['/api', 'https://files.example.com/base']]],
      ['/=http://h', [['/', 'http://h']]],
    ],
    bad: [
      '/api',
      'api=http://h',
      '//api=http://h',
      '/a//b=http://h',
      '/a/../b=http://h',
      '/.=http://h',
      '/a%20b=http://h',
      '/a;b=http://h',
      '/a?b=http://h',
      '/api/*=http://h',
      '/:id=http://h',
      '/ä=http://h',
      '/a\\b=http://h',
      '/api=h:4000',
      '/api=ws://h',
      '/api=http://h?x',
      '/api=http://user:pass@h',
    ],
  },
  wholeNumber('PROXY_TIMEOUT_MS', (config) => config.proxyTimeoutMs, 1, 86_400_000),
  {
    variable: 'BASE_PATH',
    read: (config) => config.basePath,
    good: [
      ['/bff/', '/bff'],
      ['/', ''],
    ],
    bad: ['bff', '/a/../b', '/b*'],
  },
  {
    variable: 'STATIC_DIR',
    read: (config) => config.staticDir,
    good: [
      [folder, folder],
      [relative(process.cwd(), folder), folder],
    ],
    bad: [join(folder, 'missing'), file, join(file, 'below'), 'x'.repeat(5000), 'nul\0nul'],
  },
  {
    variable: 'PUBLIC_URL',
    read: (config) => config.publicUrl,
    good: [
      ['https://App.example.com:443/', 'https://app.example.com'],
      ['http://localhost:3000', 'http://localhost:3000'],
    ],
    bad: ['https://app.example.com/app', 'https://app.example.com?', 'app.example.com', 'null', '*'],
  },
  {
    variable: 'LOGIN_URL',
    read: (config) => config.loginUrl,
    good: [['https://am.example.com/XUI/?realm=/a#login', 'https://am.example.com/XUI/?realm=/a#login']],
    bad: ['/login', 'javascript:alert(1)', 'https://user:pass@am.example.com/'],
  },
  {
    variable: 'POST_LOGOUT_URLS',
    read: (config) => config.postLogoutUrls,
    good: [['/bye?x=1,https://Example.com', ['/bye?x=1', 'https://Example.com']]],
    bad: [
      '//evil.example',
      '/\\evil.example',
      '/a\\b',
      '/a\tb',
      'bye',
      'javascript:alert(1)',
      '/ä',
      'https://u:p@h/',
      ',',
    ],
  },
  {
    variable: 'TRUSTED_ORIGINS',
    read: (config) => config.trustedOrigins,
    good: [['https://A.example:443,http://b.example:8080/', ['https://a.example', 'http://b.example:8080']]],
    bad: ['null', '*', 'a.example', 'https://a.example/x', 'https://*.example'],
  },
  {
    variable: 'TRUST_PROXY',
    read: (config) => config.trustProxy,
    good: [
      ['false', false],
      ['2', 2],
      ['loopback, 10.0.0.0/8,2001:DB8::/32', ['loopback', '10.0.0.0/8', '2001:db8::/32']],
      ['192.0.2.7', ['192.0.2.7']],
    ],
    bad: [
      'true',
      '0',
      '101',
      '1.5',
      '10.0.0.0/33',
      '0.0.0.0/0',
      '::/0',
      '10.0.0',
      'fe80::1%eth0',
      'lopback',
      'a/b',
      ',',
    ],
  },
  {
    variable: 'CONTENT_SECURITY_POLICY',
    read: (config) => config.contentSecurityPolicy,
    good: [
      ["default-src 'self'; img-src *", "default-src 'self'; img-src *"],
      ['none', 'none'],
    ],
    bad: ["default-src 'self'\r\nSet-Cookie: a=b", "default-src 'self'; report-uri /ä"],
  },
  {
    variable: 'REDIS_URL',
    read: (config) => config.redisUrl,
    good: [
      ['redis://127.0.0.1:6379', 'redis://127.0.0.1:6379'],
      ['rediss://user:p%40ss@redis.example.com:6380/2', 'rediss://user:p%40ss@redis.example.com:6380/2'],
    ],
    bad: ['127.0.0.1:6379', 'http://h', 'redis://', 'redis://h/x', 'redis://h?db=1', 'redis://:%zz@h'],
  },
  {
    variable: 'HOST',
    read: (config) => config.host,
    good: [
      ['0.0.0.0', '0.0.0.0'],
      ['::', '::'],
      ['localhost', 'localhost'],
    ],
    bad: ['[::]', 'localhost:3000', 'http://localhost', 'a b'],
  },
  wholeNumber('PORT', (config) => config.port, 0, 65_535),
  { variable: 'ADMIN_HOST', read: (config) => config.adminHost, good: [['::1', '::1']], bad: ['::1:9090/x'] },
  wholeNumber('ADMIN_PORT', (config) => config.adminPort, 0, 65_535),
  decimalNumber('SHUTDOWN_TIMEOUT_S', (config) => config.shutdownTimeoutS, 0, 3600),
  { variable: 'LOG_LEVEL', read: (config) => config.logLevel, good: [['silent', 'silent']], bad: ['warning', 'INFO'] },
];

describe.each(rules)('$variable', ({ variable, read, good, bad }) => {
  test.each(good)('takes %j as %j', (text, value) => {
    expect(read(fromEnv({ [variable]: text }))).toEqual(value);
  });

  test.each(bad)('refuses %j, by its name', (text) => {
    const error = caught(() => fromEnv({ [variable]: text }));
    expect(error.mistakes.map(({ name }) => name)).toContain(variable);
  });
});

test('without anything but AM_URL, every default is the documented one', () => {
  expect(parseConfig(minimal)).toStrictEqual({
    am: {
      url: AM_URL,
      publicUrl: AM_URL,
      realm: '/',
      cookieName: undefined,
      cookies: ['session-jwt', 'AMAuthCookie', 'DProPCookie'],
      flavor: 'ping',
      updateFrequencyS: 60,
      timeoutMs: 3000,
      maxConcurrency: 64,
      downGraceS: 300,
    },
    session: { realms: ['/'], trustS: 120, activity: 'any', backgroundPaths: [], max: 1_000_000 },
    routes: [],
    proxyTimeoutMs: 30_000,
    basePath: '',
    staticDir: undefined,
    publicUrl: undefined,
    loginUrl: `${AM_URL}/XUI/?realm=/`,
    postLogoutUrls: ['/'],
    cookieDomains: undefined,
    trustedOrigins: [],
    trustProxy: false,
    contentSecurityPolicy: undefined,
    redisUrl: undefined,
    host: '127.0.0.1',
    port: 3000,
    adminHost: '127.0.0.1',
    adminPort: undefined,
    shutdownTimeoutS: 10,
    logLevel: 'info',
  });
});

test('environment and options give the same Config, for every setting there is', () => {
  const typed: Required<{ [K in keyof Options]: Required<Options[K]> }> = {
    am: {
      url: 'http://am.internal:8080/am/',
      publicUrl: 'https://login.example.com/am',
      realm: '/realms/root/realms/Alpha',
      cookieName: 'sso',
      cookies: ['other'],
      flavor: 'openam',
      updateFrequencyS: 2,
      timeoutMs: 500,
      maxConcurrency: 8,
      downGraceS: 0,
      allowHttp: true,
    },
    session: { realms: ['Alpha', '/b'], trustS: 0, activity: 'asserted', backgroundPaths: ['/api/poll'], max: 10 },
    cookieDomains: ['.example.com'],
    routes: [
      { path: '/api', target: 'http://127.0.0.1:4000/' },
      { path: '/api/files/', target: 'http://files:8080/base' },
    ],
    publicRoutes: [{ path: '/open', target: 'http://open' }],
    proxyTimeoutMs: 1000,
    basePath: '/bff',
    staticDir: folder,
    publicUrl: 'https://app.example.com/',
    loginUrl: 'https://login.example.com/start',
    postLogoutUrls: ['/bye', 'https://example.com/'],
    trustedOrigins: ['https://Other.example.com'],
    trustProxy: ['loopback', '10.0.0.0/8'],
    contentSecurityPolicy: 'none',
    redisUrl: 'redis://127.0.0.1',
    host: '0.0.0.0',
    port: 0,
    adminHost: '::1',
    adminPort: 9090,
    shutdownTimeoutS: 1,
    logLevel: 'debug',
  };
  const config = fromEnv({
    AM_URL: 'http://am.internal:8080/am/',
    AM_PUBLIC_URL: 'https://login.example.com/am',
    AM_REALM: '/realms/root/realms/Alpha',
    AM_COOKIE_NAME: 'sso',
    AM_COOKIES: 'other',
    AM_FLAVOR: 'openam',
    AM_UPDATE_FREQUENCY_S: '2',
    AM_TIMEOUT_MS: '500',
    AM_MAX_CONCURRENCY: '8',
    AM_DOWN_GRACE_S: '0',
    AM_ALLOW_HTTP: 'true',
    SESSION_REALMS: 'Alpha,/b',
    SESSION_TRUST_S: '0',
    SESSION_ACTIVITY: 'asserted',
    BACKGROUND_PATHS: '/api/poll',
    SESSIONS_MAX: '10',
    COOKIE_DOMAINS: '.example.com',
    PROXY_ROUTES: '/api=http://127.0.0.1:4000/,/api/files/=http://files:8080/base',
    PUBLIC_ROUTES: '/open=http://open',
    PROXY_TIMEOUT_MS: '1000',
    BASE_PATH: '/bff',
    STATIC_DIR: folder,
    PUBLIC_URL: 'https://app.example.com/',
    LOGIN_URL: 'https://login.example.com/start',
    POST_LOGOUT_URLS: '/bye,https://example.com/',
    TRUSTED_ORIGINS: 'https://Other.example.com',
    TRUST_PROXY: 'loopback,10.0.0.0/8',
    CONTENT_SECURITY_POLICY: 'none',
    REDIS_URL: 'redis://127.0.0.1',
    HOST: '0.0.0.0',
    PORT: '0',
    ADMIN_HOST: '::1',
    ADMIN_PORT: '9090',
    SHUTDOWN_TIMEOUT_S: '1',
    LOG_LEVEL: 'debug',
  });
  expect(config).toStrictEqual(parseConfig(typed));
  expect(config.am.realm).toBe('/Alpha');
  expect(config.routes).toStrictEqual([
    { path: '/api/files', target: 'http://files:8080/base', access: 'session' },
    { path: '/open', target: 'http://open', access: 'public' },
    { path: '/api', target: 'http://127.0.0.1:4000', access: 'session' },
  ]);
});

test('defaults follow the settings they depend on', () => {
  const config = fromEnv({ AM_PUBLIC_URL: 'https://login.example.com/am', AM_REALM: 'Customers EU/b' });
  expect(config.loginUrl).toBe('https://login.example.com/am/XUI/?realm=/Customers%20EU/b');
  expect(config.session.realms).toEqual(['/customers eu/b']);
});

test('the Config is frozen to its last leaf', () => {
  const config = fromEnv({ PROXY_ROUTES: '/api=http://h', TRUST_PROXY: 'loopback' });
  const walk = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    expect(Object.isFrozen(value)).toBe(true);
    Object.values(value).forEach(walk);
  };
  walk(config);
  expect(config.routes).toHaveLength(1);
});

test("the caller's options are neither frozen nor kept", () => {
  const routes = [{ path: '/api', target: 'http://h' }];
  const config = parseConfig({ ...minimal, routes });
  routes.push({ path: '/late', target: 'http://h' });
  expect(config.routes).toHaveLength(1);
});

test('what TRUST_PROXY lets through, proxy-addr understands', () => {
  const { trustProxy } = fromEnv({
    TRUST_PROXY: 'loopback,linklocal,uniquelocal,10.0.0.0/8,192.0.2.7,2001:db8::/32,::ffff:10.1.0.0/112,::1',
  });
  const trust = proxyAddr.compile(Array.isArray(trustProxy) ? trustProxy : []);
  expect([trust('10.1.2.3', 0), trust('192.0.2.7', 0), trust('192.0.2.8', 0)]).toEqual([true, true, false]);
});

function caught(run: () => unknown): ConfigError {
  try {
    run();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}
