// Writes an answer to the socket, or does to it what a fault says.

import type { ServerResponse } from 'node:http';
import type { Answer } from './answers.js';
import type { Clock } from './clock.js';
import type { FaultKind, FaultRule } from './fault-rule.js';

const JSON_TYPE = 'application/json;charset=UTF-8';
const MEGABYTE = 1024 * 1024;
const LOGIN_PAGE = '/am/XUI/?realm=%2F';
const GATEWAY_PAGE = '<!doctype html><html lang="en"><title>Gateway</title><h1>The page of a gateway</h1></html>';

// Tomcat ends the connection after these (measured), which a keep-alive client has to bear.
const CLOSING: ReadonlySet<number> = new Set([400, 408, 411, 413, 414, 500, 501, 503]);

// These need AM's own answer; before the others AM does nothing, unless the rule says `obey`.
const AFTER_WORK: ReadonlySet<FaultKind> = new Set<FaultKind>(['slow', 'truncated', 'drip']);

export const doesWork = (fault: FaultRule | undefined): boolean =>
  fault === undefined || fault.obey === true || AFTER_WORK.has(fault.kind);

function head(res: ServerResponse, { status, headers }: Pick<Answer, 'status' | 'headers'>): void {
  res.statusCode = status;
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value);
}

function send(res: ServerResponse, answer: Answer): void {
  head(res, answer);
  if (CLOSING.has(answer.status)) res.setHeader('Connection', 'close');
  res.end(answer.body);
}

function sendPlain(res: ServerResponse, status: number, contentType: string | undefined, body: string | Buffer): void {
  head(res, { status, headers: contentType === undefined ? {} : { 'Content-Type': contentType } });
  res.end(body);
}

function sendStatus(res: ServerResponse, { status = 500, body, headers = {}, contentType }: FaultRule): void {
  const type = contentType ?? (body === undefined ? undefined : JSON_TYPE);
  head(res, { status, headers: { ...(type === undefined ? {} : { 'Content-Type': type }), ...headers } });
  res.end(typeof body === 'string' ? body : JSON.stringify(body));
}

function sendTruncated(res: ServerResponse, answer: Answer): void {
  const body = Buffer.from(answer.body);
  head(res, answer);
  // One byte more than there is, so that even an empty answer comes to no proper end.
  res.setHeader('Content-Length', body.length + 1);
  if (body.length < 2) res.flushHeaders();
  res.write(body.subarray(0, Math.ceil(body.length / 2)), () => res.destroy());
}

function sendHuge(res: ServerResponse, megabytes: number): void {
  head(res, { status: 200, headers: { 'Content-Type': JSON_TYPE } });
  res.write('{"padding":"');
  let left = megabytes;
  const next = (): void => {
    while (left > 0) {
      left -= 1;
      if (!res.write('x'.repeat(MEGABYTE))) return void res.once('drain', next);
    }
    res.end('"}');
  };
  next();
}

export interface DeliveryOptions {
  readonly timers: Pick<Clock, 'setTimer' | 'clearTimer'>;
  readonly latencyMs: number;
}

export type Delivery = ReturnType<typeof createDelivery>;

export function createDelivery({ timers, latencyMs }: DeliveryOptions) {
  /** Calls back after `ms`, unless the connection is gone by then. */
  function later(res: ServerResponse, ms: number, callback: () => void): void {
    if (ms === 0) return callback();
    const cancel = (): void => timers.clearTimer(timer);
    const timer = timers.setTimer(() => {
      res.off('close', cancel);
      callback();
    }, ms);
    res.once('close', cancel);
  }

  function drip(res: ServerResponse, answer: Answer, intervalMs: number): void {
    const body = Buffer.from(answer.body);
    head(res, answer);
    res.setHeader('Content-Length', body.length);
    res.flushHeaders();
    let sent = 0;
    const next = (): void => {
      if (sent === body.length) return void res.end();
      res.write(body.subarray(sent, (sent += 1)));
      later(res, intervalMs, next);
    };
    next();
  }

  function fail(res: ServerResponse, fault: FaultRule, answer: Answer): void {
    switch (fault.kind) {
      case 'hang':
        return;
      case 'reset':
        return void res.socket?.resetAndDestroy();
      case 'status':
        return sendStatus(res, fault);
      case 'garbage':
        return sendPlain(res, 200, JSON_TYPE, Buffer.from('{"uid":"de\u0000\ufffd]]', 'latin1'));
      case 'html':
        return sendPlain(res, fault.status ?? 200, 'text/html;charset=UTF-8', GATEWAY_PAGE);
      case 'empty':
        return sendPlain(res, fault.status ?? 200, JSON_TYPE, '');
      case 'redirect':
        res.setHeader('Location', fault.location ?? LOGIN_PAGE);
        return sendPlain(res, fault.status ?? 302, undefined, '');
      case 'huge':
        return sendHuge(res, fault.megabytes ?? 16);
      case 'truncated':
        return sendTruncated(res, answer);
      case 'drip':
        return drip(res, answer, fault.intervalMs ?? 1000);
      case 'slow':
        return later(res, fault.delayMs ?? 1000, () => send(res, answer));
    }
  }

  return {
    send,
    /** AM's answer after its latency, or what the fault makes of it. */
    deliver(res: ServerResponse, answer: Answer, fault: FaultRule | undefined): void {
      later(res, latencyMs, () => (fault === undefined ? send(res, answer) : fail(res, fault, answer)));
    },
  };
}
