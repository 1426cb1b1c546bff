// Pages of other origins, in a real browser that sends the user's cookie along: they end nothing, write nothing, read nothing.

import type { ServerResponse } from 'node:http';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { asking, attacks, readAll, type Attack } from '../support/attacks.js';
import { startFront, type Asked, type Front } from '../support/front.js';
import { describeWith } from '../support/programs.js';
import { appHost, fetchIn, useSite } from '../support/site.js';

const otherSite = 'app.other.test';
const sibling = 'blog.example.test';
const postTo = { logout: attacks['a form posts to the logout'], api: attacks['a call posts to the API'] } as const;

describeWith(['chromium', 'openssl'], 'with a page of another origin', () => {
  describe.each([
    ['https', true],
    ['plain http, where browsers say less', false],
  ])('on %s', (_scheme, tls) => {
    const { site, page, context, newPage, signedIn, signIn, ssoCookie } = useSite({
      tls,
      browser: { thirdPartyCookies: true },
    });
    let otherPort: Front;
    let token: string;
    let theirs: Page;

    beforeAll(async () => {
      otherPort = await startFront(site().certificate);
      otherPort.hosts.set(appHost, servePage);
      for (const host of [otherSite, sibling]) site().front.hosts.set(host, servePage);
    });
    afterAll(() => otherPort.close());
    beforeEach(async () => {
      token = await signedIn();
      await page().goto(`${site().app}/`);
      theirs = await newPage();
    });

    const origins: Record<string, () => string> = {
      'another site': () => site().front.origin(otherSite),
      'a sibling host': () => site().front.origin(sibling),
      'another port': () => otherPort.origin(appHost),
    };

    /** What became of the request. */
    async function answered(arrives: string): Promise<Asked> {
      const find = () => site().front.asked.find(({ method, url }) => `${method} ${url}` === arrives);
      await expect.poll(() => find()?.status, { message: arrives, timeout: 10_000 }).toBeDefined();
      return find() as Asked;
    }

    async function attackFrom(origin: string, { script, arrives, isPage = false }: Attack): Promise<Asked> {
      const start = `${origin}/start`;
      if (theirs.url() !== start) await theirs.goto(start);
      site().front.asked.length = 0;
      await theirs.evaluate(script(site().app));
      if (isPage) await theirs.waitForURL(({ href }) => href !== start);
      return answered(arrives);
    }

    /** What the user has after it. */
    async function effects() {
      const session = JSON.parse((await fetchIn(page(), '/session')).body) as { authenticated: boolean };
      const reachedTheApi = site().upstream.seen.length;
      const isSignedIn = session.authenticated && site().am.sessions.length === 1;
      return { reachedTheApi, isSignedIn, hasTheCookie: (await ssoCookie())?.value === token };
    }

    const nothing = { reachedTheApi: 0, isSignedIn: true, hasTheCookie: true };

    it.each(Object.entries(origins))('of %s, nothing comes of whatever it tries', async (name, originOf) => {
      const outcomes: Record<string, unknown> = {};
      const expected: Record<string, unknown> = {};
      for (const [what, attack] of Object.entries<Attack>(attacks)) {
        const { status, headers } = await attackFrom(originOf(), attack);
        const hadTheCookie = headers.cookie?.includes(token) ?? false;
        outcomes[what] = { status, hadTheCookie, ...(await effects()) };
        // without TLS no cookie can be SameSite=None: pages of another site have it sent with whole pages only
        const takesTheCookie = tls || name !== 'another site' || attack.isPage === true;
        expected[what] = { status: attack.status, hadTheCookie: takesTheCookie, ...nothing };
      }
      expect(outcomes).toEqual(expected);
    });

    it('calls that ask first are not sent', async () => {
      for (const [name, originOf] of Object.entries(origins)) {
        await theirs.goto(`${originOf()}/`);
        for (const script of Object.values(asking)) {
          site().front.asked.length = 0;
          expect(await theirs.evaluate(script(site().app)), name).toBe('failed');
          const asked = site().front.asked.filter(({ host }) => host === appHost);
          expect(
            asked.map(({ method }) => method),
            name,
          ).toEqual(['OPTIONS']);
        }
        expect(await effects(), name).toEqual(nothing);
      }
    });

    it('nothing can be read', async () => {
      for (const [name, originOf] of Object.entries(origins)) {
        await theirs.goto(`${originOf()}/`);
        for (const path of ['/session', '/api/orders']) {
          site().front.asked.length = 0;
          expect(await theirs.evaluate(readAll(site().app + path)), name).toEqual(['', '', '', '']);
          expect(site().front.asked.filter(({ url }) => url === path)).toHaveLength(4);
        }
      }
    });

    it('a frame without an origin can do no more', async () => {
      for (const [name, originOf] of Object.entries(origins)) {
        await theirs.goto(`${originOf()}/`);
        site().front.asked.length = 0;
        await theirs.evaluate(`{
          const frame = document.createElement('iframe');
          frame.sandbox = 'allow-scripts allow-forms';
          frame.srcdoc = ${JSON.stringify(`<body><script>${postTo.api.script(site().app)}</script>`)};
          document.body.append(frame);
        }`);
        const { status, headers } = await answered(postTo.api.arrives);
        expect([status, headers.origin], name).toEqual([403, 'null']);
        expect(await effects(), name).toEqual(nothing);
      }
    });

    it('a cookie as AM sets it goes along with a form of another site for two minutes, to no avail', async () => {
      await context().clearCookies();
      site().am.killSessions();
      await signIn();
      token = (await ssoCookie())?.value ?? '';
      const { status, headers } = await attackFrom(site().front.origin(otherSite), postTo.logout);
      expect(headers.cookie).toContain(token);
      expect(status).toBe(403);
      expect(await effects()).toEqual(nothing);
    });

    it('one that has the logout in a frame cannot have its button clicked', async () => {
      await attackFrom(site().front.origin(otherSite), attacks['a frame loads the logout']);
      await expect.poll(() => theirs.frames().at(-1)?.url(), { timeout: 10_000 }).toContain('chrome-error:');
      expect(await theirs.frames().at(-1)?.locator('button').count()).toBe(0);
    });

    it('whoever follows its link to the logout can sign out by hand', async () => {
      await attackFrom(site().front.origin(otherSite), attacks['a link leads to the logout']);
      await theirs.waitForURL(`${site().app}/logout`);
      expect(site().am.sessions).toHaveLength(1);
      await theirs.click('button');
      await theirs.waitForURL(`${site().app}/`);
      expect(site().am.sessions).toEqual([]);
    });

    if (tls)
      it('(all of it works from a page of its own)', async () => {
        const statuses: Record<string, unknown> = {};
        for (const [what, attack] of Object.entries<Attack>(attacks)) {
          await signedIn();
          statuses[what] = (await attackFrom(site().app, attack)).status;
        }
        expect(statuses).toEqual(Object.fromEntries(Object.entries(attacks).map(([what, { own }]) => [what, own])));
        expect(site().upstream.seen.map(({ method }) => method)).toContain('POST');
        await signedIn();
        await theirs.goto(`${site().app}/`);
        expect((await theirs.evaluate<string[]>(readAll('/session')))[0]).toContain('"authenticated":true');
      });
  });
});

function servePage(_req: unknown, res: ServerResponse): void {
  res.setHeader('content-type', 'text/html');
  res.end('<!doctype html><title>theirs</title><body>');
}
