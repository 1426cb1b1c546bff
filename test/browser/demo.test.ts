// The demo's page in a real browser: it works under the proxy's own policy, shows what it says, and nothing after a logout.

import { expect, it, vi } from 'vitest';
import { createAmSimulator } from '../../src/simulator/index.js';
import { startDemo } from '../support/demo.js';
import { useDemoPage } from '../support/demo-page.js';
import { request } from '../support/http.js';
import { describeWith } from '../support/programs.js';

// run in pages, as text: this side has no types of a browser
/** The line's last point is at the top of its lane. */
const limitReached = /L[\d.]+ 208(?:\.\d)?$/;
const value = (id: string) => `document.getElementById('${id}').value`;

describeWith(['chromium'], "the demo's page", () => {
  const { demo, page, newPage, complaints, text, says, signIn } = useDemoPage();
  const count = async (lane: string) => Number(await text(`count-${lane}`));
  const tellAm = (path: string, method: string, body?: string) =>
    request(demo().place('AM'), `/am/${path}`, { method, ...(body !== undefined && { body }) });

  const idleLine = () => page().locator('#picture [data-draw=idle]').getAttribute('d');

  it('asks who is signed out to sign in, says how, and shows nothing else', async () => {
    await page().goto(demo().place('page'));
    await says('status', 'You are signed out');
    await says('signed-out-title', 'See what AM is told of you');
    expect(await page().locator('header').innerText()).toContain('A page talks to its own APIs and never to AM');
    expect(await page().locator('#advice').isVisible()).toBe(false);
    expect(await text('hint')).toBe('User demo, password changeit');
    expect(await page().locator('#signed-in').isVisible()).toBe(false);
    expect(await page().locator('#sign-out').isVisible()).toBe(false);
    expect(complaints()).toEqual([]);
  });

  it('says that it cannot reach the proxy, and finds it again, signed out as well', async () => {
    await page().goto(demo().place('page'));
    await says('status', 'You are signed out');
    await page().route('**/session', (route) => route.abort());
    await page().evaluate(`dispatchEvent(new Event('pageshow'))`);
    await says('status', 'The proxy does not answer. Trying again.');
    await page().unroute('**/session');
    await says('status', 'You are signed out');
  });

  it('works without a violation of the policy or an error on the console', async () => {
    await signIn();
    for (const id of ['orders', 'order', 'me', 'still-here']) await page().click(`#${id}`);
    for (const id of ['poll', 'news', 'socket']) await page().check(`#${id}`);
    await says('socket-state', 'open');
    await page().click('#hello');
    await says('log', '“Hello” came back');
    await says('log', 'no cookie');
    await says('news-state', '1 event');
    await page().click('#sign-out');
    await says('signed-out-title', 'You have signed out');
    await says('reason', 'ended here and at AM');
    expect(complaints()).toEqual([]);
  });

  it('draws what the user does, and what AM is told of it', async () => {
    await signIn();
    for (let i = 0; i < 5; i++) await page().click('#orders');
    await vi.waitFor(async () => expect(await count('user')).toBe(5), 2_000);
    await says('sentence', 'AM was told: ');
    for (const lane of ['user', 'windows', 'idle', 'trailing'])
      expect(await page().locator(`#picture [data-draw=${lane}]`).getAttribute('d')).toMatch(/^M/);
    expect(await page().locator('#picture').getAttribute('aria-label')).toContain('5 requests of yours');
    expect(await count('saved')).toBe((await count('user')) + (await count('background')) - (await count('calls')));
  });

  it('is the same picture after a reload', async () => {
    await signIn();
    for (let i = 0; i < 3; i++) await page().click('#orders');
    await vi.waitFor(async () => expect(await count('user')).toBe(3), 2_000);
    const label = await text('label');
    await page().reload();
    await vi.waitFor(async () => expect(await count('user')).toBe(3), 5_000);
    expect(await text('label')).toBe(label);
  });

  it('a poller is in a lane of its own', async () => {
    await signIn();
    await page().click('#orders');
    await page().check('#poll');
    await vi.waitFor(async () => expect(await count('background')).toBeGreaterThan(1), 8_000);
    expect(await count('user')).toBe(1);
    expect(await text('poll-state')).toMatch(/^\d sent, answer 200$/);
    await page().uncheck('#poll');
    expect(await text('poll-state')).toBe('off');
  });

  it('what is typed is saved in batches, and each is activity', async () => {
    await signIn();
    await page().locator('#draft').pressSequentially('somebody types', { delay: 60 });
    await says('draft-state', 'Saved: 14 characters');
    const batches = await count('user');
    expect(batches).toBeGreaterThan(0);
    expect(batches).toBeLessThan(5);
  });

  it('both bars fall while nothing happens', async () => {
    await signIn();
    const [idle, maximum] = [await page().evaluate(value('idle')), await page().evaluate(value('maximum'))];
    await page().waitForTimeout(2_500);
    expect(Number(idle) - Number(await page().evaluate(value('idle')))).toBeGreaterThan(1);
    expect(Number(maximum) - Number(await page().evaluate(value('maximum')))).toBeGreaterThan(1);
    expect(await text('maximum-left')).toMatch(/^19 min \d+ s$/);
  });

  it('a sign-out in another tab closes all that is open here, and nothing private stays', async () => {
    await signIn();
    await page().click('#me');
    await says('log', 'The API sees user demo');
    await page().fill('#draft', 'private');
    for (const id of ['poll', 'news', 'socket']) await page().check(`#${id}`);
    await says('socket-state', 'open');
    const other = await newPage();
    await other.goto(demo().place('page'));
    await says('status', 'Signed in as demo', other);
    await other.click('#sign-out');
    await says('status', 'You are signed out', other);
    await other.close();
    await says('status', 'You are signed out');
    for (const id of ['poll-state', 'news-state', 'socket-state'])
      expect(await page().locator(`#${id}`).textContent()).toBe('off');
    expect(await page().locator('#log').textContent()).toBe('');
    expect(await page().evaluate(value('draft'))).toBe('');
    expect(await page().content()).not.toContain('Signed in as');
    expect(await page().locator('#picture [data-draw=idle]').getAttribute('d')).toBe('');
    expect(await page().locator('#count-user').textContent()).toBe('0');
  });

  it('a poller keeps no session alive: AM ends it at the limit, and the picture of it stays', async () => {
    await signIn();
    await page().fill('#draft', 'private');
    await says('log', 'AM was told');
    await page().check('#poll');
    await vi.waitFor(async () => expect(await count('background')).toBeGreaterThan(0), 5_000);
    await tellAm('__clock', 'POST', '{"advance":54}');
    await says('signed-out-title', 'AM has ended your session');
    const line = await idleLine();
    expect(line).toMatch(limitReached);
    expect(await page().locator('#picture [data-draw=failed]').getAttribute('d')).toMatch(/^M/);
    await says('sentence', 'AM says that the session is over.');
    // at the deadline nobody hammers AM
    expect(await count('calls')).toBeLessThan(14);
    const [message, picture] = [page().locator('#signed-out'), page().locator('#picture')];
    expect((await message.boundingBox())?.y).toBeLessThan((await picture.boundingBox())?.y ?? 0);
    for (const section of ['work', 'ends', 'back', 'log'])
      expect(await page().locator(`section.${section}`).isVisible()).toBe(false);
    expect(await page().evaluate(value('draft'))).toBe('');
    expect(await page().content()).not.toContain('Signed in as');
    // looking again changes nothing of it
    await page().evaluate(`dispatchEvent(new Event('pageshow'))`);
    await page().waitForTimeout(1_500);
    expect(await idleLine()).toBe(line);
    expect(await picture.isVisible()).toBe(true);

    // another session has a picture of its own
    const other = await newPage();
    await signIn(other);
    await page().evaluate(`dispatchEvent(new Event('pageshow'))`);
    await says('status', 'Signed in as demo');
    expect(await page().locator('section.work').isVisible()).toBe(true);
    expect(await idleLine()).not.toBe(line);
    await other.close();
  }, 40_000);

  it.each([
    ['refuses the sign-out', 403, 'AM refuses to be told'],
    ['fails at the sign-out', 500, 'AM does not answer. It is told as soon as it does.'],
  ])('while AM %s the page does not say that the session has ended there', async (_, status, reason) => {
    await signIn();
    await tellAm('__faults', 'POST', `{"kind":"status","status":${status},"action":"logout"}`);
    await page().click('#sign-out');
    await says('reason', reason);
    expect(await text('reason')).not.toContain('at AM,');
    await tellAm('__faults', 'DELETE');
  });

  it('takes AM away for a while: the user works on, and AM is told when it is back', async () => {
    await signIn();
    await page().click('#orders');
    await says('sentence', 'AM was told: ');
    await page().click('#away');
    await says('log', 'AM is away for 20 s');
    await says('away-state', ' s left');
    expect(await page().evaluate('document.activeElement.id')).toBe('away');
    await page().click('#orders');
    await says('log', 'The API has');
    await vi.waitFor(
      async () => expect(await page().locator('#picture [data-draw=failed]').getAttribute('d')).toMatch(/^M/),
      15_000,
    );
    await vi.waitFor(async () => expect(await text('sentence')).toContain('AM was told: '), 45_000);
    await says('log', 'AM is back');
    expect(await page().locator('#away').getAttribute('aria-disabled')).toBeNull();
  }, 75_000);

  it('who comes from the login without a session is told what to look at', async () => {
    await page().goto(demo().place('page'));
    await says('signed-out-title', 'See what AM is told of you');
    await page().click('#sign-in');
    await page().goto(demo().place('page'));
    await says('signed-out-title', 'You are back from the login without a session');
    await page().reload();
    await says('signed-out-title', 'See what AM is told of you');
  });

  it('"What happened" says at first what it is for, and shows whole lines', async () => {
    await signIn();
    await page().evaluate(`document.getElementById('log').replaceChildren()`);
    await says('log-empty', 'Nothing yet');
    expect(await page().locator('#log-empty').isVisible()).toBe(true);
    for (let i = 0; i < 12; i++) await page().click('#me');
    await vi.waitFor(async () => expect(await page().locator('#log li').count()).toBeGreaterThan(11));
    expect(await page().locator('#log-empty').isVisible()).toBe(false);
    const [lineHeight, height] = (await page().evaluate(
      `[parseFloat(getComputedStyle(document.getElementById('log')).lineHeight), document.getElementById('log').clientHeight]`,
    )) as [number, number];
    expect(height % lineHeight).toBe(0);
    for (const entry of await page().locator('#log li').all())
      expect(((await entry.boundingBox())?.height ?? 0) % lineHeight).toBe(0);
  });

  it('while AM is away at first sight the page says so, and goes on by itself', async () => {
    await page().goto(demo().place('page'));
    await page().click('#sign-in');
    await tellAm('__faults', 'POST', '{"kind":"status","status":503,"action":"getSessionInfo"}');
    await page().fill('#username', 'demo');
    await page().fill('#password', 'changeit');
    await page().click('button');
    await says('status', 'AM does not answer (am_unavailable). Trying again.');
    await tellAm('__faults', 'DELETE');
    await says('status', 'Signed in as demo');
  });

  it('comes back by itself after the proxy was started anew', async () => {
    const am = await createAmSimulator();
    const start = (port: string) => startDemo({ AM_URL: am.url, PORT: port });
    const first = await start('0');
    const origin = first.place('page');
    await page().goto(origin);
    // a real AM's users are its own
    expect(await page().locator('#hint').isVisible()).toBe(false);
    await page()
      .context()
      .addCookies([{ name: am.cookieName, value: am.login(), url: origin }]);
    await page().reload();
    await says('status', 'Signed in as demo');
    expect(await text('maximum-left')).toMatch(/^(?:2 h 0|1 h 59) min$/);
    expect(await page().locator('#away').isVisible()).toBe(false);
    await page().check('#news');
    await page().check('#socket');
    await says('socket-state', 'open');
    first.child.kill('SIGKILL');
    await first.exited;
    await says('status', 'The proxy does not answer. Trying again.');
    const second = await start(new URL(origin).port);
    await says('status', 'Signed in as demo');
    for (const id of ['news-state', 'socket-state']) await says(id, 'open');
    await page().click('#orders');
    await vi.waitFor(async () => expect(await count('user')).toBe(1), 5_000);
    second.child.kill('SIGTERM');
    expect(await second.exited).toEqual([0, null]);
    await am.close();
  });
});
