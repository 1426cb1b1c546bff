// The routes that we answer ourselves, served by Express.

import cookieParser from 'cookie-parser';
import express, { type ErrorRequestHandler, type Express, type Request, type Response } from 'express';
import { createLogout, type LogoutOptions } from './logout.js';
import type { Clock } from './clock.js';
import type { Health } from './health.js';
import type { ReportError } from './ops/log.js';
import { canAnswer, problemStatus, sendProblem } from './problem.js';
import { describeSession } from './session-info.js';
import type { Denied } from './session.js';

export interface OwnRoutesOptions extends LogoutOptions {
  readonly health: Health;
  readonly clock: Clock;
  readonly reportError: ReportError;
}

/** The paths that are ours: a proxied prefix never covers them. */
export function ownPaths(basePath: string): ReadonlySet<string> {
  return new Set([`${basePath}/session`, `${basePath}/session/refresh`, `${basePath}/logout`, '/livez', '/readyz']);
}

export function createOwnRoutes(options: OwnRoutesOptions): Express {
  const { config, cookie, keeper, judge, denial, health, clock, reportError } = options;
  const logout = createLogout(options);
  // the two characters of a prefix that mean something in a path of Express
  const base = config.basePath.replace(/[!+]/g, String.raw`\$&`);
  const app = express();
  app.disable('x-powered-by').disable('etag').enable('strict routing').enable('case sensitive routing');
  app.use(cookieParser());

  /** Without a session this is an answer, not an error: pages ask it to find out. */
  function tellNoSession(req: Request, res: Response, denied: Denied): void {
    const status = problemStatus(denied.code);
    if (status === 502 || status === 503) return denial.deny(req, res, denied);
    if (denied.isOver) res.appendHeader('set-cookie', denial.clearing(req, cookie.names));
    res.json({ authenticated: false, reason: denied.code, loginUrl: config.loginUrl });
  }

  app.use((_req, res, next) => {
    res.setHeader('cache-control', 'no-store');
    next();
  });

  app
    .route(`${base}/session`)
    .get(async (req, res) => {
      const judgement = await judge.judge(req, 'background');
      if (judgement.kind === 'denied') tellNoSession(req, res, judgement);
      else res.json({ authenticated: true, ...describeSession(judgement.session, clock.now()) });
    })
    .all((_req, res) => sendProblem(res, 'method_not_allowed', { allow: 'GET, HEAD' }));

  app
    .route(`${base}/session/refresh`)
    .post(async (req, res) => {
      const askedAt = clock.now();
      const judgement = await judge.judge(req, 'wait');
      if (judgement.kind === 'denied') return denial.deny(req, res, judgement);
      res.json({
        authenticated: true,
        ...describeSession(judgement.session, clock.now()),
        refreshed: keeper.wasTold(judgement.credential.id, askedAt),
      });
    })
    .all((_req, res) => sendProblem(res, 'method_not_allowed', { allow: 'POST' }));

  app.all(`${base}/logout`, (req, res) => logout(req, res));

  for (const [path, probe] of [
    ['/livez', health.live],
    ['/readyz', health.ready],
  ] as const) {
    app
      .route(path)
      .get((_req, res) => {
        const { status, body } = probe();
        res.status(status).json(body);
      })
      .all((_req, res) => sendProblem(res, 'method_not_allowed', { allow: 'GET, HEAD' }));
  }

  app.use(((error: unknown, req, res, _next) => {
    // what the answer carries, so that a user's report leads here
    const requestId = res.getHeader('x-request-id');
    reportError(error, 'a route of our own failed', { method: req.method, route: req.path, requestId });
    if (canAnswer(res)) sendProblem(res, 'internal_error');
    else res.destroy();
  }) satisfies ErrorRequestHandler);
  return app;
}
