// Several SSO cookies in one request: a host-only one beside a domain one, or one tossed by a sibling host.

import { expect, it } from 'vitest';
import { navigationHeaders, type RequestOptions } from './support/http.js';
import { askedAbout, logged, onEveryMount } from './support/mounted.js';

const name = 'iPlanetDirectoryPro';
const dead = 'AQIC5dead*one';

onEveryMount('several SSO cookies', { simulator: { users: { other: 'secret1' } } }, (stack) => {
  const send = (tokens: readonly string[], path: string, options: RequestOptions = {}) =>
    stack().request(path, {
      ...options,
      headers: { cookie: tokens.map((token) => `${name}=${token}`).join('; '), ...options.headers },
    });
  const codeOf = async (tokens: readonly string[]) => (await send(tokens, '/api/x')).json()['code'];

  it('let the live one count, wherever it stands', async () => {
    const live = stack().am.login();
    for (const tokens of [
      [dead, live],
      [live, dead],
      ['AQIC5dead*two', dead, live],
    ]) {
      const answer = await send(tokens, '/api/x');
      expect(answer.status).toBe(200);
      expect(stack().upstream.seen.at(-1)?.headers).toMatchObject({ 'x-forwarded-user': 'demo' });
      expect(stack().upstream.seen.at(-1)?.headers.cookie).toBeUndefined();
    }
  });

  it('have the live one told to AM', async () => {
    const live = stack().am.login();
    stack().am.advance(60);
    await send([dead, live], '/api/x');
    expect(askedAbout(stack(), live, 'refresh')).toMatchObject([{ outcome: 'obeyed' }]);
    expect(askedAbout(stack(), dead, 'refresh')).toEqual([]);
  });

  it('are one if they have the same value', async () => {
    const live = stack().am.login();
    expect((await send([live, live, `"${live}"`], '/api/x')).status).toBe(200);
    expect(askedAbout(stack(), live)).toHaveLength(1);
  });

  it('keep the dead one while the other is alive, also on pages and in GET /session', async () => {
    const live = stack().am.login();
    expect((await send([dead, live], '/session')).setCookies).toEqual([]);
    expect((await send([dead, live], '/api/x', { headers: navigationHeaders })).setCookies).toEqual([]);
  });

  it('are cleared when all of them are over', async () => {
    const answer = await send([dead, 'AQIC5dead*two'], '/session');
    expect(answer.json()).toMatchObject({ authenticated: false, reason: 'session_expired' });
    expect(answer.setCookies).toHaveLength(1);
  });

  it('prefer the served realm to another one', async () => {
    const answer = await send([stack().am.login('demo', '/alpha'), stack().am.login('other', '/')], '/api/x');
    expect(answer.status).toBe(200);
    expect(stack().upstream.seen.at(-1)?.headers['x-forwarded-user']).toBe('other');
  });

  it('are 403 with a dead one and one of another realm, and nothing is cleared', async () => {
    const tokens = [dead, stack().am.login('demo', '/alpha')];
    expect(await codeOf(tokens)).toBe('session_wrong_realm');
    expect((await send(tokens, '/session')).setCookies).toEqual([]);
  });

  it('are 503 while AM does not answer about one and the others are dead or of another realm', async () => {
    const unknown = stack().am.login();
    stack().am.fault({ kind: 'status', status: 500, token: unknown });
    const tokens = [dead, stack().am.login('demo', '/alpha'), unknown];
    expect(await codeOf(tokens)).toBe('am_unavailable');
    expect((await send(tokens, '/session')).setCookies).toEqual([]);
  });

  it('are let in by the live one while AM does not answer about the other', async () => {
    const unknown = stack().am.login();
    stack().am.fault({ kind: 'status', status: 500, token: unknown });
    expect((await send([unknown, stack().am.login()], '/api/x')).status).toBe(200);
  });

  it('of one user are as good as one', async () => {
    expect((await send([stack().am.login(), stack().am.login()], '/api/x')).status).toBe(200);
  });

  it('of different users are taken for nobody: 401, a line in the log, nothing cleared', async () => {
    const tokens = [stack().am.login('demo'), stack().am.login('other')];
    const answer = await send(tokens, '/api/x');
    expect(answer.status).toBe(401);
    expect(answer.json()['code']).toBe('session_missing');
    expect(await logged(stack(), 'different users')).toBe(1);
    expect((await send(tokens, '/session')).json()).toMatchObject({ authenticated: false, reason: 'session_missing' });
    expect((await send(tokens, '/session')).setCookies).toEqual([]);
  });

  it('of different users send a navigation to the login page with ForceAuth', async () => {
    const tokens = [stack().am.login('demo'), stack().am.login('other')];
    const answer = await send(tokens, '/api/x', { headers: navigationHeaders });
    expect(answer.status).toBe(302);
    expect(new URL(answer.headers.location ?? '').searchParams.get('ForceAuth')).toBe('true');
    expect(answer.setCookies).toEqual([]);
  });

  it('are not looked at beyond the third', async () => {
    const live = stack().am.login();
    expect(await codeOf([dead, 'AQIC5dead*two', 'AQIC5dead*three', live])).toBe('session_expired');
    expect(askedAbout(stack(), live)).toEqual([]);
  });

  it('begin with the one that is known here: tossed ones cannot crowd it out', async () => {
    const live = stack().am.login();
    await stack().as(live, '/api/x');
    const tossed = Array.from({ length: 30 }, (_, i) => `AQIC5tossed*${i}`);
    expect((await send([...tossed, live], '/api/x')).status).toBe(200);
    expect((await send([...tossed, live], '/logout', { method: 'POST' })).json()['am']).toBe('ended');
  });

  it('do not hide one that is not known here from a logout', async () => {
    const live = stack().am.login();
    const tossed = Array.from({ length: 9 }, (_, i) => `AQIC5hiding*${i}`);
    await send([...tossed, live], '/logout', { method: 'POST' });
    expect(askedAbout(stack(), live, 'logout')).toMatchObject([{ outcome: 'ended' }]);
  });

  it('are not cleared while there is one that was not looked at', async () => {
    const answer = await send([dead, 'AQIC5dead*two', 'AQIC5dead*three', stack().am.login()], '/session');
    expect(answer.json()['reason']).toBe('session_expired');
    expect(answer.setCookies).toEqual([]);
  });

  it('are all ended by a logout, three of them', async () => {
    const tokens = [stack().am.login('demo'), stack().am.login('other'), stack().am.login('demo', '/alpha')];
    const answer = await send(tokens, '/logout', { method: 'POST' });
    expect(answer.status).toBe(200);
    expect(answer.json()['am']).toBe('ended');
    for (const token of tokens) {
      expect(askedAbout(stack(), token, 'logout')).toMatchObject([{ outcome: 'ended' }]);
      expect((await stack().as(token, '/session')).json()['reason']).toBe('session_ended');
    }
  });

  it.each([
    ['pending', 503, 202, undefined],
    ['refused', 403, 502, 'am_refused'],
  ] as const)('report the worst outcome of a logout: %s before ended', async (outcome, fault, status, code) => {
    const [good, bad] = [stack().am.login(), stack().am.login()];
    stack().am.fault({ kind: 'status', status: fault, token: bad, action: 'logout' });
    const answer = await send([dead, good, bad], '/logout', { method: 'POST' });
    expect(answer.status).toBe(status);
    if (code === undefined) expect(answer.json()['am']).toBe(outcome);
    else expect(answer.json()['code']).toBe(code);
    expect(askedAbout(stack(), good, 'logout')).toMatchObject([{ outcome: 'ended' }]);
  });

  it('report refused before pending', async () => {
    const [pending, refused] = [stack().am.login(), stack().am.login()];
    stack().am.fault({ kind: 'status', status: 503, token: pending, action: 'logout' });
    stack().am.fault({ kind: 'status', status: 403, token: refused, action: 'logout' });
    expect((await send([pending, refused], '/logout', { method: 'POST' })).status).toBe(502);
  });

  it('report ended before already-ended', async () => {
    expect((await send([dead, stack().am.login()], '/logout', { method: 'POST' })).json()['am']).toBe('ended');
    expect((await send([dead, 'AQIC5dead*two'], '/logout', { method: 'POST' })).json()['am']).toBe('already-ended');
  });
});
