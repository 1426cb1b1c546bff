// A body that proxy and upstream could frame differently is not passed on.

import { expect, it } from 'vitest';
import { onEveryMount } from './support/mounted.js';
import { rawRequest } from './support/http.js';

onEveryMount('transfer codings', {}, (stack) => {
  it.each(['', 'gzip, chunked', 'identity, chunked', ',chunked', 'chunked, chunked'])(
    '%j is refused, whoever of us does it',
    async (coding) => {
      stack().upstream.seen.length = 0;
      const head = `POST /public/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: ${coding}\r\n`;
      const answer = await rawRequest(stack().url, `${head}Content-Length: 5\r\nConnection: close\r\n\r\nhello`, 700);
      expect(answer).toMatch(/^HTTP\/1\.1 400 /);
      expect(stack().upstream.seen).toEqual([]);
    },
  );

  it('chunked is passed on', async () => {
    const body = '5\r\nhello\r\n0\r\n\r\n';
    const head = 'POST /public/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\nConnection: close\r\n\r\n';
    expect(await rawRequest(stack().url, head + body)).toMatch(/^HTTP\/1\.1 200 /);
    expect(stack().upstream.seen.at(-1)?.body).toBe('hello');
  });
});
