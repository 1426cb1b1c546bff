// What may stand in the SSO cookie: tokens as AM makes them reach AM byte for byte, anything else reaches nobody.

import { expect, it } from 'vitest';
import { rawRequest } from './support/http.js';
import { askedAbout, onEveryMount } from './support/mounted.js';

const name = 'iPlanetDirectoryPro';

onEveryMount('the value of the SSO cookie', {}, (stack) => {
  const send = (value: string, path = '/api/x') => stack().request(path, { headers: { cookie: `${name}=${value}` } });
  const callsToAm = () => stack().am.journal.filter(({ action }) => action !== 'serverinfo').length;

  it.each([
    ['empty', ''],
    ['two quotes, as AM writes at its logout', '""'],
    ['LOGOUT', 'LOGOUT'],
    ['LOGOUT in quotes', '"LOGOUT"'],
    ['9 KB long', 'A'.repeat(9 * 1024)],
    ['with a space', 'AQIC a'],
    ['with a comma', 'AQIC,a'],
    ['with a quote inside', 'AQ"IC'],
    ['with one quote only', '"AQIC'],
    ['with a backslash', String.raw`AQ\IC`],
    ['with a tab inside', 'AQ\tIC'],
    ['with a letter beyond ASCII', 'AQ\u00e9IC'],
  ])('is no token when it is %s: 401 session_missing, AM is not asked', async (_what, value) => {
    const before = callsToAm();
    const answer = await send(value);
    expect(answer.status).toBe(401);
    expect(answer.json()['code']).toBe('session_missing');
    expect(answer.setCookies).toEqual([]);
    expect(callsToAm()).toBe(before);
  });

  it.each([
    ['an encoded line break', 'AQIC%0d%0aX-Forwarded-User:admin'],
    ['an encoded line break and a whole request', 'AQIC%0d%0a%0d%0aGET%20/am/__journal'],
    ['an encoded NUL', 'AQIC%00'],
    ['what cookie-parser takes for JSON', 'j:{}'],
    ['what cookie-parser takes for signed', 's:AQIC.sig'],
    ['a value like a header', 'AQIC:x'],
    ['only dots', '...'],
    ['a prototype name', '__proto__'],
  ])('is sent to AM as it is, never decoded: %s', async (_what, value) => {
    expect((await send(value)).json()['code']).toBe('session_expired');
    expect(askedAbout(stack(), value)).toHaveLength(1);
  });

  it.each([
    ['the alphabet of c66', 'AQIC5w-M2_LY4.Sfc*AAJTSQACMDE.*'],
    ['base64, where c66 is off', 'AQIC5w+M2/LY4=@AAJTSQACMDE=#'],
    ['percent signs that mean nothing', 'AQ%zzIC100%'],
    ['8 KB', 'A'.repeat(8 * 1024)],
  ])('reaches AM byte for byte: %s', async (_what, value) => {
    expect((await send(value)).json()['code']).toBe('session_expired');
    expect(askedAbout(stack(), value)).toHaveLength(1);
  });

  it('may stand in quotes, which AM takes off too', async () => {
    const token = stack().am.login();
    expect((await send(`"${token}"`)).status).toBe(200);
    expect(askedAbout(stack(), token)).toHaveLength(1);
  });

  it('counts only under the exact name', async () => {
    const token = stack().am.login();
    for (const other of [
      'iplanetdirectorypro',
      'xiPlanetDirectoryPro',
      'iPlanetDirectoryPro2',
      '"iPlanetDirectoryPro"',
    ]) {
      const answer = await stack().request('/api/x', { headers: { cookie: `${other}=${token}` } });
      expect(answer.json()['code']).toBe('session_missing');
    }
  });

  it('is found among many cookies, and the others reach the API untouched', async () => {
    const token = stack().am.login();
    const cookie = `a=1; ${name}=${token}; b="x y"; amlbcookie=01; c=%20; session-jwt=J`;
    const answer = await stack().request('/api/x', { headers: { cookie } });
    expect(answer.status).toBe(200);
    expect(stack().upstream.seen.at(-1)?.headers.cookie).toBe('a=1; b="x y"; c=%20');
  });

  it('is no token for a header of that name: only the cookie counts', async () => {
    const token = stack().am.login();
    const answer = await stack().request('/api/x', { headers: { [name]: token } });
    expect(answer.json()['code']).toBe('session_missing');
  });

  it.each([
    ['bytes beyond ASCII', Buffer.from([0xc3, 0xa9, 0xff, 0xfe])],
    ['a control character', Buffer.from([0x41, 0x01, 0x42])],
    ['a bare carriage return', Buffer.from('AQIC\rX-Evil: 1')],
    ['a NUL', Buffer.from([0x41, 0x00, 0x42])],
  ])('does no harm as raw bytes: %s', async (_what, value) => {
    const before = callsToAm();
    const seen = stack().upstream.seen.length;
    const head = `GET /api/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\nCookie: ${name}=`;
    const answer = await rawRequest(stack().url, Buffer.concat([Buffer.from(head), value, Buffer.from('\r\n\r\n')]));
    expect(answer).toMatch(/^HTTP\/1\.1 40[01] /);
    expect(callsToAm()).toBe(before);
    expect(stack().upstream.seen).toHaveLength(seen);
    expect((await stack().request('/livez')).status).toBe(200);
  });

  it('is handled the same at logout: what is no token is no session', async () => {
    const answer = await stack().request('/logout', { method: 'POST', headers: { cookie: `${name}=LOGOUT` } });
    expect(answer.status).toBe(200);
    expect(answer.json()['am']).toBe('no-session');
  });
});
