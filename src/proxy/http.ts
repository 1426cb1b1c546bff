// One request to one upstream: our headers out, our headers back, our errors.

import type { ClientRequest, IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { asksForEventStream } from '../activity.js';
import { canAnswer, sendProblem, type ProblemCode } from '../problem.js';
import type { Admitted } from '../session.js';
import { passBody, pipeBody, sendHeld } from './answer-body.js';
import { writeAnswerHead } from './answer-head.js';
import { hasBody, isBodyTaken, isFramingChanged, isPlainlyFramed } from './body.js';
import { createDirect } from './direct.js';
import { createEngine, targetOf, type Steps } from './engine.js';
import { endStream, flushEach, kindOf } from './event-stream.js';
import { recoverBody } from './parsed-body.js';
import type { RouteContext } from './route-context.js';
import type { SessionEndCode } from './streams.js';
import { drainUpload, readBeforeFailing } from './upload.js';

/** Passes the request on; `admitted` is undefined on public routes. */
export type HttpProxy = (
  req: IncomingMessage,
  res: ServerResponse,
  requestId: string,
  admitted: Admitted | undefined,
) => void;

/**
 * What is going on for one request. It is handed from step to step: a property of the request that comes after Express has
 * changed its prototype would make Node 20 copy the shape of each request, a kilobyte that outlives it.
 */
interface Exchange {
  readonly requestId: string;
  readonly admitted: Admitted | undefined;
  /** What `upstream.answers` was when it was sent. */
  readonly answersBefore: number;
  /** The headers for the upstream. */
  readonly headers: IncomingHttpHeaders;
  /** What a parser before us has left of the body. */
  readonly body: Buffer | undefined;
  outgoing: ClientRequest | undefined;
  /** Once its head was passed on. */
  answer: IncomingMessage | undefined;
  timedOut: boolean;
  /** The upstream owes nothing any more. */
  stopDeadline: (() => void) | undefined;
  /** Nobody waits for the end of the session any more. */
  unwatch: (() => void) | undefined;
}

/** RFC 9110, 9.2.2: may be sent again if the connection died before an answer. */
const idempotent: ReadonlySet<string | undefined> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'TRACE']);

const mergedHeaders = ['set-cookie', 'vary'] as const;

