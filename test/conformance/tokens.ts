// Tokens that are dead, damaged, encoded, or two in one request.

import { describe, expect, test } from 'vitest';
import {
  accessDenied,
  act,
  ask,
  authenticate,
  demo,
  forbidden,
  login,
  realms,
  seen,
  type Target,
  v2,
} from './target.js';

// The tail of every token begins with the name and length of the server's id.
const damagedTail = (token: string): string => token.replace('AAJTSQ', 'AAJTSR');
const otherServer = (token: string): string => token.replace('ACMDEAA', 'ACMDIAA');
const jwt = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ4In0.c2ln';

export function describeTokens(am: () => Target): void {
  describe('a token that AM does not know', () => {
    test.each([
      ['no token at all', () => undefined],
      ['an empty one', () => ''],
      ['garbage', () => 'garbage'],
      ['LOGOUT', () => 'LOGOUT'],
      ['8,000 characters', () => `AQIC${'x'.repeat(8_000)}`],
      ['a live one in quotes', (token: string) => `"${token}"`],
      ['a live one and more', (token: string) => `${token} x`],
      ['another head', (token: string) => token.replace('AQIC5wM2', 'AQIC5wM3')],
      ['no tail', (token: string) => `${token.split('*')[0]}*`],
      ['an empty tail', (token: string) => `${token.split('*')[0]}**`],
      ['no end', (token: string) => token.slice(0, -1)],
      ['more than the end', (token: string) => `${token}x`],
      ['half a percent-encoding', (token: string) => `${token}%2`],
      ['a JWT alone', () => jwt],
    ])('%s: 401', async (_title, make) => {
      const bad = make(await login(am()));
      for (const action of ['getSessionInfo', 'refresh', 'logout']) {
        expect(seen(await act(am(), action, bad))).toEqual([401, accessDenied]);
      }
    });

    test('another’s tail: 401', async () => {
      const [[head], [, tail]] = [(await login(am())).split('*'), (await login(am())).split('*')];
      expect((await act(am(), 'getSessionInfo', `${head}*${tail}*`)).status).toBe(401);
    });

    test('70,000 characters are the container’s 400', async () => {
      const reply = await act(am(), 'getSessionInfo', 'x'.repeat(70_000));
      expect(reply.status).toBe(400);
      expect(reply.headers['content-type']).toMatch(/^text\/html/);
    });
  });

  describe('a damaged token', () => {
    test.each([
      ['a tail that does not decode', damagedTail],
      ['a tail cut short', (token: string) => `${token.slice(0, -5)}*`],
      ['a server that does not exist', otherServer],
      ['a made-up head and a cut tail', () => 'AQICxx*AAJTSQAC*'],
      ['a tail that is no base64', () => 'AQICxx*AAJ!!*'],
      ['no head', () => '*abcd*'],
      ['a client-side one that AM did not sign', () => `AQIC*${jwt}`],
    ])('%s: 500 without body and type, whatever is asked', async (_title, damage) => {
      const token = await login(am());
      const bad = damage(token);
      for (const [action, version] of [
        ['getSessionInfo', v2],
        ['getSessionInfo', 'resource=4.0'],
        ['refresh', v2],
        ['logout', v2],
        ['validate', 'resource=1.2'],
        ['nonsense', 'resource=x'],
      ] as const) {
        const reply = await act(am(), action, bad, { version });
        expect([reply.status, reply.text]).toEqual([500, '']);
        expect(reply.headers['content-type']).toBeUndefined();
        expect(reply.headers['content-length']).toBe('0');
      }
      expect((await act(am(), 'getSessionInfo', token)).status).toBe(200);
    });

    test('makes 500 of everything else under /json as well: logins, serverinfo, paths that lead nowhere', async () => {
      const bad = damagedTail(await login(am()));
      const withCookie = { Cookie: `${am().cookieName}=${bad}` };
      const withHeader = { [am().cookieName]: bad };
      expect((await authenticate(am(), { ...demo, ...withCookie })).status).toBe(500);
      expect((await authenticate(am(), { ...demo, ...withHeader })).status).toBe(500);
      for (const path of ['/json/serverinfo/*', '/json/nothing', '/json/realms/root/realms/nope/serverinfo/*']) {
        expect((await ask(am(), path, { headers: withCookie })).status).toBe(500);
      }
      expect(
        (await ask(am(), '/json/serverinfo/*', { headers: { ...withHeader, Host: 'other.example' } })).status,
      ).toBe(500);
      expect((await ask(am(), '/isAlive.jsp', { headers: withCookie })).status).toBe(200);
    });

    test('spoils a live one beside it', async () => {
      const token = await login(am());
      const bad = damagedTail(token);
      expect((await askWith(am(), `${am().cookieName}=${bad}`, token)).status).toBe(500);
      expect((await askWith(am(), `${am().cookieName}=${token}`, bad)).status).toBe(500);
      expect((await act(am(), `getSessionInfo&tokenId=${bad}`, token)).status).toBe(500);
    });
  });

  describe('where the token is', () => {
    test('the header and the cookie are named without regard to case', async () => {
      const token = await login(am());
      const name = am().cookieName.toLowerCase();
      expect((await askWith(am(), `${name}=${token}`)).status).toBe(200);
      const headers = { [name]: token, 'Accept-API-Version': v2 };
      const reply = await ask(am(), '/json/sessions?_action=getSessionInfo', { method: 'POST', headers });
      expect(reply.status).toBe(200);
    });

    test('in the cookie it may be in quotes, in neither place percent-encoded', async () => {
      const token = await login(am());
      const encoded = token.replaceAll('*', '%2A');
      expect((await askWith(am(), `${am().cookieName}="${token}"`)).status).toBe(200);
      expect((await askWith(am(), `${am().cookieName}=${encoded}`)).status).toBe(401);
      expect((await act(am(), 'getSessionInfo', encoded)).status).toBe(401);
    });

    test('in a cookie it needs no header against forgery', async () => {
      const headers = { Cookie: `${am().cookieName}=${await login(am())}`, Origin: 'http://evil.example' };
      const reply = await ask(am(), '/json/sessions?_action=getSessionInfo', { method: 'POST', headers });
      expect(reply.status).toBe(200);
    });

    test('in the query it counts only beside a caller who is alive', async () => {
      const token = await login(am());
      expect((await act(am(), `getSessionInfo&tokenId=${token}`, undefined)).status).toBe(401);
      expect((await act(am(), `getSessionInfo&tokenId=${token}`, token)).status).toBe(200);
    });

    test('in the body it counts for nothing', async () => {
      const token = await login(am());
      const body = JSON.stringify({ tokenId: 'dead' });
      expect((await act(am(), 'getSessionInfo', token, { body })).status).toBe(200);
    });
  });

  describe('two tokens in one request', () => {
    test('a live cookie beside a dead header is 403, a dead cookie beside a live header 401', async () => {
      const token = await login(am());
      const name = am().cookieName;
      expect(seen(await askWith(am(), `${name}=${token}`, 'dead'))).toEqual([403, forbidden]);
      expect(seen(await askWith(am(), `${name}=dead`, token))).toEqual([401, accessDenied]);
      expect((await askWith(am(), `${name}=${token}`, token)).status).toBe(200);
    });

    test('of two cookies the first one counts', async () => {
      const token = await login(am());
      const name = am().cookieName;
      expect((await askWith(am(), `${name}=dead; ${name}=${token}`)).status).toBe(401);
      expect((await askWith(am(), `${name}=${token}; ${name}=dead`)).status).toBe(200);
    });

    test('two sessions of one user pass for one, two realms do not', async () => {
      const [one, other, foreign] = [await login(am()), await login(am()), await login(am(), realms[0])];
      const name = am().cookieName;
      expect((await askWith(am(), `${name}=${one}`, other)).status).toBe(200);
      expect((await act(am(), `getSessionInfo&tokenId=${other}`, one)).status).toBe(200);
      expect(seen(await askWith(am(), `${name}=${one}`, foreign))).toEqual([403, forbidden]);
      expect(seen(await act(am(), `getSessionInfo&tokenId=${foreign}`, one))).toEqual([403, forbidden]);
      expect(seen(await act(am(), 'getSessionInfo&tokenId=dead', one))).toEqual([403, forbidden]);
    });
  });
}

const askWith = (am: Target, cookie: string, header?: string) =>
  ask(am, '/json/sessions?_action=getSessionInfo', {
    method: 'POST',
    headers: { Cookie: cookie, 'Accept-API-Version': v2, ...(header !== undefined && { [am.cookieName]: header }) },
  });
