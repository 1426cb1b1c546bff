// Plain HTTP towards the simulator: what fetch hides (Host, Cookie, repeated headers, dying connections) can be seen here.

import http from 'node:http';
import type { AmSimulator } from '../../src/simulator/index.js';

export interface Reply {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly rawHeaders: readonly string[];
  readonly text: string;
}

export interface Call {
  readonly method?: string;
  readonly headers?: http.OutgoingHttpHeaders;
  readonly body?: string;
  readonly signal?: AbortSignal;
}

/** Rejects if the connection fails or dies before the whole answer has come. */
export function call(url: string, { method = 'GET', headers = {}, body, signal }: Call = {}): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const options = { method, headers, agent: false, ...(signal === undefined ? {} : { signal }) } as const;
    const req = http.request(url, options, (res) => {
      const chunks: Buffer[] = [];
      res.on('data', (chunk: Buffer) => chunks.push(chunk));
      res.on('error', reject);
      res.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        resolve({ status: res.statusCode ?? 0, headers: res.headers, rawHeaders: res.rawHeaders, text });
      });
    });
    req.on('error', reject);
    req.end(body);
  });
}

/** The body, of the shape that the test goes on to check. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- saves an assertion at each use
export function json<T = unknown>(reply: Reply): T {
  const body: T = JSON.parse(reply.text);
  return body;
}

/** For tests that misuse the API on purpose. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- saves an assertion at each use
export function mistyped<T>(value: unknown): T {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- that is the point
  return value as T;
}

/** A sessions action of the token, sent in the header that AM wants it in. */
export function act(
  am: AmSimulator,
  action: string,
  token: string | undefined,
  { version = 'resource=4.0', path = '/json/sessions', headers = {}, signal }: ActOptions = {},
): Promise<Reply> {
  return call(`${am.url}${path}?_action=${action}`, {
    method: 'POST',
    headers: {
      ...(token === undefined ? {} : { [am.cookieName]: token }),
      ...(version === '' ? {} : { 'Accept-API-Version': version }),
      'Content-Type': 'application/json',
      ...headers,
    },
    ...(signal === undefined ? {} : { signal }),
  });
}

interface ActOptions {
  readonly version?: string;
  readonly path?: string;
  readonly headers?: http.OutgoingHttpHeaders;
  readonly signal?: AbortSignal;
}
