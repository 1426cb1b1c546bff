// Middleware of a team as the well-known packages write it: they patch the response before we get it.

import type { ServerResponse } from 'node:http';
import { createGzip, type Gzip } from 'node:zlib';
import type { RequestHandler } from 'express';

type WriteHead = (status: number, ...rest: unknown[]) => ServerResponse;
type HeaderSetter = (res: ServerResponse, headers: readonly unknown[]) => void;

/** As the package on-headers does it since 1.1: the headers given to `writeHead` are set one by one, then `listener` runs. */
const setFlatList: HeaderSetter = (res, headers) => {
  for (let i = 0; i < headers.length; i += 2) res.removeHeader(String(headers[i]));
  for (let i = 0; i < headers.length; i += 2) res.appendHeader(String(headers[i]), String(headers[i + 1]));
};

/** As it did it before: each element is taken for a pair, a name for its first two letters. */
const setListOfPairs: HeaderSetter = (res, headers) => {
  for (const pair of headers as string[]) res.setHeader(pair[0] ?? '', pair[1] ?? '');
};

function onHeaders(res: ServerResponse, listener: () => void, setList = setFlatList): void {
  const writeHead: WriteHead = res.writeHead.bind(res) as WriteHead;
  let fired = false;
  const patched: WriteHead = (status, ...rest) => {
    const message = typeof rest[0] === 'string' ? [rest[0]] : [];
    const headers = rest[message.length];
    res.statusCode = status;
    if (Array.isArray(headers)) setList(res, headers);
    else if (headers) for (const [name, value] of Object.entries(headers)) res.setHeader(name, value as string);
    if (!fired) {
      fired = true;
      listener();
    }
    return writeHead(res.statusCode, ...message);
  };
  res.writeHead = patched as ServerResponse['writeHead'];
}

/** `X-Response-Time`, as response-time sets it. */
export function responseTime(): RequestHandler {
  return (_req, res, next) => {
    onHeaders(res, () => res.setHeader('X-Response-Time', '1ms'));
    next();
  };
}

/** The same with an old on-headers, as morgan and express-session had it until 2025. */
export function oldResponseTime(): RequestHandler {
  return (_req, res, next) => {
    onHeaders(res, () => res.setHeader('X-Response-Time', '1ms'), setListOfPairs);
    next();
  };
}

type Write = (chunk?: unknown, encoding?: unknown, callback?: unknown) => boolean;

/** As compression does it: `write`, `end` and `on` lead into a gzip stream, if the head turns out to be worth it. */
export function compression(): RequestHandler {
  return (req, res, next) => {
    const write = res.write.bind(res) as Write;
    const end = res.end.bind(res) as unknown as Write;
    const on = res.on.bind(res);
    let gzip: Gzip | undefined;
    let waiting: (() => void)[] | undefined = [];
    const implicitHead = (): void => {
      if (!res.headersSent) res.writeHead(res.statusCode);
    };
    Object.assign(res, {
      flush: () => gzip?.flush(),
      write(chunk: Buffer | string, encoding?: BufferEncoding): boolean {
        implicitHead();
        return gzip ? gzip.write(Buffer.from(chunk as string, encoding)) : write(chunk, encoding);
      },
      end(chunk?: Buffer | string, encoding?: BufferEncoding): unknown {
        if (!res.headersSent && chunk !== undefined && !res.hasHeader('content-length'))
          res.setHeader('Content-Length', Buffer.byteLength(chunk));
        implicitHead();
        if (!gzip) return end(chunk, encoding);
        return chunk === undefined ? gzip.end() : gzip.end(Buffer.from(chunk as string, encoding));
      },
      on(type: string, listener: () => void) {
        if (type !== 'drain' || !waiting) return on(type, listener);
        if (gzip) gzip.on('drain', listener);
        else waiting.push(listener);
        return res;
      },
    });
    onHeaders(res, () => {
      const type = String(res.getHeader('content-type') ?? '');
      const isSmall = Number(res.getHeader('content-length')) < 1024;
      const isKept = /no-transform/.test(String(res.getHeader('cache-control') ?? ''));
      const isWanted = /gzip/.test(req.get('accept-encoding') ?? '') && req.method !== 'HEAD';
      if (!/json|text/.test(type) || isSmall || isKept || !isWanted || res.hasHeader('content-encoding')) {
        for (const listener of waiting ?? []) on('drain', listener);
        waiting = undefined;
        return;
      }
      const stream = createGzip();
      gzip = stream;
      for (const listener of waiting ?? []) stream.on('drain', listener);
      res.vary('Accept-Encoding');
      res.setHeader('Content-Encoding', 'gzip');
      res.removeHeader('Content-Length');
      stream.on('data', (chunk: Buffer) => {
        if (!write(chunk)) stream.pause();
      });
      stream.on('end', () => end());
      on('drain', () => stream.resume());
    });
    next();
  };
}

/** As express-session does it: its cookie is set at the last moment, and the end waits until the session is saved. */
export function teamSession(): RequestHandler {
  return (_req, res, next) => {
    onHeaders(res, () => {
      const before = [res.getHeader('Set-Cookie') ?? []].flat() as string[];
      res.setHeader('Set-Cookie', [...before, 'connect.sid=s%3A1; Path=/; HttpOnly']);
    });
    const write = res.write.bind(res) as Write;
    const end = res.end.bind(res) as unknown as Write;
    let ended = false;
    Object.assign(res, {
      end(chunk?: Buffer | string, encoding?: BufferEncoding) {
        if (ended) return false;
        ended = true;
        const bytes = chunk === undefined ? undefined : Buffer.from(chunk as string, encoding);
        if (!res.headersSent) res.writeHead(res.statusCode);
        // all but the last byte, so that the client waits for the store
        if (bytes?.length) write(bytes.subarray(0, -1));
        setTimeout(() => end(bytes?.subarray(-1)), 5);
        return true;
      },
    });
    next();
  };
}

/** As morgan does it: one line when the answer is out. */
export function accessLog(lines: string[]): RequestHandler {
  return (req, res, next) => {
    const length = () => String(res.getHeader('content-length') ?? '-');
    onHeaders(res, () => undefined);
    res.once('finish', () => lines.push(`${req.method} ${req.originalUrl} ${res.statusCode} ${length()}`));
    next();
  };
}
