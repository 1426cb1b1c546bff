// Mounted in a team's app: what is not ours stays as it is, and the team's own routes can ask for a session.

import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import cookieParser from 'cookie-parser';
import express, { type Express } from 'express';
import helmet from 'helmet';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sessionProxy, type SessionProxy } from '../src/index.js';
import { fetchHeaders, navigationHeaders, request, type RequestOptions } from './support/http.js';
import { recordingLogger } from './support/log.js';
import { askedAbout } from './support/mounted.js';
import { eventually, startStack, type Stack } from './support/stack.js';

let stack: Stack;
const closers: (() => Promise<void>)[] = [];

beforeAll(async () => {
  stack = await startStack();
});
afterAll(async () => {
  for (const close of closers) await close();
  await stack.close();
});

/** An app of a team; `build` mounts everything. */
async function startApp(build: (app: Express, bff: SessionProxy) => void, backgroundPaths: string[] = []) {
  const log: string[] = [];
  const bff = sessionProxy({
    am: { url: stack.am.url, updateFrequencyS: 2 },
    routes: [{ path: '/api', target: stack.upstream.url }],
    session: { backgroundPaths },
    logger: recordingLogger(log),
  });
  const app = express();
  app.disable('x-powered-by').disable('etag');
  build(app, bff);
  const server = http.createServer(app).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  closers.push(async () => {
    await bff.close();
    server.close();
    server.closeAllConnections();
  });
  return {
    url,
    log,
    bff,
    send: (path: string, options?: RequestOptions) => request(url, path, options),
    as: (token: string, path: string, options: RequestOptions = {}) =>
      request(url, path, { ...options, headers: { cookie: `${stack.am.cookieName}=${token}`, ...options.headers } }),
  };
}

const untilReady = (app: { send(path: string): Promise<{ status: number }> }) =>
  eventually(async () => (await app.send('/readyz')).status === 200);

describe('what is none of ours', () => {
  it('passes untouched: no header is set, no cookie parsed, no origin checked', async () => {
    const app = await startApp((routes, bff) => {
      routes.use(bff);
      routes.all('/hook', (req, res) => {
        res.json({
          headers: res.getHeaderNames(),
          cookies: (req as { cookies?: unknown }).cookies ?? 'none',
          url: req.url,
          own: Object.keys(req).filter((key) => /session|cookie|body/i.test(key)),
        });
      });
    });
    await untilReady(app);
    const answer = await app.send('/hook?a=1', {
      method: 'POST',
      body: 'x',
      headers: {
        origin: 'https://webhooks.example',
        'sec-fetch-site': 'cross-site',
        cookie: 'a=1; iPlanetDirectoryPro=T',
      },
    });
    expect(answer.json()).toEqual({ headers: [], cookies: 'none', url: '/hook?a=1', own: [] });
    expect(answer.headers).not.toHaveProperty('x-request-id');
    expect(answer.headers).not.toHaveProperty('content-security-policy');
  });

  it('may be Express routes of any kind beside ours', async () => {
    const app = await startApp((routes, bff) => {
      routes.get('/before', (_req, res) => void res.send('before'));
      routes.use(bff);
      routes.get('/apixyz', (_req, res) => void res.send('mine'));
      routes.get('/logout/done', (_req, res) => void res.send('done'));
    });
    expect((await app.send('/before')).body).toBe('before');
    expect((await app.send('/apixyz')).body).toBe('mine');
    expect((await app.send('/logout/done')).body).toBe('done');
  });
});

