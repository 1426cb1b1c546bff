// /livez and /readyz: for whoever runs this.

import { expect, it } from 'vitest';
import { logged, onEveryMount } from './support/mounted.js';
import { eventually } from './support/stack.js';

onEveryMount('health', {}, (stack) => {
  it('is alive, without a session and without caching', async () => {
    const answer = await stack().request('/livez');
    expect(answer.status).toBe(200);
    expect(answer.json()).toEqual({ status: 'live' });
    expect(answer.headers['cache-control']).toBe('no-store');
    expect(answer.headers['x-content-type-options']).toBe('nosniff');
  });

  it('is ready once AM has answered', async () => {
    const answer = await stack().request('/readyz');
    expect(answer.status).toBe(200);
    expect(answer.json()).toEqual({ status: 'ready', am: 'up', reasons: [] });
  });

  it('answers HEAD, and 405 to the rest', async () => {
    for (const path of ['/livez', '/readyz']) {
      expect((await stack().request(path, { method: 'HEAD' })).status).toBe(200);
      const answer = await stack().request(path, { method: 'POST' });
      expect(answer.status).toBe(405);
      expect(answer.headers.allow).toBe('GET, HEAD');
      expect(answer.json()['code']).toBe('method_not_allowed');
    }
  });

  it('stays up and ready when a stranger sends tokens that AM answers 500 to', async () => {
    stack().am.fault({ kind: 'status', status: 500 });
    for (let n = 0; n < 5; n++) await stack().as(`AQIC5damaged*${n}`, '/api/x');
    expect((await stack().request('/readyz')).json()).toEqual({ status: 'ready', am: 'up', reasons: [] });
  });

  it('stays ready while AM is away, says so, and says when it is back', async () => {
    const known = stack().am.login();
    await stack().as(known, '/session');
    await stack().am.stop();
    await stack().as(stack().am.login(), '/api/x');
    const away = await stack().request('/readyz');
    expect(away.status).toBe(200);
    expect(away.json()).toMatchObject({ status: 'ready', am: 'away', reasons: [expect.stringContaining('away')] });
    expect((await stack().request('/livez')).status).toBe(200);
    await stack().am.start();
    // nobody comes: it is found back all the same
    await eventually(async () => (await stack().request('/readyz')).json()['am'] === 'up');
    expect(await logged(stack(), 'AM answers again')).toBe(1);
    expect(await logged(stack(), 'AM does not answer')).toBe(1);
  });
});
