// The demo as a user starts it: the built command, a process of its own.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { createAmSimulator, type JournalEntry } from '../src/simulator/index.js';
import { cli, endDemos, signInAt, startDemo, type Demo } from './support/demo.js';
import { request, type RequestOptions } from './support/http.js';

let demo: Demo;
let page: string;
let am: string;
let cookie: string;

const journal = async (): Promise<JournalEntry[]> => {
  const entries: JournalEntry[] = JSON.parse((await request(am, '/am/__journal')).body);
  return entries;
};
const refreshes = async () => (await journal()).filter(({ action }) => action === 'refresh');
const asUser = (path: string, { headers, ...options }: RequestOptions = {}) =>
  request(page, path, { ...options, headers: { cookie, ...headers } });

beforeAll(async () => {
  demo = await startDemo({ AM_UPDATE_FREQUENCY_S: '2' });
  page = demo.place('page');
  am = demo.place('AM');
  cookie = await signInAt(demo);
});

afterAll(endDemos);

test('the guide names the page, the user, the journal and the sample API', async () => {
  expect(page).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
  expect(demo.place('user')).toBe('demo');
  expect(demo.place('journal')).toBe(`${am}/__journal`);
  expect(demo.output()).toContain(`curl --cookie jar ${page}api/orders`);
  expect(demo.output()).toContain('every 2 s');
  expect((await request(demo.place('API'), '/api/orders')).status).toBe(200);
});

