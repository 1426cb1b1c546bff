// Headers whose bytes are no ASCII, such as names of files: they arrive as they are, and are never taken for line ends.

import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { rawRequest } from './support/http.js';
import { rawAnswer, startRawUpstream, type RawUpstream } from './support/raw-upstream.js';
import { mounts, startStack, type Stack } from './support/stack.js';

/** UTF-8 as bytes, one character each. */
const bytesOf = (text: string) => Buffer.from(text).toString('latin1');

/** U+010D and U+010A: cut down to their low bytes they end a line. */
const lineEnd = bytesOf('\u{10d}\u{10a}');
const dispositions = [
  `attachment; filename="\xe9.txt"`,
  bytesOf('attachment; filename="é.txt"'),
  bytesOf('attachment; filename="上不.pdf"'),
  `x${lineEnd}X-Forwarded-User: admin${lineEnd}Set-Cookie: iPlanetDirectoryPro=forged${lineEnd}${lineEnd}GET /second HTTP/1.1${lineEnd}`,
];

describe.each(mounts)('mounted by %s', (mount) => {
  let upstream: RawUpstream;
  let stack: Stack;
  let heads: string[];
  let answer: readonly string[];
  beforeAll(async () => {
    upstream = await startRawUpstream((socket, head) => {
      heads.push(head);
      answer.forEach((piece, i) => setTimeout(() => socket.write(piece, 'latin1'), i * 40));
    });
    const routes = [{ path: '/api', target: upstream.url }];
    stack = await startStack({ mount, proxy: { routes } });
  });
  beforeEach(() => {
    heads = [];
    answer = [rawAnswer()];
  });
  afterAll(async () => {
    await stack.close();
    await upstream.close();
  });

  /** Resolves with all that came back, as Latin-1. */
  function send(method: string, lines: readonly string[], body = ''): Promise<string> {
    const cookie = `${stack.am.cookieName}=${stack.am.login()}`;
    const head = [`${method} /api/x HTTP/1.1`, 'Host: a', `Cookie: ${cookie}`, 'Connection: close', ...lines];
    return rawRequest(stack.url, Buffer.from([...head, '', body].join('\r\n'), 'latin1'));
  }

  it.each(dispositions)('the Content-Disposition of a request is passed on byte for byte: %j', async (value) => {
    for (const method of ['POST', 'PUT', 'DELETE', 'GET', 'OPTIONS'])
      for (const lines of [
        ['Content-Length: 3', `Content-Disposition: ${value}`],
        [`Content-Disposition: ${value}`, 'Content-Length: 3'],
      ]) {
        heads = [];
        expect(await send(method, lines, 'abc')).toMatch(/^HTTP\/1\.1 200 /);
        // nor has the body begun another
        expect(heads).toHaveLength(1);
        expect(heads[0]?.split('\r\n')).toContain(`content-disposition: ${value}`);
        expect(heads[0]).toMatch(/\r\nx-forwarded-user: demo\r\n/);
      }
    expect(upstream.received().split('abc')[1]).toMatch(/^(?:POST|PUT|DELETE|GET|OPTIONS) \/api\/x HTTP/);
  });

  it.each(dispositions)('the Content-Disposition of an answer is passed on byte for byte: %j', async (value) => {
    const length = 'Content-Length: 3';
    const disposition = `Content-Disposition: ${value}`;
    for (const [lines, body] of [
      [[length, disposition], 'abc'],
      [[disposition, length], 'abc'],
      [['Transfer-Encoding: chunked', disposition], '3\r\nabc\r\n0\r\n\r\n'],
    ] as const) {
      const head = ['HTTP/1.1 200 OK', ...lines, '', ''].join('\r\n');
      for (const pieces of [[head + body], [head, body]]) {
        answer = pieces;
        const lineList = (await send('GET', [])).split('\r\n');
        expect(lineList[0]).toBe('HTTP/1.1 200 OK');
        expect(lineList).toContain(disposition);
        expect(lineList.filter((line) => /^set-cookie/i.test(line))).toEqual([]);
      }
    }
  });

  it.each(['text/plain', 'text/event-stream'])(
    'a head (%s) that comes before its body keeps its bytes',
    async (type) => {
      const other = `X-Other: \xe9\xff${bytesOf('é')}`;
      const head = ['HTTP/1.1 200 O\xe9', `Content-Type: ${type}`, 'Content-Length: 2', other, '', ''];
      answer = [head.join('\r\n'), 'ok'];
      const lines = (await send('GET', [])).split('\r\n');
      expect(lines[0]).toBe('HTTP/1.1 200 O\xe9');
      expect(lines).toContain(other);
      expect(lines.at(-1)).toBe('ok');
    },
  );
});
