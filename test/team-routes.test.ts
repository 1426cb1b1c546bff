// Beside the team's own routes: theirs stay theirs, and those that ask for a session get it.

import cookieParser from 'cookie-parser';
import express, { type ErrorRequestHandler, type Express, type Request, type Response } from 'express';
import helmet from 'helmet';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { fetchHeaders, navigationHeaders, rawRequest } from './support/http.js';
import { accessLog, compression } from './support/neighbours.js';
import { eventually, startStack, type Stack } from './support/stack.js';
import { startTeamApp, startTeamServer, type TeamApp } from './support/team-app.js';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(() => stack.close());
afterEach(() => {
  stack.upstream.answer = undefined;
});

describe('what is none of ours', () => {
  /** All that somebody could have done to a request and its answer. */
  const stateOf = (req: Request, res: Response) => ({
    url: [req.url, req.originalUrl, req.baseUrl, req.method],
    headers: JSON.stringify(req.headers),
    keys: [Reflect.ownKeys(req), Reflect.ownKeys(res)].map((keys) => keys.map(String).toSorted()),
    prototypes: [Object.getPrototypeOf(req) as unknown, Object.getPrototypeOf(res) as unknown],
    listeners: [req, res, req.socket].map((emitter) =>
      emitter.eventNames().map((name) => [String(name), emitter.listenerCount(name)]),
    ),
    stream: [req.readableFlowing, req.readableDidRead, req.isPaused(), req.listenerCount('data')],
    answer: [res.getHeaderNames(), res.statusCode, res.headersSent],
    cookies: (req as { cookies?: unknown }).cookies,
  });

  it.each(['/hook', '/apix', '/logout/all', '/'])('passes %s as if we were not there', async (path) => {
    const states: ReturnType<typeof stateOf>[] = [];
    const note = (req: Request, res: Response, next: () => void): void => {
      states.push(stateOf(req, res));
      next();
    };
    const team = await startTeamApp(
      stack,
      (app) => app.use((req, res, next) => (req.path === path ? note(req, res, next) : next())),
      (app) => {
        app.use(note, express.text(), (req, res) => void res.type('text/plain').send(`got ${String(req.body)}`));
      },
    );
    onTestFinished(() => team.close());
    const answer = await team.asUser(path, {
      method: 'POST',
      body: 'the body',
      headers: { 'content-type': 'text/plain', origin: 'https://webhooks.example', 'sec-fetch-site': 'cross-site' },
    });
    expect([answer.status, answer.body]).toEqual([200, 'got the body']);
    expect(states).toHaveLength(2);
    expect(states[1]).toEqual(states[0]);
  });
});

