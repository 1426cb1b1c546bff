// Clients of event streams: one connection watched closely, and one that reconnects as browsers do.

import { once } from 'node:events';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { Stack } from './stack.js';

/** The upstream answers all requests with a stream; the set has those that are open. */
export function serveStreams({ upstream }: Stack, headers: http.OutgoingHttpHeaders = {}): Set<ServerResponse> {
  const streams = new Set<ServerResponse>();
  upstream.answer = (_req, res) => {
    streams.add(res);
    res.once('close', () => streams.delete(res));
    res.writeHead(200, { 'content-type': 'text/event-stream', ...headers });
    res.flushHeaders();
  };
  return streams;
}

/** @throws if the logout was not accepted */
export async function logOut(stack: Stack, token: string): Promise<void> {
  const { status } = await stack.as(token, '/logout', { method: 'POST' });
  if (status !== 200) throw new Error(`the logout was answered with ${status}`);
}

export interface StreamClient {
  readonly request: http.ClientRequest;
  readonly answer: IncomingMessage;
  /** What has come so far. */
  readonly text: () => string;
  /** Resolves when this much has come. */
  has(text: string): Promise<void>;
  /** How it ended: by its last chunk, or cut. */
  readonly end: Promise<'ended' | 'cut'>;
}

export interface StreamOptions {
  readonly method?: string;
  readonly headers?: http.OutgoingHttpHeaders;
  readonly body?: string;
  readonly agent?: http.Agent;
  /** Takes nothing until the test does. */
  readonly paused?: boolean;
}

/** Opens a stream with the session's cookie; resolves when its head has come. */
export async function openStream(
  { url, am }: Stack,
  path: string,
  token: string | undefined,
  { method = 'GET', headers, body, agent, paused = false }: StreamOptions = {},
): Promise<StreamClient> {
  const cookie = token === undefined ? {} : { cookie: `${am.cookieName}=${token}` };
  const request = http.request(url + path, {
    method,
    agent: agent ?? false,
    headers: { accept: 'text/event-stream', ...cookie, ...headers },
  });
  request.on('error', () => undefined).end(body);
  const [answer] = (await once(request, 'response')) as [IncomingMessage];
  let text = '';
  if (!paused) answer.on('data', (chunk: Buffer) => (text += chunk.toString()));
  answer.on('error', () => undefined);
  const end = new Promise<'ended' | 'cut'>((resolve) =>
    answer.once('close', () => resolve(answer.complete ? 'ended' : 'cut')),
  );
  return {
    request,
    answer,
    text: () => text,
    end,
    async has(wanted) {
      while (!text.includes(wanted)) await once(answer, 'data', { signal: AbortSignal.timeout(2_000) });
    },
  };
}

export interface ReconnectingClient {
  /** The status of each connection, in order. */
  readonly statuses: readonly number[];
  /** The code of the problem that it gave up at. Never resolves while the stream is served. */
  readonly failure: Promise<unknown>;
  /** What it received over all connections. */
  readonly text: () => string;
  close(): void;
}

/** Like `EventSource` (HTML, 9.2): comes back when the stream ends or is cut, gives up when it is refused. */
export function eventSource(stack: Stack, path: string, token: string, reconnectMs = 20): ReconnectingClient {
  const statuses: number[] = [];
  const agent = new http.Agent({ keepAlive: true });
  let text = '';
  let closed = false;
  let current: http.ClientRequest | undefined;

  async function live(): Promise<unknown> {
    while (!closed) {
      const { request, answer, text: received, end } = await openStream(stack, path, token, { agent });
      current = request;
      statuses.push(answer.statusCode ?? 0);
      await end;
      text += received();
      if (answer.statusCode !== 200) return (JSON.parse(received()) as { code: unknown }).code;
      await new Promise((resolve) => setTimeout(resolve, reconnectMs));
    }
    return undefined;
  }

  return {
    statuses,
    failure: live(),
    text: () => text,
    close() {
      closed = true;
      current?.destroy();
      agent.destroy();
    },
  };
}
