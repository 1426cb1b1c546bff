// Which cookies a logout clears: by name, host-only and for every domain, as browsers accept it.

import http from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { sessionProxy } from '../src/index.js';
import { recordingLogger } from './support/log.js';
import { request } from './support/http.js';
import { onEveryMount } from './support/mounted.js';

const post = 'POST';

onEveryMount(
  'the cookie domains that AM names',
  { simulator: { cookieDomains: ['example.com', 'other.org'] } },
  (stack) => {
    it('are cleared where the host of the request lies under them, besides the host-only cookie', async () => {
      const headers = { host: 'app.example.com' };
      const { setCookies } = await stack().as(stack().am.login(), '/logout', { method: post, headers });
      const lines = setCookies.filter((line) => line.startsWith('iPlanetDirectoryPro=;'));
      expect(lines.map((line) => /Domain=[^;]*/.exec(line)?.[0])).toEqual([undefined, 'Domain=example.com']);
    });

    it('are left out elsewhere: browsers would refuse them', async () => {
      const { setCookies } = await stack().as(stack().am.login(), '/logout', { method: post });
      const ours = setCookies.filter((line) => line.startsWith('iPlanetDirectoryPro=;'));
      expect(ours).toHaveLength(1);
      expect(ours[0]).not.toContain('Domain');
    });
  },
);

onEveryMount(
  'cookie domains that are configured',
  {
    proxy: { cookieDomains: ['a.example', 'b.example'], publicUrl: 'https://app.a.example', am: { cookies: ['mine'] } },
  },
  (stack, mount) => {
    it('are cleared whatever the host, for each name', async () => {
      const { setCookies } = await stack().as(stack().am.login(), '/logout', { method: post });
      for (const name of ['iPlanetDirectoryPro', 'amlbcookie', ...(mount === 'command' ? [] : ['mine'])]) {
        const lines = setCookies.filter((line) => line.startsWith(`${name}=;`));
        expect(lines.map((line) => /Domain=[^;]*/.exec(line)?.[0])).toEqual([
          undefined,
          'Domain=a.example',
          'Domain=b.example',
        ]);
        expect(lines.every((line) => line.includes('; Secure; SameSite=None'))).toBe(true);
      }
    });

    it('are cleared in GET /session too when the session is over', async () => {
      const { setCookies } = await stack().as('AQIC5dead*', '/session');
      expect(setCookies).toHaveLength(3);
    });
  },
);

describe('names with a prefix that browsers hold to rules', () => {
  for (const [name, domains] of [
    ['__Host-sso', [undefined]],
    ['__Secure-sso', [undefined, 'Domain=a.example']],
  ] as const) {
    onEveryMount(
      `a cookie named ${name}`,
      { simulator: { cookieName: name }, proxy: { cookieDomains: ['a.example'] } },
      (stack) => {
        it('is cleared with Secure even over plain http, a __Host- one without Domain', async () => {
          const { setCookies } = await stack().as(stack().am.login(), '/logout', { method: post });
          const lines = setCookies.filter((line) => line.startsWith(`${name}=;`));
          expect(lines.map((line) => /Domain=[^;]*/.exec(line)?.[0])).toEqual(domains);
          expect(lines.every((line) => line.includes('; Secure') && line.includes('; Path=/'))).toBe(true);
        });
      },
      { forms: ['wrap'] },
    );
  }
});

describe('what AM sets at the logout', () => {
  it('is passed on only where it clears one of these cookies', async () => {
    const lines = [
      'iPlanetDirectoryPro=LOGOUT; Expires=Thu, 01 Jan 1970 00:00:10 GMT; Domain=example.com',
      'session-jwt=; Max-Age=0; Path=/',
      'iPlanetDirectoryPro=AQIC5other*; Path=/',
      'amlbcookie=02; Path=/',
      'JSESSIONID=; Max-Age=0',
      'tracking=1',
    ];
    const bff = sessionProxy({
      am: { url: 'http://127.0.0.1:9/am', cookieName: 'iPlanetDirectoryPro' },
      logger: recordingLogger([]),
      amTransport: () =>
        Promise.resolve({
          status: 200,
          headers: { 'set-cookie': lines },
          body: '{"result":"Successfully logged out"}',
        }),
    });
    const server = http.createServer(bff.wrap((_req, res) => res.end()));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const answer = await request(url, '/logout', { method: post, headers: { cookie: 'iPlanetDirectoryPro=AQIC5x*' } });
    await bff.close();
    server.close();
    expect(answer.json()).toMatchObject({ am: 'ended' });
    expect(answer.setCookies.filter((line) => lines.includes(line))).toEqual(lines.slice(0, 2));
  });
});
