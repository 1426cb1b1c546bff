// A request to the upstream on a kept connection: nearly all of them, so they are spared what the engine does for each.

import http, {
  type Agent,
  type ClientRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import https from 'node:https';
import { endWith, hasBody, isBodyHere, isReencoded } from './body.js';
import type { Send, Steps, Target } from './engine.js';
import { drainUpload } from './upload.js';

/**
 * The same steps as by the engine, which copies all headers three times and pipes a body where there is none: without it a
 * GET takes a tenth less CPU time on Node 24 and a quarter less on Node 20, a POST a tenth and a fifth.
 */
export function createDirect<T>(target: Target, agent: Agent, { begin, passBack, fail }: Steps<T>): Send<T> {
  const { protocol, host, port, pathname } = target;
  const client = protocol === 'https:' ? https : http;
  const base = pathname.replace(/\/$/, '');
  // for http there is none to be worked out of the headers each time
  const servername = protocol === 'https:' ? undefined : '';

  function open({ method = 'GET', url = '/' }: IncomingMessage, headers: IncomingHttpHeaders): ClientRequest {
    // as the engine does
    if (method === 'DELETE' || method === 'OPTIONS') headers['content-length'] ??= '0';
    return client.request({
      host,
      port,
      method,
      path: url === '/' ? pathname : base + url,
      // a flat list would be cheaper, but agents for monitoring add their own headers to an object
      headers,
      agent,
      servername,
    });
  }

  function send(req: IncomingMessage, res: ServerResponse, headers: IncomingHttpHeaders, exchange: T): void {
    const outgoing = open(req, headers);
    let hasFailed = false;
    const failed = (error: NodeJS.ErrnoException): void => {
      // an end and a write that fails are two errors, and the first may have sent it again
      if (hasFailed) return;
      hasFailed = true;
      if (error.code === 'ECONNRESET' && !req.socket.writable) outgoing.destroy();
      else fail(error, req, res, exchange);
    };
    res.on('close', () => {
      if (!res.writableFinished) outgoing.destroy();
    });
    req.on('error', failed);
    outgoing
      .on('error', failed)
      .on('socket', () => {
        begin(outgoing, req, res, exchange);
        sendBody(req, outgoing);
      })
      .on('response', (answer) => {
        answer.on('close', () => drainUpload(req, outgoing));
        passBack(answer, req, res, exchange);
        if (res.writableEnded) return;
        res.on('close', () => answer.destroy());
        answer
          .on('close', () => {
            if (!answer.complete && !res.destroyed) res.destroy();
          })
          .on('error', () => {
            if (!res.destroyed) res.destroy();
          });
      });
  }

  return (req, res, headers, exchange) => {
    try {
      send(req, res, headers, exchange);
    } catch (error) {
      // middleware before us made a header that Node refuses to send
      fail(error instanceof Error ? error : new Error(String(error)), req, res, exchange);
    }
  };
}

function sendBody(req: IncomingMessage, outgoing: ClientRequest): void {
  // where middleware has destroyed the request there is no telling whether all of it would be sent
  if (req.destroyed) return void req.pipe(outgoing);
  if (!hasBody(req)) return void outgoing.end();
  if (!isBodyHere(req) || req.readableFlowing !== null || isReencoded(req)) return void req.pipe(outgoing);
  // to pipe it would take a twentieth of the request's time
  endWith(outgoing, req.read());
  req.resume();
}
