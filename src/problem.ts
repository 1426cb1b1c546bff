// Every error we answer: its code, its status, and its body (RFC 9457). Errors are shaped nowhere else.

import type { ServerResponse } from 'node:http';
import { createAttachment } from './attachment.js';

interface Kind {
  readonly status: number;
  readonly title: string;
  readonly detail: string;
}

const kinds = {
  session_missing: kind(401, 'Unauthorized', 'No usable SSO cookie came with the request.'),
  session_expired: kind(401, 'Unauthorized', 'The session has ended at the access manager.'),
  session_ended: kind(401, 'Unauthorized', 'The session was logged out.'),
  session_wrong_realm: kind(403, 'Forbidden', 'The session belongs to a realm that this application does not serve.'),
  cross_site_request: kind(403, 'Forbidden', 'The request comes from another site.'),
  bad_request_target: kind(400, 'Bad Request', 'The request target is not one that can be passed on safely.'),
  am_unavailable: kind(503, 'Service Unavailable', 'The access manager does not answer.'),
  am_refused: kind(502, 'Bad Gateway', 'The access manager refuses the call: its configuration or ours is wrong.'),
  upstream_unavailable: kind(502, 'Bad Gateway', 'The API behind this server could not be reached.'),
  upstream_timeout: kind(504, 'Gateway Timeout', 'The API behind this server did not answer in time.'),
  not_found: kind(404, 'Not Found', 'There is nothing here.'),
  method_not_allowed: kind(405, 'Method Not Allowed', 'The resource does not support this method.'),
  internal_error: kind(500, 'Internal Server Error', 'The server met a condition that it did not expect.'),
  bad_request: kind(400, 'Bad Request', 'The request could not be understood.'),
  request_timeout: kind(408, 'Request Timeout', 'The request did not arrive in time.'),
  headers_too_large: kind(431, 'Request Header Fields Too Large', 'The headers are too large: often too many cookies.'),
} as const satisfies Record<string, Kind>;

/** Stable: part of the contract with clients. */
export type ProblemCode = keyof typeof kinds;

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the keys of the table are its own
export const problemCodes = Object.keys(kinds) as readonly ProblemCode[];

export interface ProblemExtras {
  /** Where to log in; without a `goto`. */
  readonly loginUrl?: string;
  /** Whole seconds. */
  readonly retryAfterS?: number;
  /** `Allow` of a 405. */
  readonly allow?: string;
}

export function problemStatus(code: ProblemCode): number {
  return kinds[code].status;
}

function problemBody(code: ProblemCode, loginUrl?: string): string {
  const { status, title, detail } = kinds[code];
  return JSON.stringify({
    type: 'about:blank',
    title,
    status,
    code,
    detail,
    ...(loginUrl !== undefined && { loginUrl }),
  });
}

/** Each proxy counts the problems of its own answers, and the code that answers does not know which proxy it works for. */
const counters = createAttachment<ServerResponse, (code: ProblemCode) => void>('counter');

/** `count` is told if the answer turns out to be a problem. */
export function countProblem(res: ServerResponse, count: (code: ProblemCode) => void): void {
  counters.set(res, count);
}

/** For an answer that is given because of a problem, and does not carry it. */
export function noteProblem(res: ServerResponse, code: ProblemCode): void {
  counters.get(res)?.(code);
}

/** Answers with the problem; headers that stand on the response already stay. */
export function sendProblem(res: ServerResponse, code: ProblemCode, extras: ProblemExtras = {}): void {
  noteProblem(res, code);
  const body = problemBody(code, extras.loginUrl);
  res.statusCode = kinds[code].status;
  res.setHeader('content-type', 'application/problem+json; charset=utf-8');
  res.setHeader('content-length', Buffer.byteLength(body));
  res.setHeader('cache-control', 'no-store');
  if (extras.retryAfterS !== undefined) res.setHeader('retry-after', extras.retryAfterS);
  if (extras.allow !== undefined) res.setHeader('allow', extras.allow);
  res.end(body);
}

/** For a socket that has no response object: what Node's parser refused. Ends the connection. */
export function rawProblem(code: ProblemCode, headers: ReadonlyMap<string, string>): string {
  const body = problemBody(code);
  const lines = [...headers].map(([name, value]) => `${name}: ${value}\r\n`).join('');
  const { status, title } = kinds[code];
  return (
    `HTTP/1.1 ${status} ${title}\r\n${lines}connection: close\r\ncache-control: no-store\r\n` +
    `content-type: application/problem+json; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  );
}

/** Whether an answer can still be given. */
export function canAnswer(res: ServerResponse): boolean {
  return !res.headersSent && !res.destroyed && !res.writableEnded;
}

function kind(status: number, title: string, detail: string): Kind {
  return { status, title, detail };
}
