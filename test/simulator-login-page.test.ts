// The login page: form, goto, ForceAuth, and what it must never do.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type AmSimulator, createAmSimulator } from '../src/simulator/index.js';
import { safeGoto } from '../src/simulator/login-page.js';
import { act, call } from './support/simulator-client.js';

let am: AmSimulator;
beforeEach(async () => {
  am = await createAmSimulator();
});
afterEach(() => am.close());

const GOTO = 'http://localhost:3000/app?x=1';
const show = (query: string, token?: string) =>
  call(`${am.url}/XUI/${query}`, { headers: token === undefined ? {} : { Cookie: `iPlanetDirectoryPro=${token}` } });
const submit = (query: string, fields: Record<string, string>, cookie = '') =>
  call(`${am.url}/XUI/${query}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded', Cookie: cookie },
    body: new URLSearchParams(fields).toString(),
  });
const goto = (url: string): string => `?realm=/alpha&goto=${encodeURIComponent(url)}`;

test('without a session the form is shown, labelled, uncached and without scripts', async () => {
  const reply = await show(goto(GOTO));
  expect(reply.status).toBe(200);
  expect(reply.headers['content-type']).toBe('text/html;charset=UTF-8');
  expect(reply.headers['cache-control']).toBe('no-store');
  expect(reply.headers['content-security-policy']).toMatch(/default-src 'none'/);
  expect(reply.text).toMatch(/<html lang="en">/);
  for (const field of ['username', 'password']) {
    expect(reply.text).toContain(`<label for="${field}">`);
    expect(reply.text).toContain(`id="${field}"`);
  }
  expect(reply.text).not.toMatch(/<script/i);
});

test('logging in sets the cookies and goes to goto', async () => {
  const reply = await submit(goto(GOTO), { username: 'demo', password: 'changeit' });
  expect([reply.status, reply.headers.location]).toEqual([302, GOTO]);
  const [sso = '', lb] = reply.headers['set-cookie'] ?? [];
  expect(sso).toMatch(/^iPlanetDirectoryPro=AQIC\S+; Path=\/; HttpOnly$/);
  expect(lb).toBe('amlbcookie=01; Path=/');
  expect(am.sessions).toMatchObject([{ username: 'demo', realm: '/alpha' }]);
  const token = sso.slice(sso.indexOf('=') + 1, sso.indexOf(';'));
  expect((await act(am, 'refresh', token)).status).toBe(200);
});

test('a live session is sent on at once, its idle time reset; a dead one sees the form', async () => {
  const token = am.login();
  am.advance(100);
  const reply = await show(goto(GOTO), token);
  expect([reply.status, reply.headers.location]).toEqual([302, GOTO]);
  expect(am.sessions[0]?.idleS).toBe(0);
  am.killSessions();
  expect((await show(goto(GOTO), token)).status).toBe(200);
});

test('ForceAuth shows the form in spite of a live session, and the login replaces it', async () => {
  const token = am.login();
  const query = `${goto(GOTO)}&ForceAuth=true`;
  expect((await show(query, token)).text).toContain('<form');
  const reply = await submit(query, { username: 'demo', password: 'changeit' }, `iPlanetDirectoryPro=${token}`);
  expect(reply.headers.location).toBe(GOTO);
  expect((await act(am, 'refresh', token)).status).toBe(401);
  expect(am.sessions).toHaveLength(1);
});

test('a wrong password is 401, says so, and keeps name and goto', async () => {
  const reply = await submit(goto(GOTO), { username: 'de"mo<', password: 'wrong' });
  expect(reply.status).toBe(401);
  expect(reply.text).toContain('role="alert"');
  expect(reply.text).toContain('value="de&quot;mo&lt;"');
  expect(reply.text).toContain(encodeURIComponent('http://localhost:3000/app'));
  expect(reply.headers['set-cookie']).toBeUndefined();
});

test('without goto a login ends at a page that says who is signed in', async () => {
  const reply = await submit('', { username: 'demo', password: 'changeit' });
  expect(reply.headers.location).toBe('/am/XUI/?realm=%2F');
  const page = await show('', am.login());
  expect(page.status).toBe(200);
  expect(page.text).toContain('You are signed in');
});

test('an unknown realm is 400, markup in a parameter stays text', async () => {
  expect((await show('?realm=/nope')).status).toBe(400);
  const reply = await show(`?goto=${encodeURIComponent('"><script>alert(1)</script>')}`);
  expect(reply.text).not.toContain('<script>');
});

test.each(['https://evil.example/', '//evil.example', 'javascript:alert(1)'])(
  'it never redirects to %s',
  async (url) => {
    expect((await show(goto(url), am.login())).status).toBe(200);
    const reply = await submit(goto(url), { username: 'demo', password: 'changeit' });
    expect(reply.headers.location).toBe('/am/XUI/?realm=%2Falpha');
  },
);

describe('safeGoto', () => {
  const HOST = 'am.example.com:8080';

  test.each([
    ['/app?x=1#y', '/app?x=1#y'],
    ['http://am.example.com:3000/', 'http://am.example.com:3000/'],
    ['https://localhost/x', 'https://localhost/x'],
    ['http://127.0.0.1:3000/x', 'http://127.0.0.1:3000/x'],
    ['http://[::1]:3000/', 'http://[::1]:3000/'],
    ['https://app.example.org/', 'https://app.example.org/'],
  ])('%s is fine', (url, expected) => {
    expect(safeGoto(url, HOST, ['example.org'])).toBe(expected);
  });

  test.each([
    null,
    '',
    'app',
    'https://evil.example/',
    '//evil.example/',
    '/\\evil.example/',
    '/\t/evil.example/',
    'http://am.example.com@evil.example/',
    'https://notexample.org/',
    'ftp://localhost/',
    'javascript:alert(1)',
    'data:text/html,x',
    'http://',
  ])('%s is not', (url) => {
    expect(safeGoto(url, HOST, ['example.org'])).toBeUndefined();
  });

  test('a path cannot smuggle a line into the header', () => {
    expect(safeGoto('/a\r\nSet-Cookie: x=1', HOST, [])).toBe('/aSet-Cookie:%20x=1');
  });
});
