// One request to one upstream through http-proxy-middleware: our headers out, our headers back, our errors.

import http, { type ClientRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import https from 'node:https';
import { createProxyMiddleware, type RequestHandler } from 'http-proxy-middleware';
import type { SsoCookie } from '../am/sso-cookie.js';
import { cookiesOfAm } from '../cookie.js';
import type { Clock } from '../clock.js';
import type { Config, Route } from '../config.js';
import type { Forwarded } from '../forwarded.js';
import type { LiveSession } from '../keeper/verdict.js';
import type { Logger } from '../ops/log.js';
import { canAnswer, sendProblem, type ProblemCode } from '../problem.js';
import type { SecurityHeaders } from '../security-headers.js';
import { writeAnswerHead } from './answer-head.js';
import { hasBody, isBodyTaken, isPlainlyFramed } from './body.js';
import { createRequestHeaders, rememberLast } from './request-headers.js';
import { createResponseHeaders } from './response-headers.js';
import { readBeforeWriting } from './upload.js';
import { watchUpstream } from './upstream-deadline.js';

/** Passes the request on; `session` is undefined on public routes. */
export type HttpProxy = (
  req: IncomingMessage,
  res: ServerResponse,
  requestId: string,
  session: LiveSession | undefined,
) => void;

export interface HttpProxyOptions {
  readonly config: Config;
  readonly route: Route;
  readonly agent: http.Agent;
  readonly cookie: SsoCookie;
  readonly forwarded: Forwarded;
  readonly securityHeaders: SecurityHeaders;
  /** Sets the headers that every answer of our own carries. */
  readonly prepare: (res: ServerResponse, requestId: string) => void;
  readonly clock: Clock;
  readonly log: Logger;
}

// below the 5 s after which Node's own server, the shortest of the common ones, closes an idle connection
const freeSocketTimeoutMs = 4_000;

/** Keep-alive connections to upstreams, of our own: the engine's default agent stops at 256. */
export function createAgent(protocol: string): http.Agent {
  const options: http.AgentOptions = { keepAlive: true, timeout: freeSocketTimeoutMs, scheduling: 'lifo' };
  return protocol === 'https:' ? new https.Agent(options) : new http.Agent(options);
}

/** What is going on for one request. */
interface Exchange {
  readonly requestId: string;
  outgoing: ClientRequest | undefined;
  stopWatch: (() => void) | undefined;
  timedOut: boolean;
}

/** RFC 9110, 9.2.2: may be sent again if the connection died before an answer. */
const idempotent: ReadonlySet<string | undefined> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'TRACE']);

