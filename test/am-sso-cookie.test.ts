// The SSO cookie's name and domains: configured, or learned from AM.

import { describe, expect, test } from 'vitest';
import type { ServerInfo } from '../src/am/answers.js';
import { createSsoCookie } from '../src/am/sso-cookie.js';

function info(cookieName: string, domains: readonly string[] = []): ServerInfo {
  return { kind: 'server-info', cookieName, domains };
}

describe('a name that AM tells', () => {
  test('is not there before', () => {
    const cookie = createSsoCookie(undefined);
    expect(cookie.name).toBeUndefined();
    expect([...cookie.names]).toEqual([]);
    expect(cookie.domains).toEqual([]);
  });

  test('is taken over with the domains, and the first one is no renaming', () => {
    const cookie = createSsoCookie(undefined);
    expect(cookie.learn(info('sso', ['example.com']))).toBe(false);
    expect(cookie.learn(info('sso', ['example.org']))).toBe(false);
    expect(cookie.name).toBe('sso');
    expect([...cookie.names]).toEqual(['sso']);
    expect(cookie.domains).toEqual(['example.org']);
  });

  test('replaces the one before, which is still kept from upstreams', () => {
    const cookie = createSsoCookie(undefined);
    cookie.learn(info('old'));
    const before = cookie.names;
    expect(cookie.learn(info('new'))).toBe(true);
    expect(cookie.name).toBe('new');
    expect([...cookie.names]).toEqual(['new', 'old']);
    expect(cookie.names).not.toBe(before);
    expect([...before]).toEqual(['old']);
  });

  test('may go back to what it was', () => {
    const cookie = createSsoCookie(undefined);
    for (const name of ['old', 'new', 'old']) cookie.learn(info(name));
    expect([...cookie.names]).toEqual(['old', 'new']);
  });

  test('keeps the set as it is while nothing changes', () => {
    const cookie = createSsoCookie(undefined);
    cookie.learn(info('sso'));
    const { names } = cookie;
    cookie.learn(info('sso'));
    expect(cookie.names).toBe(names);
  });

  test('does not fill memory by changing for ever', () => {
    const cookie = createSsoCookie(undefined);
    for (let i = 0; i < 100; i++) cookie.learn(info(`sso${i}`));
    expect([...cookie.names]).toEqual(Array.from({ length: 10 }, (_, i) => `sso${99 - i}`));
  });
});

test('a configured name stays, whatever AM says; its domains are taken over', () => {
  const cookie = createSsoCookie('sso');
  expect(cookie.learn(info('other', ['example.com']))).toBe(false);
  expect(cookie.name).toBe('sso');
  expect([...cookie.names]).toEqual(['sso']);
  expect(cookie.domains).toEqual(['example.com']);
});
