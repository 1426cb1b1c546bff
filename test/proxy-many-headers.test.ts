// A thousand headers: Node shows the first ones and frames the body by all of them.

import { expect, it } from 'vitest';
import { onEveryMount } from './support/mounted.js';
import { rawRequest } from './support/http.js';

const smuggled = 'GET /api/admin HTTP/1.1\r\nHost: x\r\nX-Forwarded-User: admin\r\n\r\n';

onEveryMount('a request with a thousand headers', {}, (stack) => {
  it.each([
    ['Content-Length', `Content-Length: ${smuggled.length}`, smuggled],
    ['chunked', 'Transfer-Encoding: chunked', `${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`],
  ])('does not smuggle another one behind a hidden framing header: %s', async (_name, framing, body) => {
    for (const method of ['GET', 'DELETE', 'OPTIONS']) {
      stack().upstream.seen.length = 0;
      const head = `${method} /public/x HTTP/1.1\r\nHost: a\r\n${'a:\r\n'.repeat(1_000)}${framing}\r\n\r\n`;
      const answer = await rawRequest(stack().url, head + body, 700);
      // by us, or by a Node that refuses so many headers itself
      expect(answer).toMatch(/^HTTP\/1\.1 431 /);
      expect(stack().upstream.seen).toEqual([]);
    }
  });

  it('is passed on with a few hundred', async () => {
    const head = `GET /public/x HTTP/1.1\r\nHost: a\r\n${'a:\r\n'.repeat(500)}Connection: close\r\n\r\n`;
    expect(await rawRequest(stack().url, head)).toMatch(/^HTTP\/1\.1 200 /);
  });
});
