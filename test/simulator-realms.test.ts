// Realms: every spelling of the path, and a session that is answered for in all of them.

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AmSimulator, createAmSimulator } from '../src/simulator/index.js';
import { act, call, json } from './support/simulator-client.js';

describe.each(['ping', 'openam'] as const)('%s', (flavor) => {
  let am: AmSimulator;
  beforeAll(async () => {
    am = await createAmSimulator({ flavor });
  });
  afterAll(() => am.close());

  const ask = (path: string, token = am.login('demo', '/bravo')) =>
    act(am, 'getSessionInfo', token, { version: 'resource=2.0', path });

  test.each([
    '/json/sessions',
    '/json/sessions/',
    '/json/realms/root/sessions',
    '/json/alpha/sessions',
    '/json/realms/root/realms/alpha/sessions',
    '/json/realms/root/realms/Alpha/sessions/',
  ])('%s answers, and tells the realm of the session', async (path) => {
    const reply = await ask(path);
    expect(reply.status).toBe(200);
    expect(json(reply)).toMatchObject({ realm: '/bravo' });
  });

  const post = (path: string, token = am.login()) =>
    call(am.url + path, {
      method: 'POST',
      headers: { iPlanetDirectoryPro: token, 'Accept-API-Version': 'resource=2.0' },
    });

  test('the realm may be a parameter, which counts for nothing beside /realms', async () => {
    expect((await post('/json/sessions?_action=getSessionInfo&realm=/alpha')).status).toBe(200);
    expect((await post('/json/realms/root/sessions?_action=getSessionInfo&realm=/nope')).status).toBe(200);
    const bad = await post('/json/sessions?_action=getSessionInfo&realm=/nope');
    expect(bad.status).toBe(400);
    expect(json(bad)).toMatchObject({ message: 'Invalid realm, /nope' });
  });

  test.each([
    ['/json/realms/root/realms/nope/sessions', 'Realm &quot;/nope&quot; not found'],
    ['/json/nope/sessions', 'Resource &#39;nope/sessions&#39; not found'],
    ['/json/realms/root/realms/alpha/realms/bravo/sessions', 'Realm &quot;/alpha/bravo&quot; not found'],
  ])('%s is 404', async (path, message) => {
    const reply = await ask(path);
    expect(reply.status).toBe(404);
    expect(json(reply)).toMatchObject({ code: 404, message });
  });

  test('a session is logged out at the path of another realm', async () => {
    const token = am.login('demo', '/alpha');
    const path = '/json/realms/root/realms/bravo/sessions';
    expect((await act(am, 'logout', token, { version: 'resource=2.0', path })).status).toBe(200);
    expect((await ask('/json/alpha/sessions', token)).status).toBe(401);
  });

  test('serverinfo tells the realm of the path, and the journal too', async () => {
    const reply = await call(`${am.url}/json/realms/root/realms/alpha/serverinfo/*`);
    expect(json(reply)).toMatchObject({ realm: '/alpha' });
    expect(am.journal.at(-1)).toMatchObject({ action: 'serverinfo', realm: '/alpha' });
  });
});

test('/realms/alpha without the root will do', async () => {
  for (const flavor of ['ping', 'openam'] as const) {
    const am = await createAmSimulator({ flavor });
    const reply = await act(am, 'getSessionInfo', am.login(), {
      version: 'resource=2.0',
      path: '/json/realms/alpha/sessions',
    });
    await am.close();
    expect(reply.status).toBe(200);
  }
});

test('login refuses a realm that does not exist', async () => {
  const am = await createAmSimulator();
  try {
    expect(() => am.login('demo', '/nope')).toThrow(/no realm \/nope/);
    am.login('demo', 'Alpha');
    expect(am.sessions).toMatchObject([{ realm: '/alpha' }]);
  } finally {
    await am.close();
  }
});
