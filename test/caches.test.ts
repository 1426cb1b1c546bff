// A shared cache in front, set up to keep all that it may: nobody is shown an answer that somebody else's session got.

import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fetchHeaders, navigationHeaders, request, type Answer } from './support/http.js';
import { onEveryMount } from './support/mounted.js';
import { forwardedHeaders, startNginx, type Nginx } from './support/nginx.js';
import { describeWith } from './support/programs.js';
import type { Stack } from './support/stack.js';

/**
 * The key is nginx's own, scheme, host and target: no cookie in it. And upstreams are asked for parts and changes, of
 * which nginx by itself knows that they are no answers for everybody.
 */
const keepEverything = `
  proxy_set_header If-None-Match $http_if_none_match;
  proxy_set_header Range $http_range;
  proxy_cache answers;
  proxy_cache_valid any 1h;
  proxy_cache_lock on;
  proxy_cache_revalidate on;
  proxy_cache_background_update on;
  proxy_cache_use_stale error timeout updating http_500 http_502 http_503 http_504;
  add_header X-Cache-Status $upstream_cache_status always;`;

const inAYear = new Date(Date.now() + 365 * 24 * 60 * 60 * 1000).toUTCString();
const lastYear = new Date(Date.now() - 365 * 24 * 60 * 60 * 1000).toUTCString();

/** What upstreams say, or not, that makes a shared cache keep an answer. */
const temptations: [title: string, headers: OutgoingHttpHeaders][] = [
  ['nothing', {}],
  ['public', { 'cache-control': 'public' }],
  ['public, max-age', { 'cache-control': 'public, max-age=600' }],
  ['max-age', { 'cache-control': 'max-age=600' }],
  ['s-maxage', { 'cache-control': 's-maxage=600' }],
  ['s-maxage, and max-age=0', { 'cache-control': 'max-age=0, s-maxage=600' }],
  ['immutable', { 'cache-control': 'public, max-age=31536000, immutable' }],
  ['stale answers', { 'cache-control': 'max-age=1, stale-while-revalidate=600, stale-if-error=600' }],
  ['two lines', { 'Cache-Control': ['max-age=600', 'public'] }],
  ['Expires', { expires: inAYear }],
  ['X-Accel-Expires', { 'x-accel-expires': '600' }],
  ['X-Accel-Expires before private', { 'x-accel-expires': '600', 'cache-control': 'private' }],
  ['Last-Modified', { 'last-modified': lastYear }],
  ['an ETag that is the same for all', { etag: '"same"' }],
  ['Vary', { vary: 'Accept', 'cache-control': 'max-age=600' }],
  ['Surrogate-Control', { 'surrogate-control': 'max-age=600' }],
  ['CDN-Cache-Control', { 'cdn-cache-control': 'max-age=600' }],
  ['a vendor of its own', { 'cloudflare-cdn-cache-control': 'max-age=600', 'edge-control': 'cache-maxage=600' }],
  ['Pragma', { pragma: 'public', 'cache-control': 'max-age=600' }],
];

const userOf = ({ headers }: IncomingMessage): string => String(headers['x-forwarded-user'] ?? 'everybody');

