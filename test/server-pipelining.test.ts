// Pipelined requests: each is answered, in order, and nobody can keep the process busy with a flood of them.

import { afterAll, beforeAll, expect, it } from 'vitest';
import { request, rawRequest } from './support/http.js';
import { startStack, type Stack } from './support/stack.js';

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ mount: 'command' });
});
afterAll(() => stack.close());

const probe = 'GET /livez HTTP/1.1\r\nHost: a\r\n\r\n';
const lastProbe = 'GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n';

it('a few pipelined requests are all answered', async () => {
  const answers = await rawRequest(stack.url, probe.repeat(9) + lastProbe);
  expect(answers.match(/HTTP\/1\.1 200 /g)).toHaveLength(10);
});

it('a flood of pipelined requests ends its own connection and keeps nobody else waiting', async () => {
  const flood = rawRequest(stack.url, probe.repeat(20_000), 4_000).catch(() => '');
  const startedAt = performance.now();
  expect((await request(stack.url, '/livez')).status).toBe(200);
  // the flood took more than six seconds where each request looked at all before it
  expect(performance.now() - startedAt).toBeLessThan(3_000);
  expect((await flood).length).toBeLessThan(2_000_000);
});
