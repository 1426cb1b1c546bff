// Servers that fail: every one of them is an honest "unknown", within the time-out, and shows no token.

import { performance } from 'node:perf_hooks';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import type { Unknown } from '../src/am/answers.js';
import { secret, secretCredential, startClient, type TestClient } from './support/am-client.js';
import {
  aliveAnswer,
  aliveBody,
  httpAnswer,
  startRawServer,
  type RawRequest,
  type RawServer,
} from './support/raw-server.js';

const timeoutMs = 400;
const ends: (() => unknown)[] = [];

afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

async function serve(answer: (request: RawRequest) => void): Promise<{ am: RawServer; client: TestClient }> {
  const am = await startRawServer(answer);
  const client = startClient(am.url, { timeoutMs });
  ends.push(
    () => client.close(),
    () => am.close(),
  );
  return { am, client };
}

async function took<T>(work: Promise<T>): Promise<{ value: T; ms: number }> {
  const startedAt = performance.now();
  const value = await work;
  return { value, ms: performance.now() - startedAt };
}

function unknown(cause: Unknown['cause'], detail: unknown): unknown {
  return { kind: 'unknown', cause, detail, retryAfterS: undefined };
}

test('whole answers are understood', async () => {
  const { client } = await serve(({ socket }) => socket.write(aliveAnswer));
  expect(await client.refresh(secretCredential)).toMatchObject({ kind: 'alive', username: 'demo', realm: '/' });
});

test.each([
  ['chunked', `Transfer-Encoding: chunked\r\n\r\n${aliveBody.length.toString(16)}\r\n${aliveBody}\r\n0\r\n\r\n`],
  ['ended by the end of the connection', `Connection: close\r\n\r\n${aliveBody}`],
])('answers that are %s are understood', async (_title, rest) => {
  const { client } = await serve(({ socket }) => {
    const bytes = `HTTP/1.1 200 OK\r\n${rest}`;
    if (rest.startsWith('Connection')) socket.end(bytes);
    else socket.write(bytes);
  });
  expect(await client.peek(secretCredential)).toMatchObject({ kind: 'alive' });
});

test('letters of several bytes that arrive in pieces are put together', async () => {
  const { client } = await serve(({ socket }) => {
    const bytes = Buffer.from(httpAnswer(200, '{"uid":"Zoë 😀","realm":"/"}'));
    for (const byte of bytes) socket.write(Buffer.of(byte));
  });
  expect(await client.refresh(secretCredential)).toMatchObject({ kind: 'alive', username: 'Zoë 😀' });
});

test('early hints in front of the answer are passed over', async () => {
  const { client } = await serve(({ socket }) => socket.write(`HTTP/1.1 103 Early Hints\r\n\r\n${aliveAnswer}`));
  expect(await client.refresh(secretCredential)).toMatchObject({ kind: 'alive' });
});

describe('AM is not there', () => {
  test('when connections are refused', async () => {
    const { am, client } = await serve(() => undefined);
    await am.close();
    expect(await client.refresh(secretCredential)).toEqual(unknown('connect', 'ECONNREFUSED'));
    expect(await client.logout(secretCredential)).toEqual(unknown('connect', 'ECONNREFUSED'));
    expect(await client.serverInfo()).toEqual(unknown('connect', 'ECONNREFUSED'));
  });

  test('when its name does not exist', async () => {
    const client = startClient('https://am.invalid/am', { timeoutMs: 2_000 });
    ends.push(() => client.close());
    expect(await client.refresh(secretCredential)).toMatchObject({ kind: 'unknown', cause: 'connect' });
  });

  test('when a TLS handshake does not get on', async () => {
    const { am } = await serve(() => undefined);
    const client = startClient(am.url.replace('http:', 'https:'), { timeoutMs: 150 });
    ends.push(() => client.close());
    expect(await client.refresh(secretCredential)).toEqual(unknown('connect', 'timeout'));
  });
});

describe('a connection that ends', () => {
  test.each([
    ['before the answer', ''],
    ['in the status line', 'HTTP/1.1 20'],
    ['in the headers', 'HTTP/1.1 200 OK\r\nContent-Type: app'],
    ['in the body', httpAnswer(200, aliveBody).slice(0, -5)],
    ['between two chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"uid\r\n'],
  ])('%s is a reset, by FIN and by RST', async (_title, part) => {
    let byReset = false;
    const { client } = await serve(({ socket }) => {
      if (byReset) socket.write(part, () => setTimeout(() => socket.resetAndDestroy(), 20));
      else socket.end(part);
    });
    expect(await client.refresh(secretCredential)).toEqual(unknown('reset', 'ECONNRESET'));
    byReset = true;
    expect(await client.refresh(secretCredential)).toEqual(unknown('reset', 'ECONNRESET'));
  });
});

