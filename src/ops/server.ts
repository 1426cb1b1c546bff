// The command's HTTP server: patient with lively clients, not with stalled ones; parser errors get a body.

import http, { type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Clock } from '../clock.js';
import { endGently } from '../linger.js';
import { createOpenAnswers } from '../pipelined.js';
import { canAnswer, rawProblem, sendProblem, type ProblemCode } from '../problem.js';
import { hasBody } from '../proxy/body.js';
import { rawLines } from '../proxy/raw-lines.js';
import { requestIdOf } from '../proxy/request-headers.js';
import { setHeaders, type SecurityHeaders } from '../security-headers.js';
import { answerOnSocket } from '../socket-answer.js';
import { createStallWatch } from './stalled-bodies.js';

export interface ServerOptions {
  readonly listener: RequestListener;
  /** Takes an upgrade, or returns false. */
  readonly upgrade: (req: IncomingMessage, socket: Duplex, head: Buffer) => boolean;
  readonly securityHeaders: SecurityHeaders;
  readonly clock: Clock;
  /** Told of what is refused here. */
  readonly onRefused?: (code: ProblemCode) => void;
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
/** No browser pipelines; what does so in earnest does not wait for more answers than this. */
const pipelinedMax = 32;

export function createServer({ listener, upgrade, securityHeaders, clock, onRefused, times }: ServerOptions): Server {
  const { keepAlive, headers, stalledBody } = { ...defaultTimes, ...times };
  const answers = createOpenAnswers(pipelinedMax);
  const bodies = createStallWatch(clock, stalledBody, giveUp);

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
      if (!answers.admit(req, res)) return;
      if (!hasOneHost(req)) return refuse(res, 'bad_request');
      if (hasBody(req)) bodies.watch(req, res);
      listener(req, res);
    },
  );

  // by default Node drops what is past a thousand headers, and an upstream would see another message than was framed:
  // maxHeaderSize bounds them all the same
  server.maxHeadersCount = 0;

  server.on('clientError', (error: NodeJS.ErrnoException, socket: Duplex) => {
    if (socket.writableEnded) return;
    // in the middle of an answer the error would be taken for a part of it
    const isInterrupting = answers.isSending(socket);
    if (error.code === 'ECONNRESET' || !socket.writable || isInterrupting) return void socket.destroy();
    const code = codeOf(error);
    onRefused?.(code);
    endGently(socket, clock, rawProblem(code, securityHeaders));
  });

  server.on('upgrade', (req, socket, head) => {
    const isPlain = hasOneHost(req);
    if (isPlain && upgrade(req, socket, head)) return;
    const res = answerOnSocket(req, clock);
    if (res) refuse(res, isPlain ? 'not_found' : 'bad_request');
  });

  function giveUp(req: IncomingMessage, res: ServerResponse): void {
    // with an error, or whoever passes the body on would wait for more: Node itself aborts no request that was answered
    const abort = () => void req.destroy(new Error('the body stalled'));
    if (!canAnswer(res)) return abort();
    res.once('finish', abort);
    refuse(res, 'request_timeout');
  }

  function refuse(res: ServerResponse, code: ProblemCode): void {
    setHeaders(res, securityHeaders);
    res.setHeader('x-request-id', requestIdOf(res.req));
    res.setHeader('connection', 'close');
    onRefused?.(code);
    sendProblem(res, code);
  }

  return server;
}

/** RFC 9112, 3.2: a request of HTTP/1.1 has exactly one. */
function hasOneHost({ rawHeaders, httpVersion }: IncomingMessage): boolean {
  const hosts = rawLines(rawHeaders, 'host').length;
  return hosts === 1 || (hosts === 0 && httpVersion === '1.0');
}

function codeOf(error: NodeJS.ErrnoException): ProblemCode {
  if (error.code === 'HPE_HEADER_OVERFLOW') return 'headers_too_large';
  return error.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 'request_timeout' : 'bad_request';
}
