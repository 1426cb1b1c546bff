import express from 'express';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startStack, type Stack } from './support/stack.js';
import { startTeamApp, type TeamApp } from './support/team-app.js';

describe('a body parser mounted before the proxy', () => {
  let stack: Stack;
  let team: TeamApp;
  beforeAll(async () => {
    stack = await startStack();
    team = await startTeamApp(stack, (app) => app.use(express.json()));
  });
  afterAll(async () => {
    await team.close();
    await stack.close();
  });
  beforeEach(() => {
    stack.upstream.seen.length = 0;
    team.errors.length = 0;
  });

  const json = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"a":1}' };

  it.each(['/api/x', '/public/x'])('is told of at once with 500 and a line in the log, on %s', async (path) => {
    const answer = await team.asUser(path, json);
    expect(answer.status).toBe(500);
    expect(answer.json()).toMatchObject({ code: 'internal_error' });
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(team.errors).toEqual([expect.stringContaining('before body parsers')]);
    expect(stack.upstream.seen).toEqual([]);
  });

  it('does no harm to bodies that it does not read', async () => {
    const answer = await team.asUser('/api/x', {
      method: 'POST',
      headers: { 'content-type': 'text/csv' },
      body: 'a;b',
    });
    expect(answer.status).toBe(200);
    expect(stack.upstream.seen).toMatchObject([{ method: 'POST', body: 'a;b' }]);
  });

  it.each([
    ['GET', undefined],
    ['DELETE', undefined],
    ['POST', ''],
  ])('does no harm to a %s without a body', async (method, body) => {
    const answer = await team.asUser('/api/x', { ...json, method, ...(body === undefined ? { body: '' } : { body }) });
    expect(answer.status).toBe(200);
    expect(stack.upstream.seen).toMatchObject([{ method, body: '' }]);
  });
});
