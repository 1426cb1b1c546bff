// One WebSocket to one upstream. Not by http-proxy-middleware: it hands the upstream's head on as it came, past our
// hygiene, and keeps the upstream's socket when the browser's is gone.

import http, { type ClientRequest, type IncomingMessage, type ServerResponse } from 'node:http';
import https from 'node:https';
import type { Socket } from 'node:net';
import { closeSoon } from '../linger.js';
import { canAnswer, sendProblem } from '../problem.js';
import type { Admitted } from '../session.js';
import { pipeBody, sendHeld } from './answer-body.js';
import { writeAnswerHead } from './answer-head.js';
import { hasBody } from './body.js';
import type { RouteContext } from './route-context.js';
import type { CloseReason } from './streams.js';
import { joinSockets } from './tunnel.js';

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

type Close = (reason: CloseReason) => void;

/** A handshake that came in. */
interface Handshake {
  readonly req: IncomingMessage;
  readonly res: ServerResponse;
  readonly head: Buffer;
  readonly requestId: string;
  readonly admitted: Admitted | undefined;
}

/** RFC 6455, 4.1, as far as it concerns whoever stands in between; the rest is the upstream's to judge. */
export function isWebSocketHandshake(req: IncomingMessage): boolean {
  // HTTP/1.0 knows no upgrade (RFC 9110, 7.8)
  const { method, httpVersion, headers } = req;
  return method === 'GET' && httpVersion === '1.1' && headers.upgrade?.toLowerCase() === 'websocket' && !hasBody(req);
}

export function createUpgradeProxy(context: RouteContext): UpgradeProxy {
  const { route, agents, headers, upstream: report, streams, denial, prepare, clock, deadline } = context;
  const target = new URL(route.target);
  const { request } = target.protocol === 'https:' ? https : http;
  const base = target.pathname.replace(/\/$/, '');

  function open({ req, requestId, admitted }: Handshake): ClientRequest {
    return request(target, {
      path: base + (req.url ?? '/'),
      headers: headers.towards(req, requestId, admitted, true),
      agent: agents.single,
    });
  }

  /** The session has ended, or this server, before the upstream has answered. */
  function deny({ req, res, requestId }: Handshake, reason: CloseReason): void {
    prepare(res, requestId);
    if (reason === 'stopping') sendProblem(res, 'upstream_unavailable');
    else denial.denyLate(req, res, reason);
  }

  /**
   * Waits for the upstream's answer.
   *
   * @param onJoined the sockets are joined; what belongs to the handshake is not needed any more
   * @returns ends the wait
   */
  function shakeHands(handshake: Handshake, onJoined: (close: Close) => void): Close {
    const { req, res, requestId } = handshake;
    const { socket } = req;
    let isWaiting = true;
    let timedOut = false;
    const answersBefore = report.answers;
    let early = handshake.head;
    const outgoing = open(handshake);
    const stopDeadline = deadline.watch(req, outgoing, () => {
      timedOut = true;
      outgoing.destroy(new Error('no answer in time'));
    });
    const stopKeeping = keepEarly(socket, handshake.head);

    /** Ends the wait; false: it was over before, or nobody is left to be told. */
    function settle(): boolean {
      if (!isWaiting) return false;
      isWaiting = false;
      stopDeadline();
      early = stopKeeping();
      return canAnswer(res);
    }

    function giveUp(): void {
      settle();
      outgoing.destroy();
    }

    function fail(error: NodeJS.ErrnoException): void {
      if (settle()) answerFor(error);
    }

    function answerFor(error: NodeJS.ErrnoException): void {
      outgoing.destroy();
      prepare(res, requestId);
      // a head that could not be written has taken it away
      res.setHeader('connection', 'close');
      sendProblem(res, report.failed({ error, timedOut, requestId, method: req.method, answersBefore }));
    }

    /** Writes the upstream's head; false: there is nothing to go on with. */
    function passHead(answer: IncomingMessage, isSwitching: boolean): boolean {
      if (!settle()) return false;
      const head = headers.back(answer, req, requestId);
      if (writeAnswerHead(res, answer, isSwitching ? headOf101(head) : head)) {
        report.answered();
        return true;
      }
      answerFor(new Error('a head that cannot be passed on'));
      return false;
    }

    function refused(answer: IncomingMessage): void {
      // Node takes a 101 without `Upgrade` for an answer
      if ((answer.statusCode ?? 0) < 200) return fail(new Error('switched to no protocol'));
      if (!passHead(answer, false)) return void answer.destroy();
      // the answer may have no end, and Node lets a client that hung up read on
      socket.once('end', () => socket.destroy()).on('drain', () => res.emit('drain'));
      pipeBody(answer, res);
      answer.once('error', (error) => {
        if (!socket.destroyed) report.brokeOff(error, requestId, req.method);
        // by TLS the end of the connection may come in the same turn as the head
        sendHeld(answer, res);
        socket.destroy();
      });
    }

    function accepted(answer: IncomingMessage, upstream: Socket, upstreamHead: Buffer): void {
      upstream.on('error', () => upstream.destroy());
      if (answer.headers.upgrade?.toLowerCase() !== 'websocket') {
        fail(new Error('switched to another protocol'));
        upstream.destroy();
        return;
      }
      if (!passHead(answer, true)) return void upstream.destroy();
      res.flushHeaders();
      res.detachSocket(socket);
      socket.off('close', giveUp);
      if (early.length > 0) socket.unshift(early);
      if (upstreamHead.length > 0) upstream.unshift(upstreamHead);
      onJoined(joinSockets(socket, upstream, clock));
    }

    socket.once('close', giveUp);
    outgoing.on('error', fail).once('response', refused).once('upgrade', accepted).end();
    return (reason) => {
      // an answer is on its way to the client
      if (!settle()) return closeSoon(socket, clock);
      outgoing.destroy();
      deny(handshake, reason);
    };
  }

  return (req, res, head, requestId, admitted) => {
    // it hung up while its session was judged: nobody would be told of it again
    if (req.socket.readableEnded) return void req.socket.destroy();
    const handshake: Handshake = { req, res, head, requestId, admitted };
    // an open socket holds this and no more: not the handshake's headers
    const connection: { close: Close | undefined; endedBy: CloseReason | undefined } = {
      close: undefined,
      endedBy: undefined,
    };
    const release = streams.hold('websocket', admitted?.credential, (reason) => {
      connection.endedBy = reason;
      connection.close?.(reason);
    });
    req.socket.once('close', release);
    if (connection.endedBy) deny(handshake, connection.endedBy);
    else connection.close = shakeHands(handshake, (closeTunnel) => (connection.close = closeTunnel));
  };
}

/** Without a length, for there is no body (RFC 9110, 8.6), and with what the hygiene took out as hop-by-hop. */
function headOf101(lines: readonly string[]): string[] {
  const kept = lines.filter((_, i) => lines[i - (i % 2)]?.toLowerCase() !== 'content-length');
  return [...kept, 'Connection', 'Upgrade', 'Upgrade', 'websocket'];
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
