// The effective settings in words, and what is worth a warning.

import { parseEnv } from 'node:util';

import { describe, expect, test } from 'vitest';

import { variables } from '../src/config/settings.js';
import { configWarnings, describeConfig, parseConfig } from '../src/config.js';
import { optionsFromEnv } from '../src/env.js';

const configOf = (env: Record<string, string>) =>
  parseConfig(optionsFromEnv({ AM_URL: 'https://am.example.com/am', ...env }));

describe('describeConfig', () => {
  test('prints every variable once, in order', () => {
    const names = describeConfig(configOf({})).map((line) => line.slice(0, line.indexOf('=')));
    expect(names).toEqual(variables);
  });

  test('marks defaults, fixed ones and derived ones, and says what holds without a value', () => {
    const lines = describeConfig(configOf({ AM_REALM: 'Alpha', PORT: '8080', AM_TIMEOUT_MS: '3000' }));
    expect(lines).toContain('AM_URL=https://am.example.com/am');
    expect(lines).toContain('AM_PUBLIC_URL=https://am.example.com/am # default');
    expect(lines).toContain('AM_REALM=/Alpha');
    expect(lines).toContain('SESSION_REALMS=/alpha # default');
    expect(lines).toContain('AM_COOKIE_NAME= # default: asked from AM, again every 10 min');
    expect(lines).toContain('LOGIN_URL=https://am.example.com/am/XUI/?realm=/Alpha # default');
    expect(lines).toContain('PORT=8080');
    expect(lines).toContain('AM_TIMEOUT_MS=3000 # default');
  });

  test('hides the credentials of Redis', () => {
    const lines = describeConfig(configOf({ REDIS_URL: 'rediss://user:hunter2@redis.example.com:6380/1' }));
    expect(lines).toContain('REDIS_URL=rediss://***@redis.example.com:6380/1');
    expect(lines.join('\n')).not.toMatch(/hunter2|user:/);
  });

  test('is an environment that gives the same Config again', () => {
    const config = configOf({
      AM_URL: 'http://am.internal/am',
      AM_ALLOW_HTTP: 'true',
      AM_COOKIES: 'none',
      COOKIE_DOMAINS: 'none',
      SESSION_REALMS: '*',
      PROXY_ROUTES: '/api=http://127.0.0.1:4000,/files=http://files:8080/base',
      PUBLIC_ROUTES: '/open=http://open',
      LOGIN_URL: 'https://am.example.com/XUI/#login',
      CONTENT_SECURITY_POLICY: `default-src 'self'; report-to "x"`,
      TRUST_PROXY: 'loopback,10.0.0.0/8',
    });
    expect(parseConfig(optionsFromEnv(parseEnv(describeConfig(config).join('\n'))))).toStrictEqual(config);
  });
});

describe('configWarnings', () => {
  test('has nothing to say about a usual configuration', () => {
    expect(configWarnings(configOf({}))).toEqual([]);
    expect(configWarnings(configOf({ AM_URL: 'http://127.0.0.1/am' }))).toEqual([]);
    expect(configWarnings(configOf({ HOST: '0.0.0.0', PUBLIC_URL: 'https://app.example.com' }))).toEqual([]);
    expect(configWarnings(configOf({ AM_DOWN_GRACE_S: '0' }))).toEqual([]);
    expect(configWarnings(configOf({ AM_FLAVOR: 'openam', REDIS_URL: 'redis://h' }))).toEqual([]);
    expect(configWarnings(configOf({ AM_FLAVOR: 'openam' }), true)).toEqual([]);
  });

  test.each([
    [{ AM_URL: 'http://am.internal/am', AM_ALLOW_HTTP: 'true' }, /^AM_URL \(am\.url\) is plain http/],
    [
      { AM_URL: 'http://127.0.0.1/am', AM_PUBLIC_URL: 'http://am.example.org/am' },
      /^AM_PUBLIC_URL \(am\.publicUrl\) is plain http/,
    ],
    [{ HOST: '0.0.0.0' }, /^PUBLIC_URL \(publicUrl\) is not set/],
    [{ HOST: '::' }, /^PUBLIC_URL \(publicUrl\) is not set/],
    [{ AM_FLAVOR: 'openam' }, /^AM_FLAVOR=openam .* without REDIS_URL .* two nodes/],
    [{ AM_DOWN_GRACE_S: '60' }, /^AM_DOWN_GRACE_S \(am\.downGraceS\) is smaller/],
  ])('warns once about %j', (env: Record<string, string>, warning) => {
    expect(configWarnings(configOf(env))).toEqual([expect.stringMatching(warning)]);
  });
});
