// What a real browser shows after a logout: nothing private, by the back button or out of its cache.

import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { startBrowser, type Browser } from '../support/browser.js';
import { makeCertificate } from '../support/certificate.js';
import { describeWith } from '../support/programs.js';
import { startStack, type Stack } from '../support/stack.js';
import { startTeamServer, type TeamApp } from '../support/team-app.js';

const signOut = '<form method="post" action="/logout"><button id="sign-out">Sign out</button></form>';
const site: Record<string, string> = {
  'start.html': '<!doctype html><title>start</title><p id="shown">nothing yet</p>',
  'index.html': `<!doctype html><title>app</title><p id="shown">loading</p>${signOut}<script src="/app.js"></script>`,
  'app.js': `const shown = document.getElementById('shown');
    const from = new URLSearchParams(location.search).get('from');
    if (from === null) shown.textContent = 'nothing';
    else fetch(from).then(async (answer) => { shown.textContent = answer.ok ? await answer.text() : answer.status; });`,
};

// run in pages, as text: this side has no types of a browser
const postLogout = `fetch('/logout', { method: 'POST' }).then(({ status }) => status)`;
const postFormTo = (url: string) => `document.forms[0].action = ${JSON.stringify(url)}`;
/** What each way to a cached answer gives. */
const fetchAll = (url: string) => `(async () => {
  const answers = [];
  for (const cache of ['default', 'force-cache', 'only-if-cached'])
    answers.push(await fetch(${JSON.stringify(url)}, { cache, mode: 'same-origin' }).then(
      async (answer) => answer.status + ' ' + await answer.text(),
      () => 'none'));
  return answers;
})()`;

type Way = 'a form' | 'fetch' | 'another tab';
/** What upstreams say about the caching of their answers, and how the user signs out. */
const cases: readonly { cacheControl: string; way: Way }[] = [
  { cacheControl: '', way: 'a form' },
  { cacheControl: 'max-age=600', way: 'fetch' },
  { cacheControl: 'private, max-age=600', way: 'another tab' },
  { cacheControl: 'no-store', way: 'a form' },
];