describeWith(['nginx'], 'a shared cache', () => {
  onEveryMount('in front of the proxy', { proxy: { trustProxy: 1 } }, (stack, mount) => {
    let nginx: Nginx;
    let alice: string;
    let bob: string;
    beforeAll(async () => {
      alice = stack().am.login('alice');
      bob = stack().am.login('bob');
      nginx = await startNginx(
        `${keepEverything} ${forwardedHeaders} location / { proxy_pass ${stack().url}; proxy_http_version 1.1; }`,
      );
    });
    afterAll(() => nginx.close());

    const anonymous = (path: string, headers: OutgoingHttpHeaders = {}, method = 'GET') =>
      request(nginx.url, path, { method, headers });
    const as = (token: string, path: string, headers: OutgoingHttpHeaders = {}, method = 'GET') =>
      anonymous(path, { cookie: `${stack().am.cookieName}=${token}`, ...headers }, method);
    /** Told by nginx: whether it had the answer. */
    const told = ({ headers }: Answer) => headers['x-cache-status'];
    /** Asks the upstream for its user, with these headers on the answer. */
    const answerWith = ({ upstream }: Stack, given: OutgoingHttpHeaders): void => {
      upstream.answer = (req, res) => {
        res.writeHead(200, given).end(`for ${userOf(req)}`);
      };
    };

    it.each(temptations)('keeps answers of public routes when the upstream says: %s', async (title, headers) => {
      answerWith(stack(), headers);
      const path = `/public/${encodeURIComponent(title)}`;
      const before = stack().upstream.seen.length;
      const answers = [await as(alice, path), await as(bob, path), await anonymous(path)];
      expect(answers.map(({ body }) => body)).toEqual(Array.from(answers, () => 'for everybody'));
      expect(answers.map(told)).toEqual(['MISS', 'HIT', 'HIT']);
      expect(stack().upstream.seen.length - before).toBe(1);
    });

    it.each(temptations)('keeps none that needed a session when the upstream says: %s', async (title, headers) => {
      answerWith(stack(), headers);
      const path = `/api/${encodeURIComponent(title)}`;
      const answers = [await as(alice, path), await as(bob, path), await anonymous(path), await as(alice, path)];
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 401, 200]);
      expect(answers.map(({ body }) => body).filter((_, i) => i !== 2)).toEqual(['for alice', 'for bob', 'for alice']);
      expect(answers[2]?.body).not.toMatch(/for (?:alice|bob)/);
      expect(answers.map(told)).toEqual(Array.from(answers, () => 'MISS'));
    });

    it('keeps none for those who ask at the same time', async () => {
      answerWith(stack(), { 'cache-control': 'public, max-age=600' });
      const users = Array.from({ length: 4 }, (_, i) => (i % 2 === 0 ? 'alice' : 'bob'));
      const answers = await Promise.all(users.map((user) => as(user === 'alice' ? alice : bob, '/api/at-once')));
      expect(answers.map(({ body }) => body)).toEqual(users.map((user) => `for ${user}`));
    });

    it('does not take a HEAD for a GET, nor the other way', async () => {
      answerWith(stack(), { 'cache-control': 'public, max-age=600' });
      for (const method of ['HEAD', 'GET', 'HEAD'])
        for (const [token, user] of [[alice, 'alice'] as const, [bob, 'bob'] as const]) {
          const answer = await as(token, '/api/head', {}, method);
          expect(told(answer)).toBe('MISS');
          expect(answer.body).toBe(method === 'GET' ? `for ${user}` : '');
        }
    });

    it('has no part of an answer for another user', async () => {
      stack().upstream.answer = (req, res) => {
        const body = `for ${userOf(req)}`;
        const isPart = req.headers.range === 'bytes=4-6';
        const range = { 'content-range': `bytes 4-6/${body.length}` };
        res.writeHead(isPart ? 206 : 200, { 'cache-control': 'public, max-age=600', ...(isPart && range) });
        res.end(isPart ? body.slice(4, 7) : body);
      };
      const range = { range: 'bytes=4-6' };
      for (const [token, whole] of [[alice, 'for alice'] as const, [bob, 'for bob'] as const]) {
        const part = await as(token, '/api/part', range);
        expect(told(part)).toBe('MISS');
        expect(part).toMatchObject({ status: 206, body: whole.slice(4, 7) });
        expect((await as(token, '/api/part')).body).toBe(whole);
      }
      expect((await anonymous('/api/part', range)).status).toBe(401);
    });

    it('says "not modified" of nothing that another user got', async () => {
      stack().upstream.answer = (req, res) => {
        const user = userOf(req);
        const etag = `"${user}"`;
        const isSame = req.headers['if-none-match'] === etag;
        res.writeHead(isSame ? 304 : 200, { etag, 'cache-control': 'public, max-age=600' });
        res.end(isSame ? undefined : `for ${user}`);
      };
      const ofAlice = { 'if-none-match': '"alice"' };
      expect((await as(alice, '/api/same')).body).toBe('for alice');
      expect((await as(alice, '/api/same', ofAlice)).status).toBe(304);
      const answer = await as(bob, '/api/same', ofAlice);
      expect(answer).toMatchObject({ status: 200, body: 'for bob' });
      expect((await anonymous('/api/same', ofAlice)).status).toBe(401);
    });

    it.each([401, 403, 404, 500])('keeps no %i of an upstream for another user', async (status) => {
      stack().upstream.answer = (req, res) => {
        res.writeHead(userOf(req) === 'bob' ? 200 : status, { 'cache-control': 'public, max-age=600' }).end();
      };
      expect((await as(alice, `/api/${status}`)).status).toBe(status);
      expect((await as(bob, `/api/${status}`)).status).toBe(200);
    });

    it('keeps neither a 401 nor the way to the login page', async () => {
      answerWith(stack(), { 'cache-control': 'public, max-age=600' });
      for (const [headers, refused] of [[fetchHeaders, 401] as const, [navigationHeaders, 302] as const]) {
        const path = `/api/denied-${refused}`;
        const answers = [
          await anonymous(path, headers),
          await as(alice, path, headers),
          await anonymous(path, headers),
        ];
        expect(answers.map(({ status }) => status)).toEqual([refused, 200, refused]);
        expect(answers.map(told)).toEqual(['MISS', 'MISS', 'MISS']);
      }
    });

    it('tells everybody of his own session, and of its end', async () => {
      const short = stack().am.login('carol');
      for (const [token, username] of [[alice, 'alice'] as const, [short, 'carol'] as const, [bob, 'bob'] as const])
        expect((await as(token, '/session')).json()).toMatchObject({ username });
      expect((await anonymous('/session')).json()).toMatchObject({ authenticated: false });
      expect((await as(short, '/api/carol')).status).toBe(200);
      expect((await as(short, '/logout', fetchHeaders, 'POST')).status).toBe(200);
      expect((await as(short, '/session')).json()).toMatchObject({ authenticated: false });
      expect((await as(short, '/api/carol')).status).toBe(401);
    });

    it("keeps no answer of the app's own routes that needed a session", async () => {
      // the command has no app
      if (mount === 'command') return;
      const answers = [await as(alice, '/own/report'), await as(bob, '/own/report')];
      expect(answers.map((answer) => answer.json()['username'])).toEqual(['alice', 'bob']);
      expect((await anonymous('/own/report')).status).toBe(401);
      expect(answers.map(told)).toEqual(['MISS', 'MISS']);
    });

    it('has nothing of them on its disk, with all that was asked here', async () => {
      answerWith(stack(), {});
      await as(alice, '/public/last');
      expect(nginx.cached()).toContain('for everybody');
      expect(nginx.cached()).not.toMatch(/alice|bob|carol/);
    });
  });
});