test("the page obeys the proxy's own policy, and its files are there", async () => {
  const index = await request(page, '/');
  expect(index.status).toBe(200);
  expect(index.headers['content-security-policy']).toContain("script-src 'self'");
  expect(index.body).not.toMatch(/<script(?![^>]* src=)|<style|\sstyle=|\son\w+=/);
  const files = [...index.body.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(([, path]) => path ?? '');
  expect(files.toSorted()).toEqual(['/app.js', '/controls.css', '/icon.svg', '/picture.css', '/style.css']);
  const seen = new Set<string>();
  // modules import each other
  for (const file of files) {
    if (seen.has(file)) continue;
    seen.add(file);
    const { status, body } = await request(page, file);
    expect([file, status]).toEqual([file, 200]);
    files.push(...[...body.matchAll(/ from '\.(\/[\w.]+)'/g)].map(([, path]) => path ?? ''));
  }
  expect(seen).toContain('/drawing.js');
});

test('what the page says of AM it may know before anybody has signed in', async () => {
  expect((await request(page, '/demo/about')).json()).toEqual({
    isSimulator: true,
    flavor: 'ping',
    frequencyS: 2,
    idleS: 60,
    maximumS: 1200,
    cookieDomains: [],
  });
});

test('the API sees the user and no cookie', async () => {
  const { user, realm, cookiesThatCame, headersThatCame } = (await asUser('/api/me')).json();
  expect({ user, realm, cookiesThatCame }).toEqual({ user: 'demo', realm: '/', cookiesThatCame: [] });
  expect(headersThatCame).not.toContain('cookie');
  expect(headersThatCame).not.toContain('iplanetdirectorypro');
});

test('the API takes an order and refuses nonsense', async () => {
  const post = (body: string) =>
    asUser('/api/orders', { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  const answer = await post('{"item":"Tea"}');
  expect([answer.status, answer.json()]).toEqual([201, { id: 3, item: 'Tea' }]);
  expect((await asUser('/api/orders')).json()['orders']).toContainEqual({ id: 3, item: 'Tea' });
  for (const nonsense of ['{', 'null', '{"item":7}', '{"item":""}']) expect((await post(nonsense)).status).toBe(400);
  const draft = await asUser('/api/draft', { method: 'PUT', body: '{"text":"four"}' });
  expect(draft.json()).toEqual({ characters: 4 });
  expect((await asUser('/api/nothing')).status).toBe(404);
});

test('a busy user costs one refresh per window, a poller none', async () => {
  const windowMs = 3_000;
  const before = (await refreshes()).length;
  const until = Date.now() + 2 * windowMs + 500;
  while (Date.now() < until) {
    expect((await asUser('/api/orders')).status).toBe(200);
    await sleep(100);
  }
  const sent = (await refreshes()).slice(before);
  expect(sent.length).toBeGreaterThanOrEqual(2);
  expect(sent.length).toBeLessThanOrEqual(4);
  expect(sent.map(({ outcome }) => outcome)).toEqual(sent.map(() => 'obeyed'));

  // what is pending is told at the end of the window, and that is the last
  await sleep(windowMs + 1_000);
  const told = (await refreshes()).length;
  const idleUntil = Date.now() + windowMs + 500;
  while (Date.now() < idleUntil) {
    const answer = await asUser('/api/notifications', { headers: { 'x-session-activity': 'background' } });
    expect(answer.status).toBe(200);
    await sleep(250);
  }
  expect((await refreshes()).length).toBe(told);
});

/** Time, session, and the rest. */
const line = (text: string) => new RegExp(`^\\d\\d:\\d\\d:\\d\\d  \\S{8}  ${text}`, 'm');

test('every decision is a line: who, what, whether AM was called and why, and what it said', () => {
  const output = demo.output();
  expect(output).toMatch(line('activity +GET /api/me +AM called: refresh, seen for the first time$'));
  expect(output).toMatch(line(' +AM answered: alive, (obeyed|ignored: idle \\d s), \\d+ ms$'));
  expect(output).toMatch(line('activity +GET /api/orders +AM not called: window closed, [123] s left$'));
  expect(output).toMatch(line(' +AM called: refresh, the window has ended'));
  expect(output).toMatch(line("background +GET /api/notifications +AM not called: AM's last answer still holds$"));
  expect(output).not.toMatch(/\u001b\[/);
});

test('AM goes away for 20 s when a user of this page wants it to, and comes back', async () => {
  const away = (headers: RequestOptions['headers'] = {}) => asUser('/api/demo/away', { method: 'POST', headers });
  expect((await request(page, '/api/demo/away', { method: 'POST' })).status).toBe(401);
  expect((await away({ 'sec-fetch-site': 'cross-site' })).json()['code']).toBe('cross_site_request');
  expect((await request(am, '/am/isAlive.jsp')).status).toBe(200);

  const begun = Date.now();
  expect((await away()).json()).toEqual({ forS: 20 });
  await expect(request(am, '/am/isAlive.jsp')).rejects.toThrow();
  expect((await asUser('/api/orders')).status).toBe(200);
  await vi.waitFor(async () => expect((await request(am, '/am/isAlive.jsp')).status).toBe(200), 25_000);
  expect(Date.now() - begun).toBeGreaterThan(19_000);
  await vi.waitFor(() => expect(demo.output()).toMatch(/AM answered: nothing usable [^]+AM answered: alive/), 35_000);
}, 70_000);

test('after the sign-out the API is closed', async () => {
  const answer = await asUser('/logout', { method: 'POST' });
  expect([answer.status, answer.json()['am']]).toEqual([200, 'ended']);
  const refused = await asUser('/api/orders');
  expect([refused.status, refused.json()['code']]).toEqual([401, 'session_ended']);
  expect(refused.json()['loginUrl']).toBe(`${am}/XUI/?realm=/`);
  expect(demo.output()).toMatch(/POST \/logout +AM called: logout, the user signs out\n.*AM answered: ended/);
  expect((await journal()).filter(({ action }) => action === 'logout').map(({ outcome }) => outcome)).toEqual([
    'ended',
  ]);
});

test('a port that is taken ends the demo at once, and says so', async () => {
  const { port } = new URL(page);
  const second = spawn(process.execPath, [cli, 'demo'], { env: { PATH: process.env['PATH'], PORT: port } });
  let complaint = '';
  second.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
  expect(await once(second, 'exit')).toEqual([69, null]);
  expect(complaint).toContain(`PORT ${port}`);
});

test('SIGTERM ends all of it with 0, and no token was printed', async () => {
  demo.child.kill('SIGTERM');
  expect(await demo.exited).toEqual([0, null]);
  const token = cookie.split('=')[1] ?? '';
  expect(token.length).toBeGreaterThan(50);
  expect(demo.output()).not.toContain(token.slice(0, 20));
  expect(demo.output()).not.toContain(token.slice(-20));
  await expect(request(am, '/am/isAlive.jsp')).rejects.toThrow();
});

test('AM_URL puts a real AM in the place of the simulator', async () => {
  const realAm = await createAmSimulator({ flavor: 'openam' });
  const own = await startDemo({
    AM_URL: realAm.url,
    AM_FLAVOR: 'openam',
    AM_UPDATE_FREQUENCY_S: '10',
    LOG_LEVEL: 'silent',
  });
  expect(own.output()).toContain(`${realAm.url} (yours, flavour openam)`);
  expect(own.output()).not.toContain('changeit');
  const about = (await request(own.place('page'), '/demo/about')).json();
  expect(about).toEqual({ isSimulator: false, flavor: 'openam', frequencyS: 10, cookieDomains: [] });
  const headers = { cookie: `${realAm.cookieName}=${realAm.login()}` };
  // nobody's real AM can be taken away
  expect((await request(own.place('page'), '/api/demo/away', { method: 'POST', headers })).status).toBe(404);
  expect((await request(own.place('page'), '/api/me', { headers })).json()['user']).toBe('demo');
  expect(realAm.journal.filter(({ action }) => action === 'getSessionInfo')).toHaveLength(1);
  expect(own.output()).toMatch(/POST \/api\/demo\/away +AM called: refresh, seen for the first time/);
  own.child.kill('SIGINT');
  expect(await own.exited).toEqual([0, null]);
  await realAm.close();
});

test.each([
  ['a domain', ['sso.test'], 'add "127.0.0.1 demo.sso.test" to /etc/hosts, and open http://demo.sso.test:'],
  ['no domain', [], 'which comes to 127.0.0.1 alone: open the page under this name'],
])("the guide says how AM's cookie reaches the page: %s", async (_name, cookieDomains, how) => {
  const realAm = await createAmSimulator({ cookieDomains });
  const own = await startDemo({ AM_URL: realAm.url, LOG_LEVEL: 'silent' });
  expect(own.output()).toContain(how);
  expect(own.output()).toContain('Valid goto URL Resources');
  expect((await request(own.place('page'), '/demo/about')).json()['cookieDomains']).toEqual(cookieDomains);
  own.child.kill('SIGKILL');
  await own.exited;
  await realAm.close();
});
