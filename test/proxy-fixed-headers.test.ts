// Middleware that keeps the headers of a request from being changed: the upstream gets ours all the same, or nothing.

import type { RequestHandler } from 'express';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startStack, type Stack } from './support/stack.js';
import { startTeamApp, type TeamApp } from './support/team-app.js';

const ways: Record<string, (headers: object) => PropertyDescriptor> = {
  'are read-only': (value) => ({ value, writable: false }),
  'have no setter': (headers) => ({ get: () => headers }),
  'have a setter that does nothing': (headers) => ({ get: () => headers, set: () => undefined }),
};

describe.each(Object.keys(ways))('headers that %s', (way) => {
  let stack: Stack;
  let team: TeamApp;

  const fix: RequestHandler = (req, _res, next) => {
    Object.defineProperty(req, 'headers', ways[way]?.(req.headers) ?? {});
    next();
  };

  beforeAll(async () => {
    stack = await startStack();
    team = await startTeamApp(stack, (app) => app.use(fix));
  });
  afterEach(() => {
    stack.upstream.seen.length = 0;
  });
  afterAll(async () => {
    await team.close();
    await stack.close();
  });

  it('are not the upstream’s', async () => {
    for (const method of ['GET', 'POST'])
      expect((await team.asUser('/api/x', { method, headers: { 'x-request-id': 'mine' } })).status).toBe(200);
    expect(stack.upstream.seen).toHaveLength(2);
    for (const { headers } of stack.upstream.seen) {
      expect(JSON.stringify(headers)).not.toContain(stack.am.cookieName);
      expect(headers['x-forwarded-user']).toBeDefined();
    }
  });

  it.each(['POST', 'PUT'])('reach no upstream where an engine takes them, by %s in chunks', async (method) => {
    const headers = { 'transfer-encoding': 'chunked', 'x-request-id': 'mine' };
    const { status, body } = await team.asUser('/api/x', { method, headers, body: 'x' });
    expect(status).toBe(502);
    expect(body).toContain('upstream_unavailable');
    expect(stack.upstream.seen).toEqual([]);
    expect(team.log.join('')).toMatch(/headers of the request from being replaced/);
  });
});