describe('own routes', () => {
  const admin = (bff: TeamApp['bff']) => {
    const router = express.Router();
    router.use(bff.requireSession, express.json());
    router.get('/', (req, res) => void res.json({ at: req.baseUrl, user: req.amSession?.username }));
    router.post('/users', (req, res) => void res.status(201).json(req.body));
    router.get('/broken', () => {
      throw new Error('broken');
    });
    return router;
  };
  const ownErrors: ErrorRequestHandler = (error: Error, _req, res, _next) => {
    res.status(500).json({ team: error.message });
  };

  it.each(['before', 'after'])('mounted %s us under a prefix need a session, and keep their errors', async (order) => {
    const mount = (app: Express, bff: TeamApp['bff']): void => {
      app.get('/admin/open', (_req, res) => void res.send('open'));
      app.use('/admin', admin(bff));
    };
    const team = await startTeamApp(stack, order === 'before' ? mount : () => undefined, (app, bff) => {
      if (order === 'after') mount(app, bff);
      app.use(ownErrors);
    });
    onTestFinished(() => team.close());

    expect((await team.asUser('/admin')).json()).toEqual({ at: '/admin', user: 'demo' });
    const posted = await team.asUser('/admin/users', {
      method: 'POST',
      headers: { ...fetchHeaders, 'content-type': 'application/json' },
      body: '{"name":"x"}',
    });
    expect([posted.status, posted.json()]).toEqual([201, { name: 'x' }]);
    expect((await team.asUser('/admin/broken')).json()).toEqual({ team: 'broken' });
    expect((await team.request('/admin/open')).body).toBe('open');
    const denied = await team.request('/admin/users', { method: 'POST', body: 'x'.repeat(100_000) });
    expect([denied.status, denied.json()['code']]).toEqual([401, 'session_missing']);
    const page = await team.request('/admin/?tab=1', { headers: navigationHeaders });
    expect(new URL(page.headers.location ?? '').searchParams.get('goto')).toBe(`${team.url}/admin/?tab=1`);
    expect((await team.asUser('/api/x')).status).toBe(200);
  });

  it("an error of the team's middleware goes to the team's handler, ours never do", async () => {
    const told: string[] = [];
    const team = await startTeamApp(
      stack,
      (app) => {
        app.use((req, _res, next) => next(req.query['fail'] === undefined ? undefined : new Error('before')));
      },
      (app) => {
        app.use(((error: Error, _req, res, _next) => {
          told.push(error.message);
          res.status(500).send('team');
        }) satisfies ErrorRequestHandler);
      },
    );
    onTestFinished(() => team.close());
    expect((await team.asUser('/api/x?fail')).body).toBe('team');
    stack.upstream.answer = (req) => void req.socket.destroy();
    expect((await team.asUser('/api/x', { method: 'POST' })).json()).toMatchObject({ code: 'upstream_unavailable' });
    expect((await team.asUser('/api/%2e%2e/x')).json()).toMatchObject({ code: 'bad_request_target' });
    expect(told).toEqual(['before']);
  });

  it('may have our names where BASE_PATH moves ours, in a router mounted without a prefix too', async () => {
    const team = await startTeamServer(
      stack,
      (bff) => {
        const app = express();
        app.use(express.Router().use(bff));
        app.get('/session', (_req, res) => void res.send('my session'));
        app.post('/logout', express.urlencoded(), (req, res) => void res.json(req.body));
        return app;
      },
      { basePath: '/auth' },
    );
    onTestFinished(() => team.close());
    expect((await team.asUser('/session')).body).toBe('my session');
    const posted = await team.asUser('/logout', {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', origin: 'https://elsewhere.example' },
      body: 'a=1',
    });
    expect(posted.json()).toEqual({ a: '1' });
    expect((await team.asUser('/auth/session')).json()).toMatchObject({ authenticated: true });
    expect((await team.asUser('/auth/logout', { method: 'POST' })).json()).toMatchObject({ am: 'ended' });
    expect((await team.asUser('/auth/session')).json()).toMatchObject({ authenticated: false });
  });
});

describe('in front of an app, with bff.wrap', () => {
  it("the app's middleware sees only what is its own, parsers and all", async () => {
    const accesses: string[] = [];
    const team = await startTeamServer(stack, (bff) => {
      const app = express();
      app.use(accessLog(accesses), compression(), helmet(), cookieParser('secret'), express.json());
      app.post('/own', bff.requireSession, (req, res) => void res.json({ body: req.body as unknown }));
      return bff.wrap(app);
    });
    onTestFinished(() => team.close());
    const json = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{ "a": 1 }' };
    stack.upstream.seen.length = 0;
    expect((await team.asUser('/api/x', json)).status).toBe(200);
    expect(stack.upstream.seen[0]?.body).toBe('{ "a": 1 }');
    expect((await team.asUser('/own', json)).json()).toEqual({ body: { a: 1 } });
    expect((await team.request('/own', json)).status).toBe(401);
    await eventually(() => accesses.length === 2);
    expect(accesses.map((line) => line.split(' ').slice(0, 3).join(' '))).toEqual(['POST /own 200', 'POST /own 401']);
    expect(team.log.filter((line) => line.includes('before body parsers'))).toEqual([]);
  });

  it("two requests in one packet are both answered, ours and the app's", async () => {
    const team = await startTeamServer(stack, (bff) =>
      bff.wrap(express().get('/own', (_req, res) => void res.send('own'))),
    );
    onTestFinished(() => team.close());
    const head = 'Host: x\r\n';
    const text = await rawRequest(
      team.url,
      `GET /livez HTTP/1.1\r\n${head}\r\nGET /own HTTP/1.1\r\n${head}Connection: close\r\n\r\n`,
    );
    expect(text.match(/HTTP\/1.1 200 OK/g)).toHaveLength(2);
    expect(text.endsWith('own')).toBe(true);
  });
});