describe('mounted under a prefix', () => {
  it('answers 500 and says once in the log how to mount it', async () => {
    const app = await startApp((routes, bff) => routes.use('/app', bff));
    for (const path of ['/app/api/x', '/app/session', '/app', '/app/elsewhere']) {
      const answer = await app.send(path);
      expect(answer.status).toBe(500);
      expect(answer.json()).toMatchObject({ code: 'internal_error' });
      expect(answer.headers['x-content-type-options']).toBe('nosniff');
    }
    expect(app.log.filter((line) => line.includes('app.use(bff)'))).toHaveLength(1);
    expect((await app.send('/other')).status).toBe(404);
  });

  it('answers 500 in a router and in an app inside the app as well', async () => {
    const app = await startApp((routes, bff) => {
      routes.use('/router', express.Router().use(bff));
      routes.use('/inner', express().use(bff));
    });
    expect((await app.send('/router/api/x')).status).toBe(500);
    expect((await app.send('/inner/api/x')).status).toBe(500);
  });
});

describe('requireSession', () => {
  const build = (routes: Express, bff: SessionProxy): void => {
    routes.use(bff);
    const router = express.Router();
    router.use(bff.requireSession);
    router.all('/report', (req, res) => void res.json(req.amSession));
    router.get('/poll', (_req, res) => void res.send('nothing new'));
    router.get('/cached', (_req, res) => void res.set('cache-control', 'no-store').send('x'));
    routes.use('/own', router);
  };

  it('lets live sessions through and tells the route who it is, without the token', async () => {
    const app = await startApp(build);
    await untilReady(app);
    const token = stack.am.login();
    const answer = await app.as(token, '/own/report');
    expect(answer.status).toBe(200);
    expect(answer.json()).toEqual({
      username: 'demo',
      realm: '/',
      idleExpiresIn: expect.any(Number) as number,
      sessionExpiresIn: expect.any(Number) as number,
    });
    expect(answer.headers['cache-control']).toBe('private, no-cache');
    expect((await app.as(token, '/own/cached')).headers['cache-control']).toBe('no-store');
    expect(askedAbout(stack, token)).toMatchObject([{ action: 'refresh' }]);
  });

  it('answers for the route where there is no session, and navigations come back to the whole address', async () => {
    const app = await startApp(build);
    await untilReady(app);
    const fetched = await app.send('/own/report', { headers: fetchHeaders });
    expect(fetched.status).toBe(401);
    expect(fetched.json()).toMatchObject({ code: 'session_missing' });
    const page = await app.send('/own/report?x=1', { headers: navigationHeaders });
    expect(page.status).toBe(302);
    expect(new URL(page.headers.location ?? '').searchParams.get('goto')).toBe(`${app.url}/own/report?x=1`);
  });

  it('checks the origin of unsafe requests', async () => {
    const app = await startApp(build);
    await untilReady(app);
    const headers = { origin: 'https://evil.example' };
    const answer = await app.as(stack.am.login(), '/own/report', { method: 'POST', headers });
    expect(answer.status).toBe(403);
    expect(answer.json()).toMatchObject({ code: 'cross_site_request' });
  });

  it('knows background paths by the whole address', async () => {
    const app = await startApp(build, ['/own/poll']);
    await untilReady(app);
    const token = stack.am.login();
    expect((await app.as(token, '/own/poll')).status).toBe(200);
    expect(askedAbout(stack, token)).toMatchObject([{ action: 'getSessionInfo' }]);
  });

  it('needs no bff in front of it', async () => {
    const app = await startApp((routes, bff) => {
      routes.get('/alone', bff.requireSession, (_req, res) => void res.send('in'));
    });
    await eventually(async () => (await app.as(stack.am.login(), '/alone')).status === 200);
    expect((await app.send('/alone')).status).toBe(401);
  });
});

