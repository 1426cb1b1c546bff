// The demo's page with an AM of one's own whose cookie does not reach it: it says what to look at.

import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { createAmSimulator, type AmSimulator, type AmSimulatorOptions } from '../../src/simulator/index.js';
import { startBrowser, type Browser } from '../support/browser.js';
import { endDemos, startDemo } from '../support/demo.js';
import { describeWith } from '../support/programs.js';

/** AM has this name in browsers; they take every name under `test` for this machine. */
const amHost = 'sso.example.test';

describeWith(['chromium'], "the demo's page after a login whose cookie does not reach it", () => {
  let browser: Browser;
  let am: AmSimulator | undefined;

  beforeAll(async () => {
    browser = await startBrowser();
  });
  afterAll(() => browser.close());
  afterEach(async () => {
    endDemos();
    await am?.close();
  });

  async function openPage(host: string, options: AmSimulatorOptions) {
    am = await createAmSimulator(options);
    const demo = await startDemo({ AM_URL: am.url, AM_PUBLIC_URL: am.url.replace('127.0.0.1', amHost) });
    const page = await browser.context.newPage();
    page.setDefaultTimeout(10_000);
    await page.goto(demo.place('page').replace('127.0.0.1', host));
    const signIn = async () => {
      await page.click('#sign-in');
      await page.fill('#username', 'demo');
      await page.fill('#password', 'changeit');
      await page.click('button');
      await page.waitForURL(`http://${host}:*/`);
    };
    const says = (id: string, text: string) => page.locator(`#${id}`, { hasText: text }).waitFor();
    return { page, signIn, says, address: page.url(), advice: () => page.locator('#advice').innerText() };
  }

  it('another domain: it gives the line for /etc/hosts, and that is enough', async () => {
    const { page, signIn, says, advice, address } = await openPage('127.0.0.1', { cookieDomains: ['example.test'] });
    await signIn();
    await says('signed-out-title', 'You are back from the login without a session');
    const better = address.replace('127.0.0.1', 'demo.example.test');
    expect(await advice()).toContain(
      `AM's cookie is for example.test, and this page is at 127.0.0.1. Add the line “127.0.0.1 demo.example.test” to /etc/hosts, then open ${better}`,
    );
    expect(page.url()).toBe(address);
    await page.goto(better);
    await says('status', 'Signed in as demo');
    await page.close();
  });

  it('a Secure cookie on plain http: it names https, and no other domain', async () => {
    const { page, signIn, says, advice } = await openPage('demo.example.test', {
      cookieDomains: ['example.test'],
      cookieSecure: true,
    });
    await signIn();
    await says('signed-out-title', 'You are back from the login without a session');
    expect(await advice()).toMatch(/^If AM's cookie is Secure, it comes to https only/);
    expect(await advice()).toContain('http://demo.example.test:');
    expect(await advice()).toContain('Valid goto URL Resources');
    // it was told once
    await page.reload();
    await says('signed-out-title', 'See what AM is told of you');
    expect(await page.locator('#advice').isVisible()).toBe(false);
    await page.close();
  });

  it('no domain: the cookie is for the host of AM alone', async () => {
    const { page, signIn, says, advice } = await openPage('127.0.0.1', {});
    await signIn();
    await says('signed-out-title', 'You are back from the login without a session');
    expect(await advice()).toContain(`AM names no domain for its cookie: it comes to ${amHost} alone`);
    await page.close();
  });

  it('who went back instead of signing in is told nothing of it', async () => {
    const { page, says } = await openPage('127.0.0.1', { cookieDomains: ['example.test'] });
    await page.click('#sign-in');
    await page.waitForSelector('#username');
    // the page comes as it was left, and loads nothing
    await page.goBack({ waitUntil: 'commit' });
    await page.waitForSelector('#sign-in');
    await page.reload();
    await says('signed-out-title', 'See what AM is told of you');
    await page.close();
  });
});
