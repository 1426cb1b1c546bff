// One WebSocket to one upstream. Not by http-proxy-middleware: it hands the upstream's head on as it came, past our
// hygiene, and keeps the upstream's socket when the browser's is gone.

import http, { type ClientRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import { closeSoon } from '../linger.js';
import { canAnswer, sendProblem } from '../problem.js';
import type { Admitted } from '../session.js';
import { writeAnswerHead } from './answer-head.js';
import { hasBody } from './body.js';
import type { RouteContext } from './route-context.js';
import type { CloseReason } from './streams.js';
import { joinSockets } from './tunnel.js';
import { watchUpstream } from './upstream-deadline.js';

/**
 * Passes the handshake on, then the frames.
 *
 * @param res on the socket of `req`, for a refusal
 * @param head what came after the handshake
 * @param admitted undefined on public routes
 */
export type UpgradeProxy = (
  req: IncomingMessage,
  res: ServerResponse,
  head: Buffer,
  requestId: string,
  admitted: Admitted | undefined,
) => void;

/** RFC 6455, 4.1, as far as it concerns whoever stands in between; the rest is the upstream's to judge. */
export function isWebSocketHandshake(req: IncomingMessage): boolean {
  return req.method === 'GET' && req.headers.upgrade?.toLowerCase() === 'websocket' && !hasBody(req);
}

export function createUpgradeProxy(options: RouteContext): UpgradeProxy {
  const { config, route, agents, headers, reportFailure, streams, denial, prepare, clock } = options;
  const target = new URL(route.target);
  const { request } = target.protocol === 'https:' ? https : http;
  const base = target.pathname.replace(/\/$/, '');

  function open(req: IncomingMessage, requestId: string, admitted: Admitted | undefined): ClientRequest {
    return request(target, {
      path: base + (req.url ?? '/'),
      headers: headers.towards(req, requestId, admitted, true),
      agent: agents.single,
    });
  }

  return (req, res, head, requestId, admitted) => {
    const { socket } = req;
    // it hung up while its session was judged: nobody would be told of it again
    if (socket.readableEnded) return void socket.destroy();
    let isWaiting = true;
    let timedOut = false;
    let early = head;
    let closeTunnel: ((reason: CloseReason) => void) | undefined;
    const outgoing = open(req, requestId, admitted);
    const stopWatch = watchUpstream(clock, config.proxyTimeoutMs, req, outgoing, () => {
      timedOut = true;
      outgoing.destroy(new Error('no answer in time'));
    });
    const stopKeeping = keepEarly(socket, head);

    /** Ends the wait for the upstream; false: it was over before, or nobody is left to be told. */
    function settle(): boolean {
      if (!isWaiting) return false;
      isWaiting = false;
      stopWatch();
      early = stopKeeping();
      return canAnswer(res);
    }

    function fail(error: NodeJS.ErrnoException): void {
      if (settle()) answerFor(error);
    }

    function answerFor(error: NodeJS.ErrnoException): void {
      outgoing.destroy();
      prepare(res, requestId);
      // a head that could not be written has taken it away
      res.setHeader('connection', 'close');
      sendProblem(res, reportFailure(error, timedOut, requestId));
    }

    /** Writes the upstream's head; false: there is nothing to go on with. */
    function passHead(answer: IncomingMessage, more: readonly string[] = []): boolean {
      if (!settle()) return false;
      if (writeAnswerHead(res, answer, [...headers.back(answer, req, requestId), ...more])) return true;
      answerFor(new Error('a head that cannot be passed on'));
      return false;
    }

    function refused(answer: IncomingMessage): void {
      // Node takes a 101 without `Upgrade` for an answer
      if ((answer.statusCode ?? 0) < 200) return fail(new Error('switched to no protocol'));
      if (!passHead(answer)) return void answer.destroy();
      socket.on('drain', () => res.emit('drain'));
      answer.once('error', () => socket.destroy()).pipe(res);
    }

    function accepted(answer: IncomingMessage, upstream: Socket, upstreamHead: Buffer): void {
      upstream.on('error', () => upstream.destroy());
      if (answer.headers.upgrade?.toLowerCase() !== 'websocket') fail(new Error('switched to another protocol'));
      if (!passHead(answer, ['Connection', 'Upgrade', 'Upgrade', 'websocket'])) return void upstream.destroy();
      res.flushHeaders();
      res.detachSocket(socket);
      if (early.length > 0) socket.unshift(early);
      if (upstreamHead.length > 0) upstream.unshift(upstreamHead);
      closeTunnel = joinSockets(socket, upstream, clock);
    }

    /** The session has ended, or this server stops. */
    function close(reason: CloseReason): void {
      if (closeTunnel) return closeTunnel(reason);
      // an answer is on its way to the client
      if (!settle()) return closeSoon(socket, clock);
      outgoing.destroy();
      prepare(res, requestId);
      if (reason === 'stopping') sendProblem(res, 'upstream_unavailable');
      else denial.denyLate(req, res, reason);
    }

    const release = streams.hold(admitted?.credential, close);
    socket.once('close', () => {
      settle();
      release();
      outgoing.destroy();
    });
    outgoing.on('error', fail).once('response', refused).once('upgrade', accepted).end();
  };
}

/** No client has much to say before the answer. */
const earlyMax = 64 * 1024;

/**
 * Keeps what a client sends before the answer, and closes its socket if it hangs up meanwhile.
 *
 * @returns ends that, and returns what has come
 */
function keepEarly(socket: Socket, head: Buffer): () => Buffer {
  const chunks = [head];
  let size = head.length;
  const keep = (chunk: Buffer): void => {
    chunks.push(chunk);
    size += chunk.length;
    if (size > earlyMax) socket.pause();
  };
  const hangUp = () => void socket.destroy();
  socket.on('data', keep).once('end', hangUp);
  return () => {
    socket.off('data', keep).off('end', hangUp).resume();
    return Buffer.concat(chunks);
  };
}
