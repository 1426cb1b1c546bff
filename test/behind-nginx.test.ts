// TRUST_PROXY with the headers that a real nginx sends: what upstreams, AM and browsers are told about the client.

import http from 'node:http';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { navigationHeaders, request } from './support/http.js';
import { onEveryMount } from './support/mounted.js';
import { forwardedHeaders, startNginx, type Nginx } from './support/nginx.js';
import { describeWith } from './support/programs.js';

// other systems have one address only
const clientAddress = process.platform === 'linux' ? '127.0.0.2' : '127.0.0.1';
const agent = new http.Agent({ localAddress: clientAddress });

/** What a client may claim about itself. */
const forged = {
  'x-forwarded-for': '192.0.2.1',
  'x-forwarded-proto': 'https',
  'x-forwarded-host': 'evil.example',
  'x-real-ip': '192.0.2.1',
  forwarded: 'for=192.0.2.1;host=evil.example;proto=https',
};

describeWith(['nginx'], 'behind nginx', () => {
  onEveryMount('a proxy that trusts one hop', { proxy: { trustProxy: 1 } }, (stack) => {
    let nginx: Nginx;
    let behindTls: Nginx;
    let cookie: string;
    beforeAll(async () => {
      cookie = `${stack().am.cookieName}=${stack().am.login()}`;
      const pass = `proxy_pass ${stack().url}; proxy_http_version 1.1;`;
      nginx = await startNginx(`${forwardedHeaders} location / { ${pass} }`);
      behindTls = await startNginx(`${forwardedHeaders.replace('$scheme', 'https')} location / { ${pass} }`);
    });
    afterAll(async () => {
      await nginx.close();
      await behindTls.close();
    });

    it('tells upstreams of the client that nginx saw, and nothing that the client claims', async () => {
      const answer = await request(nginx.url, '/api/x', { headers: { cookie, ...forged }, agent });
      const { headers } = answer.json() as { headers: Record<string, string> };
      expect(headers).toMatchObject({
        'x-forwarded-for': `${clientAddress}, 127.0.0.1`,
        'x-forwarded-proto': 'http',
        'x-forwarded-host': new URL(nginx.url).host,
        'x-forwarded-user': 'demo',
      });
      expect(headers).not.toHaveProperty('forwarded');
      expect(headers).not.toHaveProperty('x-real-ip');
      expect(JSON.stringify(headers)).not.toMatch(/192\.0\.2\.1|evil\.example/);
    });

    it('sends browsers to the login and back to the address of nginx', async () => {
      for (const headers of [navigationHeaders, { ...navigationHeaders, ...forged }]) {
        const { status, headers: told } = await request(nginx.url, '/api/page?x=1', { headers, agent });
        expect(status).toBe(302);
        expect(new URL(told.location ?? '').searchParams.get('goto')).toBe(`${nginx.url}/api/page?x=1`);
      }
    });

    it('knows from nginx that the browser speaks TLS', async () => {
      const secure = behindTls.url.replace('http:', 'https:');
      const page = await request(behindTls.url, '/api/page', { headers: navigationHeaders });
      expect(new URL(page.headers.location ?? '').searchParams.get('goto')).toBe(`${secure}/api/page`);
      const { json } = await request(behindTls.url, '/api/x', { headers: { cookie } });
      expect(json()['headers']).toMatchObject({ 'x-forwarded-proto': 'https' });
    });

    it('clears cookies as the browser has them, Secure where it speaks TLS', async () => {
      for (const [{ url }, isSecure] of [[nginx, false] as const, [behindTls, true] as const]) {
        const { setCookies } = await request(url, '/logout', { method: 'POST' });
        expect(setCookies.length).toBeGreaterThan(0);
        for (const line of setCookies) expect(/; Secure/i.test(line)).toBe(isSecure);
      }
    });

    it('takes the address of nginx for its own, and no other, where a page posts', async () => {
      const post = async (origin: string, headers = {}) =>
        (await request(nginx.url, '/api/x', { method: 'POST', headers: { cookie, origin, ...headers } })).status;
      expect(await post(nginx.url)).toBe(200);
      expect(await post('http://evil.example')).toBe(403);
      expect(await post('http://evil.example', forged)).toBe(403);
    });
  });
});
