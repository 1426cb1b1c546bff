// BASE_PATH: for teams that have a /session or a /logout of their own.

import { expect, it } from 'vitest';
import { fetchHeaders, navigationHeaders } from './support/http.js';
import { onEveryMount } from './support/mounted.js';

// the characters are all that a path may have, those among them that mean something to Express
onEveryMount('a base path', { proxy: { basePath: '/b+f!f.v-1/~x' } }, (stack) => {
  const base = '/b+f!f.v-1/~x';

  it('goes in front of our three routes', async () => {
    const token = stack().am.login();
    expect((await stack().as(token, `${base}/session`)).json()).toMatchObject({ authenticated: true });
    expect((await stack().as(token, `${base}/session/refresh`, { method: 'POST' })).status).toBe(200);
    expect((await stack().as(token, `${base}/logout`, { method: 'POST' })).json()).toMatchObject({ am: 'ended' });
  });

  it('leaves the bare names to others', async () => {
    const token = stack().am.login();
    for (const path of ['/session', '/session/refresh', '/logout', '/b+f!fxv-1/~x/session', base]) {
      const answer = await stack().as(token, path, { headers: fetchHeaders });
      expect(answer.status).toBe(404);
      expect(answer.body).not.toContain('authenticated');
    }
    expect((await stack().as(token, '/api/x')).status).toBe(200);
  });

  it('does not move the probes', async () => {
    expect((await stack().request('/livez')).status).toBe(200);
    expect((await stack().request('/readyz')).status).toBe(200);
    expect((await stack().request(`${base}/livez`)).status).toBe(404);
  });

  it('is where the page of the logout posts to', async () => {
    const answer = await stack().request(`${base}/logout`, { headers: navigationHeaders });
    expect(answer.body).toContain(`action="${base}/logout"`);
  });
});