export function createHttpProxy(options: HttpProxyOptions): HttpProxy {
  const { config, route, agent, cookie, forwarded, securityHeaders, prepare, clock, log } = options;
  const target = new URL(route.target);
  const requestHeaders = createRequestHeaders({ amCookies: config.am.cookies, forwarded });
  const responseHeaders = createResponseHeaders({
    route,
    trustedOrigins: config.trustedOrigins,
    securityHeaders,
    cookieNames: () => protectedCookies(cookie.names),
  });
  const protectedCookies = rememberLast((names: ReadonlySet<string>) => cookiesOfAm(names, config.am.cookies));
  const exchanges = new WeakMap<IncomingMessage, Exchange>();
  const proxy = createEngine(agent);
  const proxyOnNewConnection = createEngine(false);

  function createEngine(connections: http.Agent | false) {
    return createProxyMiddleware({
      target,
      agent: connections,
      // the head is written by us at once: the engine would set one header after the other and hold it back
      selfHandleResponse: true,
      on: {
        proxyReq: (outgoing, req, res) => begin(outgoing, req, res),
        proxyRes: (answer, req, res) => passBack(answer, req, res),
        error: (error, req, res) => {
          if ('writeHead' in res) fail(error, req, res);
          else res.destroy();
        },
      },
    });
  }

  function begin(outgoing: ClientRequest, req: IncomingMessage, res: ServerResponse): void {
    const exchange = exchanges.get(req);
    if (!exchange) return;
    exchange.outgoing = outgoing;
    exchange.stopWatch = watchUpstream(clock, config.proxyTimeoutMs, req, outgoing, () => {
      exchange.timedOut = true;
      outgoing.destroy(new Error('no answer in time'));
    });
    outgoing.once('close', exchange.stopWatch);
    if (!req.complete) readBeforeWriting(req, outgoing);
    // a 101 that nobody asked for: Node would leave the client without an answer
    outgoing.once('upgrade', (_answer, socket) => {
      socket.destroy();
      fail(new Error('switched protocols unasked'), req, res);
    });
  }

  function passBack(answer: IncomingMessage, req: IncomingMessage, res: ServerResponse): void {
    const exchange = exchanges.get(req);
    exchange?.stopWatch?.();
    if (!exchange || !canAnswer(res)) {
      answer.destroy();
      return;
    }
    const headers = responseHeaders(answer, req, exchange.requestId);
    // writeHead replaces headers of the same name, and these are of somebody mounted before us
    for (const line of [res.getHeader('set-cookie') ?? []].flat()) headers.push('set-cookie', String(line));
    // Node takes an unasked 101 without `Upgrade` for an answer
    if ((answer.statusCode ?? 0) < 200 || !writeAnswerHead(res, answer, headers)) {
      answer.destroy();
      fail(new Error('a head that cannot be passed on'), req, res);
      return;
    }
    // an event stream may be quiet for minutes after its head
    res.flushHeaders();
    answer.pipe(res);
  }

  function fail(error: NodeJS.ErrnoException, req: IncomingMessage, res: ServerResponse): void {
    const exchange = exchanges.get(req);
    exchange?.stopWatch?.();
    exchange?.outgoing?.destroy();
    if (!exchange || !canAnswer(res)) {
      // too late for an error of our own: the client must see that the answer is not whole
      if (!res.writableEnded) res.destroy();
      return;
    }
    if (isStaleConnection(error, req, exchange)) {
      run(proxyOnNewConnection, req, res);
      return;
    }
    const code: ProblemCode = exchange.timedOut ? 'upstream_timeout' : 'upstream_unavailable';
    log.warn(
      {
        code,
        route: route.path,
        target: route.target,
        cause: error.code ?? error.message,
        requestId: exchange.requestId,
      },
      'no answer from the upstream',
    );
    // the rest of an upload: a client that sends all of it before it reads would never see the answer
    if (!req.complete) req.resume();
    prepare(res, exchange.requestId);
    sendProblem(res, code);
  }

  /** The upstream closed an idle connection just as it was taken again. */
  function isStaleConnection(error: NodeJS.ErrnoException, req: IncomingMessage, exchange: Exchange): boolean {
    return (
      exchange.outgoing?.reusedSocket === true &&
      (error.code === 'ECONNRESET' || error.code === 'EPIPE') &&
      idempotent.has(req.method) &&
      !hasBody(req)
    );
  }

  return (req, res, requestId, session) => {
    if (isBodyTaken(req)) {
      log.error(
        { route: route.path, requestId },
        'the body was read before: mount am-session-proxy before body parsers',
      );
      prepare(res, requestId);
      return sendProblem(res, 'internal_error');
    }
    if (!isPlainlyFramed(req)) {
      prepare(res, requestId);
      return sendProblem(res, 'bad_request');
    }
    const headers = requestHeaders(req, { targetHost: target.host, cookieNames: cookie.names, session, requestId });
    exchanges.set(req, { requestId, outgoing: undefined, stopWatch: undefined, timedOut: false });
    // before the engine sees them: it sends them at once where the client sent Expect, without asking any hook
    req.headers = headers;
    run(proxy, req, res);
  };
}

function run(proxy: RequestHandler, req: IncomingMessage, res: ServerResponse): void {
  // rejects only with what `error` was told already
  void proxy(req, res, () => undefined).catch(() => undefined);
}
