// The spellings of a realm.

import { expect, test } from 'vitest';

import { canonicalRealm } from '../src/config.js';

test.each([
  ['', '/'],
  ['/', '/'],
  ['root', '/'],
  ['/root', '/'],
  ['/root/', '/'],
  ['realms/root', '/'],
  ['/realms/root', '/'],
  ['/realms/root/', '/'],
  ['alpha', '/alpha'],
  ['/alpha', '/alpha'],
  ['/alpha/', '/alpha'],
  ['a/b', '/a/b'],
  ['/a/b', '/a/b'],
  ['/Customers EU', '/Customers EU'],
  ['/realms/root/realms/alpha', '/alpha'],
  ['realms/root/realms/alpha/', '/alpha'],
  ['/realms/root/realms/a/realms/b', '/a/b'],
  ['/realms/root/realms/realms', '/realms'],
])('%j is the realm %j', (text, realm) => {
  expect(canonicalRealm(text)).toBe(realm);
});

test.each([
  '//',
  '//alpha',
  '/a//b',
  '/a/../b',
  '.',
  'root/alpha',
  '/realms',
  '/realms/alpha',
  '/realms/root/alpha',
  '/realms/root/realms',
  '/realms/root/realms/a/b',
  'a?b',
  'a#b',
  'a%2fb',
  'a;b',
  'a\\b',
  'a\nb',
  '*',
  ' alpha',
])('%j is none', (text) => {
  expect(canonicalRealm(text)).toBeUndefined();
});

test('a canonical realm stays what it is', () => {
  for (const realm of ['/', '/alpha', '/a/b']) expect(canonicalRealm(realm)).toBe(realm);
});
