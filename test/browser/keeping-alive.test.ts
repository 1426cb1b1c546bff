// What keeps a session alive at AM, and what does not: a user at work, and a page that is left alone with all it has open.

import { expect, it, vi } from 'vitest';
import { connectionsOf, openConnections, serveConnections, type Connections } from '../support/connections.js';
import { askedAbout } from '../support/mounted.js';
import { describeWith } from '../support/programs.js';
import { fetchIn, useSite } from '../support/site.js';

/** AM's idle time is 30 minutes. */
const twentyMinutesS = 20 * 60;

describeWith(['chromium', 'openssl'], 'a page with a poller, an event stream and a socket', () => {
  const { site, page, signIn, ssoCookie } = useSite({
    simulator: { updateFrequencyS: 0.2 },
    proxy: { am: { updateFrequencyS: 0.2 }, session: { trustS: 0.5 } },
  });

  const asked = async (action: string) => askedAbout(site(), (await ssoCookie())?.value ?? '', action);
  const obeyed = async () => (await asked('refresh')).filter(({ outcome }) => outcome === 'obeyed').length;

  async function untilConnections(expected: Partial<Connections>): Promise<void> {
    await expect.poll(() => connectionsOf(page()), { timeout: 10_000 }).toMatchObject(expected);
  }

  /** Resolves when each of them has brought something new. */
  async function untilAllHaveSpoken(): Promise<void> {
    const { polls, frames, events } = await connectionsOf(page());
    await vi.waitFor(
      async () => {
        const now = await connectionsOf(page());
        expect(Math.min(now.polls - polls, now.frames - frames, now.events - events)).toBeGreaterThan(1);
      },
      { timeout: 10_000 },
    );
  }

  async function signInAndConnect(): Promise<void> {
    serveConnections(site(), 3);
    await signIn();
    await openConnections(page());
    await untilAllHaveSpoken();
  }

  it('does not keep the session: all of them end with it', async () => {
    await signInAndConnect();
    const streams = () => site().upstream.seen.filter(({ url }) => url === '/api/events').length;
    const peeks = async () => (await asked('getSessionInfo')).length;
    site().am.advance(twentyMinutesS);
    const streamsBefore = streams();
    // the browser has asked for another one by itself
    await expect.poll(streams, { timeout: 10_000 }).toBeGreaterThan(streamsBefore);
    // as long as a window, at whose end AM would be told of it, were it activity
    const peeksBefore = await peeks();
    await expect.poll(peeks, { timeout: 10_000 }).toBeGreaterThan(peeksBefore + 3);
    await untilAllHaveSpoken();
    await untilConnections({ poll: 200, closed: 0, stream: 1 });
    site().am.advance(twentyMinutesS);
    await untilConnections({ poll: 401, code: 'session_expired', closed: 4401, stream: 2 });
    expect(await asked('refresh')).toEqual([]);
    expect((await asked('getSessionInfo')).some(({ reset }) => reset)).toBe(false);
    expect(site().am.sessions).toEqual([]);
  });

  it.each([
    ['the requests of its user', '/api/orders', 'GET'],
    ['the page’s word that he works over the socket', '/session/refresh', 'POST'],
  ])('is kept by %s, beyond the idle time', async (_what, url, method) => {
    await signInAndConnect();
    for (let round = 0; round < 2; round++) {
      const before = await obeyed();
      site().am.advance(twentyMinutesS);
      expect((await fetchIn(page(), url, { method })).status).toBe(200);
      await expect.poll(obeyed, { timeout: 10_000 }).toBe(before + 1);
    }
    await untilAllHaveSpoken();
    await untilConnections({ poll: 200, code: '', closed: 0, stream: 1 });
    expect(site().am.sessions).toHaveLength(1);
  });
});
