// What stands in front of AM answers in its place: no page, no status and no 401 of it is AM's word on a session.

import { describe, it, vi } from 'vitest';
import type { FaultRule } from '../src/simulator/index.js';
import { endure, shortDay, type BadDay } from './support/bad-day.js';
import { startStack } from './support/stack.js';

const page = '<!doctype html><title>Load balancer</title><h1>No server is available</h1>';
const html = (status: number, headers: Readonly<Record<string, string>> = {}): FaultRule => ({
  kind: 'status',
  status,
  body: page,
  contentType: 'text/html',
  headers,
});
const json = (status: number, body: object): FaultRule => ({ kind: 'status', status, body });

/** Configuration, as far as can be told: 502 once the grace is over, and as little a word on the session. */
const refusing = 'am_refused';

const days: readonly (readonly [string, FaultRule, BadDay['code']?])[] = [
  ['200 with a page', html(200)],
  ['200 with JSON of its own', json(200, { status: 'maintenance', code: 0 })],
  ['200 with nothing', { kind: 'empty' }],
  ['a redirect to a login page', { kind: 'redirect' }],
  ['401 with a page', html(401, { 'WWW-Authenticate': 'Basic realm="gateway"' })],
  ['401 with a message', json(401, { message: 'Unauthorized' })],
  ['401 with a code that is no number', json(401, { code: '401', message: 'Access Denied' })],
  ['401 with a status', json(401, { statusCode: 401, message: 'Access Denied' })],
  ['401 with a list', json(401, [{ code: 401 }])],
  ['401 with nothing', { kind: 'empty', status: 401 }],
  ['403 with a page', html(403), refusing],
  ['404 with a page', html(404), refusing],
  ['407', html(407), refusing],
  ['429', html(429)],
  ['500 with nothing', { kind: 'empty', status: 500 }],
  [
    "500 with AM's JSON",
    json(500, { code: 500, reason: 'Internal Server Error', message: 'no connection to the CTS' }),
  ],
  ['a 503 that says valid: false', json(503, { valid: false })],
  ['a 503 that says code: 401', json(503, { code: 401, reason: 'Unauthorized', message: 'Access Denied' })],
  ['502 with a page', html(502)],
  ['503 with a page', html(503)],
  ['504 with a page', html(504)],
];

vi.setConfig({ maxConcurrency: days.length });

describe.concurrent('a gateway that answers', () => {
  for (const [title, fault, code = 'am_unavailable'] of days)
    it(`${title} logs nobody out`, async () => {
      const stack = await startStack({ mount: 'wrap', proxy: { ...shortDay, logLevel: 'info' } });
      await endure(stack, { begin: () => stack.am.fault(fault), end: () => stack.am.clearFaults(), code });
      await stack.close();
    });
});