describe("beside a team's own middleware", () => {
  const build = (routes: Express, bff: SessionProxy): void => {
    routes.use(helmet());
    routes.use(cookieParser());
    routes.use((_req, res, next) => {
      res.cookie('team', '1');
      next();
    });
    routes.use(bff);
    routes.get('/page', (req, res) => void res.json((req as { cookies?: unknown }).cookies));
  };

  it('every security header of our answers is there once, ours', async () => {
    const app = await startApp(build);
    await untilReady(app);
    const token = stack.am.login();
    for (const path of ['/session', '/api/x']) {
      const answer = await app.as(token, path);
      expect(answer.status).toBe(200);
      for (const [name, value] of app.bff.securityHeaders) {
        const values = answer.rawHeaders.filter((_each, index, all) => all[index - 1]?.toLowerCase() === name);
        expect({ [name]: values.filter((_value, index) => index >= 0) }).toEqual({ [name]: [value] });
      }
    }
  });

  it('cookies that the team sets stay in every answer of ours', async () => {
    const app = await startApp(build);
    await untilReady(app);
    const token = stack.am.login();
    const answers = [
      await app.as(token, '/api/x'),
      await app.as(token, '/session'),
      await app.as('AQIC5dead*', '/session'),
      await app.as('AQIC5dead*', '/api/x', { headers: navigationHeaders }),
      await app.as(token, '/logout', { method: 'POST' }),
    ];
    for (const { setCookies } of answers) expect(setCookies).toContain('team=1; Path=/');
    expect(answers.map(({ setCookies }) => setCookies.length > 1)).toEqual([false, false, true, true, true]);
  });

  it.each([200, 502])("an access log before it sees the client's request when it is answered (%i)", async (status) => {
    const seen: unknown[] = [];
    const app = await startApp((to, bff) => {
      to.set('trust proxy', true).use((req, res, next) => {
        const { headers } = req;
        res.once('finish', () => seen.push(req.ip, req.headers === headers, req.headers.host));
        next();
      });
      to.use(bff);
    });
    await untilReady(app);
    if (status === 502) stack.upstream.answer = (req) => void req.socket.destroy();
    const headers = { host: 'app.example', 'x-forwarded-for': '203.0.113.9' };
    // the second: on a connection of its own
    for (const more of [{}, { accept: 'text/event-stream' }]) {
      seen.length = 0;
      const answer = await app.as(stack.am.login(), '/api/x', { headers: { ...headers, ...more } });
      expect(answer.status).toBe(status);
      await eventually(() => seen.length > 0);
      expect(seen).toEqual(['203.0.113.9', true, 'app.example']);
    }
    stack.upstream.answer = undefined;
  });

  it("the team's cookie parser goes on working", async () => {
    const app = await startApp(build);
    expect((await app.send('/page', { headers: { cookie: 'a=1' } })).json()).toEqual({ a: '1' });
  });
});

describe('in front of an app', () => {
  it('hands on what is none of ours, and proxied requests never enter the app', async () => {
    const entered: string[] = [];
    const bff = sessionProxy({
      am: { url: stack.am.url },
      routes: [{ path: '/api', target: stack.upstream.url }],
      logger: recordingLogger([]),
    });
    const server = http.createServer(
      bff.wrap((req, res) => {
        entered.push(req.url ?? '');
        res.end('the app');
      }),
    );
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await eventually(async () => (await request(url, '/readyz')).status === 200);
    const headers = { cookie: `${stack.am.cookieName}=${stack.am.login()}` };
    expect((await request(url, '/api/x', { headers })).status).toBe(200);
    expect((await request(url, '/page')).body).toBe('the app');
    expect(entered).toEqual(['/page']);
    await bff.close();
    server.close();
  });

  it('is closed: what is under way ends, and is sent to nobody once more', async () => {
    const app = await startApp((to, bff) => void to.use(bff));
    await untilReady(app);
    const token = stack.am.login();
    // the next one finds a connection that has served before
    await app.as(token, '/api/first');
    stack.upstream.seen.length = 0;
    stack.upstream.answer = () => undefined;
    const hanging = app.as(token, '/api/hanging');
    await eventually(() => stack.upstream.seen.length === 1);
    await app.bff.close();
    expect((await hanging).status).toBe(502);
    stack.upstream.answer = undefined;
    await app.as(token, '/api/later').catch(() => undefined);
    expect(stack.upstream.seen.filter(({ url }) => url === '/api/hanging')).toHaveLength(1);
  });
});
