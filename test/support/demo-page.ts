// The demo's page in Chromium: a demo for all tests of a file, a page of its own for each.

import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { startBrowser, type Browser } from './browser.js';
import { endDemos, startDemo, type Demo } from './demo.js';

// run in pages, as text: this side has no types of a browser
const watchPolicy = `addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) =>
  console.error('policy', violatedDirective, blockedURI))`;

/** For use in a `describe`: the page is there while a test runs. */
export function useDemoPage() {
  let demo: Demo;
  let browser: Browser;
  let page: Page;
  let complaints: string[];

  beforeAll(async () => {
    demo = await startDemo({ AM_UPDATE_FREQUENCY_S: '2', SESSION_TRUST_S: '1' });
    browser = await startBrowser();
    await browser.context.addInitScript(watchPolicy);
  });
  afterAll(async () => {
    await browser.close();
    endDemos();
  });
  beforeEach(async () => {
    await browser.context.clearCookies();
    complaints = [];
    page = await newPage();
  });
  afterEach(() => page.close());

  async function newPage(): Promise<Page> {
    const opened = await browser.context.newPage();
    opened.setDefaultTimeout(10_000);
    opened.on('pageerror', (error) => complaints.push(error.message));
    opened.on('console', (message) => {
      if (message.type() === 'error') complaints.push(message.text());
    });
    return opened;
  }

  /** Resolves when the element shows this. */
  const says = (id: string, what: string, where = page) => where.locator(`#${id}`, { hasText: what }).waitFor();

  async function signIn(where = page): Promise<void> {
    await where.goto(demo.place('page'));
    await where.click('#sign-in');
    await where.fill('#username', 'demo');
    await where.fill('#password', 'changeit');
    await where.click('button');
    await says('status', 'Signed in as demo', where);
    // the live picture runs
    await where.locator('#label', { hasNotText: '…' }).waitFor();
  }

  return {
    demo: () => demo,
    page: () => page,
    /** Another tab; the test closes it. */
    newPage,
    /** Errors on the console, and of the page's policy. */
    complaints: () => complaints,
    text: (id: string) => page.locator(`#${id}`).innerText(),
    says,
    signIn,
  };
}
