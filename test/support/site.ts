// AM and an application under one domain as a browser sees them: the built command and the simulator behind a server in front.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { startBrowser, type Browser, type BrowserOptions } from './browser.js';
import { makeCertificate, type Certificate } from './certificate.js';
import { startFront, type Front } from './front.js';
import { startStack, type Stack, type StackOptions } from './stack.js';

export const appHost = 'app.example.test';
export const amHost = 'sso.example.test';

const files: Record<string, string> = {
  'index.html': '<!doctype html><title>the app</title><p>the app</p>',
  'favicon.ico': '',
};

export interface SiteOptions {
  /** Default true; without it browsers send no fetch metadata. */
  readonly tls?: boolean;
  readonly simulator?: StackOptions['simulator'];
  readonly proxy?: StackOptions['proxy'];
  readonly browser?: Pick<BrowserOptions, 'thirdPartyCookies'>;
}

export interface Site extends Stack {
  readonly front: Front;
  /** Undefined: plain http. */
  readonly certificate: Certificate | undefined;
  /** The application's public origin. */
  readonly app: string;
  /** AM's public origin. */
  readonly sso: string;
}

async function startSite({ tls = true, simulator, proxy }: SiteOptions = {}): Promise<Site> {
  const folder = mkdtempSync(join(tmpdir(), 'site-'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const certificate = tls ? makeCertificate(folder, `DNS:${appHost}`) : undefined;
  const front = await startFront(certificate);
  const app = front.origin(appHost);
  const sso = front.origin(amHost);
  const stack = await startStack({
    mount: 'command',
    simulator: { cookieDomains: ['example.test'], cookieSecure: tls, ...simulator },
    proxy: {
      publicUrl: app,
      trustProxy: 1,
      staticDir: folder,
      ...proxy,
      am: { publicUrl: `${sso}/am`, timeoutMs: 3_000, ...proxy?.am },
    },
  });
  front.hosts.set(appHost, stack.url).set(amHost, stack.am.url);
  return {
    ...stack,
    front,
    certificate,
    app,
    sso,
    async close() {
      front.close();
      await stack.close();
      rmSync(folder, { recursive: true });
    },
  };
}

/** For use in a `describe`: one site and one browser for its tests, each with a page and an empty cookie jar. */
export function useSite(options: SiteOptions = {}) {
  let site: Site;
  let browser: Browser;
  let page: Page;

  beforeAll(async () => {
    site = await startSite(options);
    const certificate = site.certificate?.certificate;
    browser = await startBrowser({ ...options.browser, ...(certificate !== undefined && { certificate }) });
  });
  afterAll(async () => {
    await browser.close();
    await site.close();
  });
  beforeEach(async () => {
    await browser.context.clearCookies();
    site.am.clearFaults();
    site.am.killSessions();
    site.upstream.answer = site.upstream.upgrade = site.front.holdBack = undefined;
    site.upstream.seen.length = site.front.asked.length = 0;
    page = await newPage();
  });
  afterEach(async () => {
    for (const each of browser.context.pages().slice(1)) await each.close();
  });

  async function newPage(): Promise<Page> {
    const opened = await browser.context.newPage();
    opened.setDefaultTimeout(10_000);
    return opened;
  }

  /** As users do, at AM's login page; resolves when the browser has come back. `/` asks for no session: no activity. */
  async function signIn(path = '/', where = page): Promise<void> {
    const query = new URLSearchParams({ goto: site.app + path });
    await where.goto(`${site.sso}/am/XUI/?${query.toString()}`);
    await fillIn(where);
    await where.waitForURL(site.app + path);
  }

  async function fillIn(where = page, username = 'demo', password = 'changeit'): Promise<void> {
    await where.fill('#username', username);
    await where.fill('#password', password);
    await where.click('button');
  }

  /** The short way: a session whose cookie browsers send wherever they send any. */
  async function signedIn(): Promise<string> {
    const token = site.am.login();
    const secure = site.certificate !== undefined;
    const cookie = {
      name: site.am.cookieName,
      value: token,
      domain: '.example.test',
      path: '/',
      httpOnly: true,
      secure,
    };
    await browser.context.addCookies([{ ...cookie, ...(secure && { sameSite: 'None' as const }) }]);
    return token;
  }

  async function ssoCookie(): Promise<Awaited<ReturnType<typeof browser.context.cookies>>[number] | undefined> {
    const cookies = await browser.context.cookies();
    return cookies.find(({ name }) => name === site.am.cookieName);
  }

  return {
    site: () => site,
    page: () => page,
    context: () => browser.context,
    /** Another tab. */
    newPage,
    signIn,
    signedIn,
    fillIn,
    /** What the browser has of the SSO cookie. */
    ssoCookie,
  };
}

// run in pages, as text: this side has no types of a browser

/** What a fetch gives: a status and a body, or `failed` where the page may not read it. */
export interface Fetched {
  readonly status: number;
  readonly body: string;
}

/** @param init as JSON of what `fetch` takes */
export async function fetchIn(page: Page, url: string, init: Record<string, unknown> = {}): Promise<Fetched> {
  return page.evaluate<Fetched>(`fetch(${JSON.stringify(url)}, ${JSON.stringify(init)}).then(
    async (answer) => ({ status: answer.status, body: await answer.text() }),
    () => ({ status: 0, body: 'failed' }))`);
}