export function createHttpProxy(options: RouteContext): HttpProxy {
  const { route, agents, headers, upstream, streams, denial, prepare, clock, reportParser, deadline } = options;
  const target = targetOf(route);
  const steps: Steps<Exchange> = { begin, passBack, fail };
  const sendPooled = createDirect(target, agents.pooled, steps);
  const sendAlone = createEngine(target, agents.single, steps);

  function begin(outgoing: ClientRequest, req: IncomingMessage, res: ServerResponse, exchange: Exchange): void {
    exchange.outgoing = outgoing;
    exchange.stopDeadline = deadline.watch(req, outgoing, () => {
      exchange.timedOut = true;
      outgoing.destroy(new Error('no answer in time'));
    });
    outgoing.on('close', () => {
      // not if it was sent again
      if (exchange.outgoing === outgoing) letGo(exchange);
    });
    readBeforeFailing(exchange, outgoing);
    if (exchange.body) outgoing.write(exchange.body);
    // a 101 that nobody asked for: Node would leave the client without an answer
    outgoing.on('upgrade', (_answer, socket) => {
      socket.destroy();
      drainUpload(req, outgoing);
      fail(new Error('switched protocols unasked'), req, res, exchange);
    });
  }

  function passBack(answer: IncomingMessage, req: IncomingMessage, res: ServerResponse, exchange: Exchange): void {
    letGo(exchange);
    if (!canAnswer(res)) {
      answer.destroy();
      return;
    }
    const head = headers.back(answer, req, exchange.requestId);
    // writeHead replaces headers of the same name, and these are of somebody mounted before us
    for (const name of mergedHeaders) {
      const before = res.getHeader(name);
      if (before !== undefined) for (const line of [before].flat()) head.push(name, String(line));
    }
    // Node takes an unasked 101 without `Upgrade` for an answer
    if ((answer.statusCode ?? 0) < 200 || !writeAnswerHead(res, answer, head)) {
      answer.destroy();
      fail(new Error('a head that cannot be passed on'), req, res, exchange);
      return;
    }
    exchange.answer = answer;
    // before whoever passes the request on hears of it, and closes the client's connection
    answer.once('error', (error) => fail(error, req, res, exchange));
    upstream.answered();
    const credential = exchange.admitted?.credential;
    const kind = kindOf(answer);
    if (kind === 'event-stream') {
      pipeBody(answer, res);
      flushEach(answer, res);
      exchange.unwatch = streams.hold('event-stream', credential, () => endStream(answer, res, clock));
    } else {
      passBody(answer, res);
      if (credential && kind === 'open-ended') exchange.unwatch = streams.watch(credential, () => void res.destroy());
    }
    if (exchange.unwatch) res.on('close', exchange.unwatch);
  }

  function letGo(exchange: Exchange): void {
    exchange.stopDeadline?.();
    exchange.unwatch?.();
    exchange.unwatch = undefined;
  }

  /** Never throws: nobody would catch it. */
  function fail(error: NodeJS.ErrnoException, req: IncomingMessage, res: ServerResponse, exchange: Exchange): void {
    try {
      answerFailure(error, req, res, exchange);
    } catch {
      // an answer that somebody before us has changed so that it takes none
      res.destroy();
    }
  }

  function answerFailure(
    error: NodeJS.ErrnoException,
    req: IncomingMessage,
    res: ServerResponse,
    exchange: Exchange,
  ): void {
    // all of it has come, as its framing tells: a client that reads slowly still gets it
    if (exchange.answer?.complete === true && hasBody(exchange.answer)) return;
    exchange.stopDeadline?.();
    exchange.outgoing?.destroy();
    if (!canAnswer(res)) {
      const isCut = exchange.answer !== undefined && !res.destroyed && !res.writableEnded;
      if (isCut) upstream.brokeOff(error, exchange.requestId, req.method);
      if (exchange.answer) sendHeld(exchange.answer, res);
      // too late for an error of our own: the client must see that the answer is not whole
      if (!res.writableEnded) res.destroy();
      else takeRest(req);
      return;
    }
    if (isStaleConnection(error, req, exchange)) {
      // its end is not the exchange's
      exchange.outgoing = undefined;
      sendAlone(req, res, exchange.headers, exchange);
      return;
    }
    letGo(exchange);
    const { requestId, timedOut, answersBefore } = exchange;
    const code = upstream.failed({ error, timedOut, requestId, method: req.method, answersBefore });
    refuse(req, res, requestId, code);
  }

  /** The upstream closed an idle connection just as it was taken again. */
  function isStaleConnection(error: NodeJS.ErrnoException, req: IncomingMessage, exchange: Exchange): boolean {
    return (
      !agents.isClosed &&
      exchange.outgoing?.reusedSocket === true &&
      (error.code === 'ECONNRESET' || error.code === 'EPIPE') &&
      idempotent.has(req.method)
    );
  }

  /** The session has ended while the upstream owes the answer, as in a long poll: nothing more of it is shown. */
  function denyLate(req: IncomingMessage, res: ServerResponse, exchange: Exchange, code: SessionEndCode): void {
    letGo(exchange);
    if (!canAnswer(res)) return;
    prepare(res, exchange.requestId);
    denial.denyLate(req, res, code);
    exchange.outgoing?.destroy();
  }

  return (req, res, requestId, admitted) => {
    const taken = isBodyTaken(req);
    const body = taken ? recoverBody(req) : undefined;
    if (taken) reportParser(route, body !== undefined);
    if (taken && !body) return refuse(req, res, requestId, 'internal_error');
    if (!isPlainlyFramed(req)) return refuse(req, res, requestId, 'bad_request');
    const isReframed = !body && isFramingChanged(req);
    const towards = headers.towards(req, requestId, admitted);
    if (body) frameAs(towards, body);
    else if (isReframed) frameInChunks(towards);
    const exchange: Exchange = {
      requestId,
      admitted,
      answersBefore: upstream.answers,
      headers: towards,
      body,
      outgoing: undefined,
      answer: undefined,
      timedOut: false,
      stopDeadline: undefined,
      unwatch: undefined,
    };
    // to end a request that changes something would leave the user without knowing whether it did
    if (admitted && (req.method === 'GET' || req.method === 'HEAD'))
      exchange.unwatch = streams.watch(admitted.credential, (code) => denyLate(req, res, exchange, code));
    // it ended between its verdict and the watch
    if (!canAnswer(res)) return;
    const send = isReframed || needsOwnConnection(req) ? sendAlone : sendPooled;
    send(req, res, towards, exchange);
  };

  function refuse(req: IncomingMessage, res: ServerResponse, requestId: string, code: ProblemCode): void {
    takeRest(req);
    prepare(res, requestId);
    sendProblem(res, code);
  }
}

/**
 * An event stream; what may be sent again, but has a body that is not there any more (POST is never sent again: it may as
 * well share); and chunks: whoever reads them otherwise than we must not take their rest for the next request.
 */
function needsOwnConnection(req: IncomingMessage): boolean {
  if (req.headers['transfer-encoding'] !== undefined) return true;
  return idempotent.has(req.method) && (hasBody(req) || asksForEventStream(req));
}

/** Of an upload: a client that sends all of it before it reads would never see the answer. */
function takeRest(req: IncomingMessage): void {
  if (!req.complete) req.resume();
}

function frameAs(headers: IncomingHttpHeaders, body: Buffer): void {
  delete headers['transfer-encoding'];
  headers['content-length'] = String(body.length);
}

/** Its length is not known any more. */
function frameInChunks(headers: IncomingHttpHeaders): void {
  delete headers['content-length'];
  headers['transfer-encoding'] = 'chunked';
}
