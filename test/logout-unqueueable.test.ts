// A logout that cannot be queued for AM is an honest 503: nobody is told that it will happen.

import http from 'node:http';
import { expect, it } from 'vitest';
import { startStack } from './support/stack.js';

/** Logouts of tokens that nobody saw alive which wait for AM at most. */
const room = 1_000;

it('a logout beyond the room in the queue answers 503, ends nothing for the users before, and a known user still gets 202', async () => {
  const stack = await startStack({ mount: 'wrap', proxy: { logLevel: 'silent' } });
  const agent = new http.Agent({ keepAlive: true, maxSockets: 30 });
  const known = stack.am.login();
  await stack.as(known, '/session');
  // far away, so that none is given up meanwhile
  stack.am.fault({ kind: 'status', status: 503, headers: { 'Retry-After': '60' }, action: 'logout' });
  const logout = (token: string) => stack.as(token, '/logout', { method: 'POST', agent });

  const answers = await Promise.all(Array.from({ length: room }, (_, n) => logout(`AQIC5stranger*${n}`)));
  expect(answers.every(({ status }) => status === 202)).toBe(true);

  const oneMore = await logout('AQIC5one*more');
  expect(oneMore.status).toBe(503);
  expect(oneMore.json()).toMatchObject({ code: 'am_unavailable' });
  expect(oneMore.headers['retry-after']).toBe('1');
  expect(oneMore.setCookies.some((line) => line.startsWith('iPlanetDirectoryPro=;'))).toBe(true);

  expect((await logout(known)).status).toBe(202);
  agent.destroy();
  stack.am.clearFaults();
  await stack.close();
});