describeWith(['chromium', 'openssl'], 'after a logout', () => {
  let folder: string;
  let stack: Stack;
  let team: TeamApp;
  let tls: https.Server;
  let certificate: string;
  let serial = 0;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'after-logout-'));
    for (const [name, text] of Object.entries(site)) writeFileSync(join(folder, name), text);
    stack = await startStack();
    team = await startTeamServer(stack, (bff) => bff.wrap((_req, res) => res.writeHead(404).end()), {
      staticDir: folder,
      cookieDomains: ['example.test'],
    });
    const files = makeCertificate(folder, 'DNS:app.example.test');
    certificate = files.certificate;
    tls = https.createServer(
      { cert: readFileSync(certificate), key: readFileSync(files.key) },
      team.bff.wrap((_req, res) => res.writeHead(404).end()),
    );
    tls.listen(0, '127.0.0.1');
    await once(tls, 'listening');
    stack.upstream.answer = (req, res) => {
      const { pathname, searchParams } = new URL(req.url ?? '', 'http://upstream');
      const cacheControl = searchParams.get('cache-control') ?? '';
      if (cacheControl !== '') res.setHeader('cache-control', cacheControl);
      const secret = `secret ${searchParams.get('serial')} of ${String(req.headers['x-forwarded-user'])}`;
      const isPage = pathname.endsWith('/page');
      res.setHeader('content-type', isPage ? 'text/html' : 'text/plain');
      res.end(isPage ? `<!doctype html><title>page</title><p id="shown">${secret}</p>${signOut}` : secret);
    };
  });
  afterAll(async () => {
    tls.close();
    tls.closeAllConnections();
    await team.close();
    await stack.close();
    rmSync(folder, { recursive: true });
  });

  const port = () => new URL(team.url).port;
  const origins = {
    'a local address': () => `http://127.0.0.1:${port()}`,
    // no secure context: browsers overlook Clear-Site-Data
    'plain http': () => `http://app.example.test:${port()}`,
    https: () => `https://app.example.test:${(tls.address() as AddressInfo).port}`,
  };

  describe.each([true, false])('where whole pages are kept for the back button: %s', (backForwardCache) => {
    let browser: Browser;
    let page: Page;
    beforeAll(async () => {
      browser = await startBrowser({ backForwardCache, certificate });
    });
    afterAll(() => browser.close());
    beforeEach(async () => {
      page = await browser.context.newPage();
      page.setDefaultTimeout(10_000);
    });
    afterEach(() => page.close());

    describe.each(Object.entries(origins))('on %s', (_name, originOf) => {
      const path = (name: string, cacheControl: string) =>
        `${name}?${new URLSearchParams({ serial: String(++serial), 'cache-control': cacheControl }).toString()}`;
      const goTo = (target: string) => page.goto(originOf() + target);
      const asked = (target: string) => stack.upstream.seen.filter(({ url }) => url === target).length;

      async function signIn(username = 'demo'): Promise<void> {
        await browser.context.clearCookies();
        const { hostname, protocol } = new URL(originOf());
        // where there is a domain AM sets it for all of it
        const domain = hostname.replace(/^app(?=\.)/, '');
        const cookie = { name: stack.am.cookieName, value: stack.am.login(username), domain, path: '/' };
        await browser.context.addCookies([{ ...cookie, httpOnly: true, secure: protocol === 'https:' }]);
      }

      /** What the page shows once it shows something. */
      const shown = () => page.locator('body', { hasText: /\S/, hasNotText: 'loading' }).innerText();

      async function signOutBy(way: Way): Promise<void> {
        if (way === 'a form') {
          await page.click('#sign-out');
          await page.waitForURL(`${originOf()}/`);
          return;
        }
        if (way === 'another tab') await goTo('/start.html');
        const tab = way === 'fetch' ? page : await browser.context.newPage();
        if (tab !== page) await tab.goto(`${originOf()}/start.html`);
        expect(await tab.evaluate(postLogout)).toBe(200);
        if (tab === page) await goTo('/start.html');
        else await tab.close();
      }

      async function goBack(): Promise<void> {
        // a posted page that is not kept is an error of the browser: "confirm form resubmission"
        await page.goBack({ waitUntil: 'commit' }).catch((error: unknown) => {
          expect(String(error)).toContain('ERR_CACHE_MISS');
        });
      }

      async function fetched(target: string): Promise<string[]> {
        await goTo('/start.html');
        return page.evaluate(fetchAll(target));
      }

      async function expectNothing(target: string): Promise<void> {
        await goBack();
        expect(await shown()).not.toContain('secret');
        for (const answer of await fetched(target)) expect(answer).not.toContain('secret');
      }

      it.each(cases)('no page of an upstream is shown: $cacheControl, by $way', async ({ cacheControl, way }) => {
        const target = path('/api/page', cacheControl);
        await signIn();
        await goTo('/start.html');
        await goTo(target);
        expect(await shown()).toContain('secret');
        await signOutBy(way);
        await expectNothing(target);
      });

      it('no page is shown that was posted for', async () => {
        const target = path('/api/page', 'max-age=600');
        await signIn();
        await goTo('/');
        await page.evaluate(postFormTo(target));
        await page.click('#sign-out');
        await page.waitForURL(originOf() + target);
        expect(await shown()).toContain('secret');
        await signOutBy('a form');
        await expectNothing(target);
      });

      it.each(cases)(
        'the single-page app shows nothing that it fetched: $cacheControl, by $way',
        async ({ cacheControl, way }) => {
          const target = path('/api/data', cacheControl);
          const app = `/?${new URLSearchParams({ from: target }).toString()}`;
          // the page is in the cache already when the user signs in
          await browser.context.clearCookies();
          await goTo(app);
          expect(await shown()).toContain('401');
          await signIn();
          await goTo(app);
          expect(await shown()).toContain('secret');
          await signOutBy(way);
          await expectNothing(target);
        },
      );

      it('the next user gets answers of his own, without a logout too', async () => {
        const target = path('/api/data', 'private, max-age=600');
        await signIn('alice');
        expect((await fetched(target)).slice(0, 2).join()).toContain('of alice');
        await signIn('bob');
        for (const answer of await fetched(target)) expect(answer).not.toContain('of alice');
      });

      it('(as long as he is signed in, a user is spared what his browser may keep)', async () => {
        const target = path('/api/data', 'private, max-age=600');
        await signIn();
        const secret = `200 secret ${serial} of demo`;
        expect(await fetched(target)).toEqual([secret, secret, secret]);
        expect(asked(target)).toBe(1);
      });

      it('(a page for everybody is shown again, whole where whole pages are kept)', async () => {
        const target = path('/public/page', 'max-age=600');
        await goTo(target);
        await page.evaluate('window.isTheSame = true');
        await goTo('/start.html');
        await goBack();
        expect(await shown()).toContain('secret');
        expect(asked(target)).toBe(1);
        expect(await page.evaluate(`'isTheSame' in window`)).toBe(backForwardCache);
      });
    });
  });
});
