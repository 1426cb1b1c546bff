// The command's HTTP server: patient with lively clients, not with stalled ones; parser errors get a body.

import http, { type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Clock } from '../clock.js';
import { canAnswer, rawProblem, sendProblem, type ProblemCode } from '../problem.js';
import { hasBody } from '../proxy/body.js';
import { setHeaders, type SecurityHeaders } from '../security-headers.js';

export interface ServerOptions {
  readonly listener: RequestListener;
  readonly securityHeaders: SecurityHeaders;
  readonly clock: Clock;
  /** For tests: shorter times. */
  readonly times?: Partial<ServerTimes>;
}

/** All in milliseconds. */
export interface ServerTimes {
  /** Longer than load balancers keep an idle connection: whoever closes first must not be us, or users see 502s. */
  readonly keepAlive: number;
  readonly headers: number;
  /** Without a byte of a body that has not ended. */
  readonly stalledBody: number;
}

const defaultTimes: ServerTimes = { keepAlive: 75_000, headers: 20_000, stalledBody: 60_000 };
/** For the client to read the error before the connection is gone. */
const lingerMs = 1_000;

export function createServer({ listener, securityHeaders, clock, times }: ServerOptions): Server {
  const { keepAlive, headers, stalledBody } = { ...defaultTimes, ...times };
  const answers = new WeakMap<Duplex, readonly ServerResponse[]>();

  const server = http.createServer(
    {
      keepAliveTimeout: keepAlive,
      headersTimeout: headers,
      connectionsCheckingInterval: 1_000,
      // an upload may take hours as long as it moves: a stalled one is ended below
      requestTimeout: 0,
      // answered below, with a body
      requireHostHeader: false,
    },
    (req, res) => {
      answers.set(req.socket, [...openAnswers(req.socket), res]);
      if (req.headers.host === undefined && req.httpVersion === '1.1') return refuse(res, 'bad_request');
      if (hasBody(req)) whenStalled(req, res, clock, stalledBody, () => giveUp(req, res));
      listener(req, res);
    },
  );

  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    if (socket.writableEnded) return;
    // in the middle of an answer the error would be taken for a part of it
    const isInterrupting = openAnswers(socket).some((res) => res.headersSent);
    if (error.code === 'ECONNRESET' || !socket.writable || isInterrupting) return void socket.destroy();
    socket.end(rawProblem(codeOf(error), securityHeaders));
    clock.setTimer(() => socket.destroy(), lingerMs);
  });

  /** More than one where the client pipelines. */
  function openAnswers(socket: Duplex): readonly ServerResponse[] {
    return answers.get(socket)?.filter((res) => !res.closed) ?? [];
  }

  function giveUp(req: IncomingMessage, res: ServerResponse): void {
    // with an error, or whoever passes the body on would wait for more: Node itself aborts no request that was answered
    const abort = () => void req.destroy(new Error('the body stalled'));
    if (!canAnswer(res)) return abort();
    res.once('finish', abort);
    refuse(res, 'request_timeout');
  }

  function refuse(res: ServerResponse, code: ProblemCode): void {
    setHeaders(res, securityHeaders);
    res.setHeader('connection', 'close');
    sendProblem(res, code);
  }

  return server;
}

function codeOf(error: NodeJS.ErrnoException): ProblemCode {
  if (error.code === 'HPE_HEADER_OVERFLOW') return 'headers_too_large';
  return error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 'request_timeout' : 'bad_request';
}

/** How often in the time that a body may stall it is looked at. */
const looks = 10;

/** Calls `onStalled` when for `stalledMs` nothing of the body has arrived, unless it is we who do not read. */
function whenStalled(
  req: IncomingMessage,
  res: ServerResponse,
  clock: Clock,
  stalledMs: number,
  onStalled: () => void,
): void {
  let received = req.socket.bytesRead;
  let heardAt = clock.now();
  let timer = clock.setTimer(look, stalledMs / looks);

  function look(): void {
    if (req.complete || req.destroyed) return;
    const { bytesRead } = req.socket;
    if (bytesRead !== received || req.readableLength > 0) heardAt = clock.now();
    received = bytesRead;
    if (clock.now() - heardAt >= stalledMs) onStalled();
    else timer = clock.setTimer(look, stalledMs / looks);
  }

  const done = () => clock.clearTimer(timer);
  req.once('end', done);
  res.once('close', done);
}
