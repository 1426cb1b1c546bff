// Whoever watches the decisions cannot get in the way of a request.

import { afterAll, beforeAll, expect, it } from 'vitest';
import type { KeeperEvent } from '../src/index.js';
import { startStack, type Stack } from './support/stack.js';

let stack: Stack;
const events: KeeperEvent[] = [];

beforeAll(async () => {
  stack = await startStack({
    proxy: {
      onEvent(event) {
        events.push(event);
        throw new Error('the watcher fell asleep');
      },
    },
  });
});
afterAll(() => stack.close());

it('a watcher that throws is logged, and the request goes on', async () => {
  const token = stack.am.login();
  expect((await stack.as(token, '/api/x')).status).toBe(200);
  expect((await stack.as(token, '/logout', { method: 'POST' })).status).toBe(200);
  expect(events.map(({ type }) => type)).toContain('answer');
  expect(stack.log.join('')).toContain('the watcher fell asleep');
});

it('events name a session by a part of its hash, never by its token', async () => {
  const token = stack.am.login();
  await stack.as(token, '/api/x');
  const told = JSON.stringify(events);
  expect(told).not.toContain(token);
  for (const { session } of events) expect(session).toMatch(/^[\w-]{8}$/);
});