describe('an answer that is none', () => {
  test.each([
    ['no HTTP', 'SSH-2.0-OpenSSH_9.6\r\n', /^HPE_/],
    ['two different lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 5\r\n\r\n{}', /^HPE_/],
    ['a length beside chunks', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}', /^HPE_/],
    ['a broken chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n', /^HPE_/],
    ['headers without end', `HTTP/1.1 200 OK\r\n${'X-Filler: 0123456789\r\n'.repeat(2_000)}`, 'HPE_HEADER_OVERFLOW'],
    [
      'an upgrade nobody asked for',
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n',
      'HTTP 101',
    ],
  ])('(%s) is a bad answer', async (_title, bytes, detail) => {
    const { am, client } = await serve(({ socket }) => socket.write(bytes));
    const { value, ms } = await took(client.refresh(secretCredential));
    expect(value).toEqual(unknown('bad-answer', detail instanceof RegExp ? expect.stringMatching(detail) : detail));
    expect(ms).toBeLessThan(timeoutMs / 2);
    await am.gone(0);
  });

  test('(a redirect) is a bad answer and not followed', async () => {
    const { am, client } = await serve(({ socket }) =>
      socket.write(httpAnswer(302, '', { Location: `${am.url}/XUI/#login` })),
    );
    expect(await client.refresh(secretCredential)).toEqual(unknown('bad-answer', 'HTTP 302'));
    expect(am.requests).toHaveLength(1);
  });

  test('(10 MB) is cut off early', async () => {
    let drained = 0;
    const { am, client } = await serve(({ socket }) => {
      const chunk = Buffer.alloc(64 * 1024, ' ');
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${10 * 1024 * 1024}\r\n\r\n`);
      const send = () => {
        if (socket.destroyed || drained >= 10 * 1024 * 1024) return;
        drained += chunk.length;
        socket.write(chunk, send);
      };
      send();
    });
    const { value, ms } = await took(client.refresh(secretCredential));
    expect(value).toEqual(unknown('bad-answer', 'body too large'));
    expect(ms).toBeLessThan(timeoutMs / 2);
    await am.gone(0);
    // what the sockets of both sides hold comes on top of what we read
    expect(drained).toBeLessThan(9 * 1024 * 1024);
  });

  test('just within the bound is taken', async () => {
    const filler = 'x'.repeat(250 * 1024);
    const { client } = await serve(({ socket }) =>
      socket.write(httpAnswer(200, JSON.stringify({ uid: 'demo', realm: '/', filler }))),
    );
    expect(await client.refresh(secretCredential)).toMatchObject({ kind: 'alive' });
  });
});

describe('the time-out', () => {
  test('ends a call that AM does not answer, and its connection', async () => {
    const { am, client } = await serve(() => undefined);
    const { value, ms } = await took(client.refresh(secretCredential));
    expect(value).toEqual(unknown('timeout', 'timeout'));
    expect(ms).toBeGreaterThan(timeoutMs - 5);
    expect(ms).toBeLessThan(timeoutMs + 300);
    await am.gone(0);
  });

  test.each([
    ['headers', ''],
    ['body', 'HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\n'],
  ])('is for the whole call: %s that drip do not stretch it', async (_title, before) => {
    const { client } = await serve(({ socket }) => {
      socket.write(before);
      const bytes = before === '' ? aliveAnswer : aliveBody;
      let sent = 0;
      const drip = setInterval(() => socket.write(bytes[sent++] ?? ''), 25);
      socket.once('close', () => clearInterval(drip));
    });
    const { value, ms } = await took(client.refresh(secretCredential));
    expect(value).toEqual(unknown('timeout', 'timeout'));
    expect(ms).toBeLessThan(timeoutMs + 300);
  });

  test('does not hit an answer that is slow but in time', async () => {
    const { client } = await serve(({ socket }) => setTimeout(() => socket.write(aliveAnswer), timeoutMs - 150));
    expect(await client.refresh(secretCredential)).toMatchObject({ kind: 'alive' });
  });

  test('is out of the way once the answer has come', async () => {
    const { am, client } = await serve(({ socket }) => socket.write(aliveAnswer));
    await client.refresh(secretCredential);
    await new Promise((resolve) => setTimeout(resolve, timeoutMs + 100));
    await client.refresh(secretCredential);
    expect(am.connections).toHaveLength(1);
  });
});

describe('a signal', () => {
  test('ends a call at once, and its connection', async () => {
    const controller = new AbortController();
    const { am, client } = await serve(() => controller.abort());
    const { value, ms } = await took(client.refresh(secretCredential, controller.signal));
    expect(value).toEqual(unknown('aborted', 'aborted'));
    expect(ms).toBeLessThan(timeoutMs / 2);
    await am.gone(0);
  });

  test('ends a call in the middle of its answer', async () => {
    const controller = new AbortController();
    const { client } = await serve(({ socket }) => {
      socket.write(aliveAnswer.slice(0, -5), () => setTimeout(() => controller.abort(), 20));
    });
    expect(await client.refresh(secretCredential, controller.signal)).toEqual(unknown('aborted', 'aborted'));
  });

  test('that was given before keeps AM from being asked', async () => {
    const { am, client } = await serve(({ socket }) => socket.write(aliveAnswer));
    expect(await client.refresh(secretCredential, AbortSignal.abort())).toEqual(unknown('aborted', 'aborted'));
    expect(am.requests).toHaveLength(0);
  });

  test('that comes after the answer changes nothing', async () => {
    const controller = new AbortController();
    const { am, client } = await serve(({ socket }) => socket.write(aliveAnswer));
    expect(await client.refresh(secretCredential, controller.signal)).toMatchObject({ kind: 'alive' });
    controller.abort();
    expect(await client.refresh(secretCredential)).toMatchObject({ kind: 'alive' });
    expect(am.connections).toHaveLength(1);
  });
});

test('calls go on over one connection, one after the other', async () => {
  const { am, client } = await serve(({ socket }) => socket.write(aliveAnswer));
  for (let i = 0; i < 20; i++) await client.refresh(secretCredential);
  await client.serverInfo();
  expect(am.requests.map(({ connection }) => connection)).toEqual(Array.from({ length: 21 }, () => 0));
});

test('calls at the same time go over as many connections, which serve the next ones', async () => {
  const { am, client } = await serve(({ socket }) => setTimeout(() => socket.write(aliveAnswer), 20));
  const burst = () => Promise.all(Array.from({ length: 10 }, () => client.refresh(secretCredential)));
  await burst();
  await burst();
  expect(am.connections).toHaveLength(10);
  expect(am.requests).toHaveLength(20);
});

test('no answer, however bad, repeats the token', async () => {
  const echo = (status: number) => httpAnswer(status, `{"message":"${secret}"}`, { 'X-Echo': secret });
  const bytes = [
    echo(500),
    echo(403),
    echo(200),
    `HTTP/1.1 ${secret}\r\n\r\n`,
    `${secret}\r\n\r\n`,
    `HTTP/1.1 200 OK\r\nContent-Length: ${secret}\r\n\r\n`,
    '',
  ];
  const { client } = await serve(({ socket, index }) => socket.end(bytes[index] ?? ''));
  for (let i = 0; i < bytes.length; i++) {
    const answer = await client.refresh(secretCredential);
    expect(answer.kind).toMatch(/unknown|refused/);
    expect(JSON.stringify(answer)).not.toContain('secret');
  }
});

test('whatever bytes come, there is a verdict, and never that a session is dead', async () => {
  const parts = fc.array(
    fc.oneof(
      fc.constantFrom('HTTP/1.1 200 OK\r\n', 'HTTP/1.1 401 No\r\n', 'HTTP/1.1 101 Other\r\nUpgrade: x\r\n'),
      fc.constantFrom('Content-Length: 3\r\n', 'Transfer-Encoding: chunked\r\n', 'Connection: upgrade\r\n'),
      fc.constantFrom('\r\n', '{}', '3\r\n{} \r\n', '0\r\n\r\n', ' : \r\n'),
      fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
    ),
    { maxLength: 8 },
  );
  let next: { readonly parts: readonly string[]; readonly reset: boolean } = { parts: [], reset: false };
  const { client } = await serve(({ socket }) => {
    for (const part of next.parts) socket.write(part, 'latin1');
    if (next.reset) socket.resetAndDestroy();
    else socket.end();
  });
  await fc.assert(
    fc.asyncProperty(parts, fc.boolean(), async (given, reset) => {
      next = { parts: given, reset };
      const answer = await client.refresh(secretCredential);
      expect(answer.kind).toBe('unknown');
    }),
    { numRuns: 300 },
  );
});
