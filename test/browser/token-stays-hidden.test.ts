// The token, in a real browser: in its cookie jar and in AM's answer to the login, and nowhere else that anybody can look.

import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { expect, it } from 'vitest';
import { openDeveloperTools } from '../support/developer-tools.js';
import { describeWith } from '../support/programs.js';
import { amHost, appHost, useSite } from '../support/site.js';
import { acceptByWs } from '../support/websocket.js';

const otherHost = 'www.other.test';

/** Whatever of it would help somebody: a part in the middle too. */
function formsOf(token: string): string[] {
  const bytes = Buffer.from(token);
  return [
    token.slice(16, 36),
    encodeURIComponent(token),
    bytes.toString('hex'),
    bytes.toString('base64url').slice(0, -4),
    createHash('sha256').update(token).digest('hex'),
    createHash('sha256').update(token).digest('base64url').slice(0, -1),
  ];
}

// run in pages, as text: this side has no types of a browser

/** All that the answers to all kinds of requests tell a script. */
const askEverything = `(async () => {
  const learned = [];
  const ask = (method, url) => new Promise((resolve) => {
    const request = new XMLHttpRequest();
    request.onloadend = () => {
      learned.push([method, url, request.status, request.responseURL, request.getAllResponseHeaders(), request.responseText]);
      resolve();
    };
    request.open(method, url);
    request.send(method === 'POST' ? 'a body' : null);
  });
  for (const url of ['/session', '/api/orders', '/api/down', '/api/own-page', '/api/a%2fb', '/public/x', '/nowhere', '/'])
    await ask('GET', url);
  for (const url of ['/api/orders', '/session/refresh', '/session', '/public/x']) await ask('POST', url);
  for (const method of ['OPTIONS', 'HEAD', 'DELETE', 'PUT']) await ask(method, '/api/orders');
  await ask('GET', '/logout');
  await new Promise((resolve) => {
    const stream = new EventSource('/api/events');
    stream.onmessage = ({ data }) => { learned.push(data); stream.close(); resolve(); };
    stream.onerror = () => { stream.close(); resolve(); };
  });
  await new Promise((resolve) => {
    const socket = new WebSocket(location.origin.replace('http', 'ws') + '/api/socket');
    socket.onmessage = ({ data }) => { learned.push(data); socket.close(); };
    socket.onclose = ({ code, reason }) => { learned.push(code + reason); resolve(); };
  });
  return JSON.stringify(learned);
})()`;

/** All that a script finds without asking anybody. */
const lookAround = `(async () => {
  console.log('cookies', document.cookie);
  console.error(new Error('a mistake of the page'));
  return JSON.stringify([
    document.cookie, await cookieStore.getAll(), { ...localStorage }, { ...sessionStorage }, await indexedDB.databases(),
    await caches.keys(), (await navigator.serviceWorker.getRegistrations()).length, location.href, document.referrer,
    history.state, history.length, name, document.documentElement.outerHTML, performance.getEntries(),
    Object.keys(globalThis).filter((key) => typeof globalThis[key] === 'string').map((key) => globalThis[key]),
  ]);
})()`;

describeWith(['chromium', 'openssl'], 'the token', () => {
  const { site, page, signIn, ssoCookie } = useSite({ proxy: { session: { trustS: 0 } } });

  const tellWhatCame = (req: IncomingMessage) => JSON.stringify([req.url, req.rawHeaders]);

  /** An API that hides nothing of what it gets. */
  function serveTalkatively(): void {
    site().upstream.answer = (req, res) => {
      if (req.url === '/api/down') return void req.socket.destroy();
      if (req.url === '/api/events')
        return void res.setHeader('content-type', 'text/event-stream').write(`data: ${tellWhatCame(req)}\n\n`);
      res.statusCode = req.url === '/api/own-page' ? 500 : 200;
      res.setHeader('x-what-came', Buffer.from(tellWhatCame(req)).toString('latin1'));
      res.end(tellWhatCame(req));
    };
    site().upstream.upgrade = (req, socket, head) =>
      acceptByWs((accepted) => accepted.send(tellWhatCame(req)))(req, socket, head);
  }

  it('is seen by no script, in no answer, no frame, no event, no console, no storage, and by no API', async () => {
    serveTalkatively();
    const noted = await openDeveloperTools(page());
    const seen: string[] = [];
    const secrets: string[] = [];

    async function lookAtPages(): Promise<void> {
      for (const path of ['/', '/api/orders', '/api/own-page', '/api/down', '/api/a%2fb', '/session', '/logout']) {
        await page().goto(site().app + path);
        seen.push(page().url(), String(await page().evaluate(lookAround)));
      }
      await page().goto(`${site().app}/`);
      seen.push(String(await page().evaluate(askEverything)), String(await page().evaluate(lookAround)));
    }

    async function signInAndLook(): Promise<void> {
      await signIn('/api/orders');
      const token = (await ssoCookie())?.value ?? '';
      secrets.push(...formsOf(token));
      await page().evaluate(`document.cookie = 'theme=dark'`);
      await lookAtPages();
    }

    await signInAndLook();
    expect(seen.join()).toContain('theme=dark');
    // AM ends the session
    site().am.killSessions();
    await page().goto(`${site().app}/`);
    seen.push(String(await page().evaluate(askEverything)));
    expect(seen.at(-1)).toContain('session_expired');
    await lookAtPages();
    // the user ends it, while AM is not there to be told
    await signInAndLook();
    site().am.fault({ kind: 'status', status: 503 });
    seen.push(String(await page().evaluate(`fetch('/logout', { method: 'POST' }).then((answer) => answer.text())`)));
    expect(seen.at(-1)).toContain('pending');
    seen.push(String(await page().evaluate(askEverything)));

    expect(secrets).toHaveLength(12);
    const { asked } = site().front;
    const ours = asked.filter(({ host }) => host === appHost);
    const places: Record<string, unknown> = {
      'what scripts see': seen,
      'answers of ours': ours.map(({ answer }) => answer),
      'addresses and referrers': asked.map(({ url, headers }) => [url, headers.referer]),
      'what the API gets': site().upstream.seen,
      'the log': site().log,
      frames: noted.filter(({ kind }) => kind === 'frame'),
      events: noted.filter(({ kind }) => kind === 'event'),
      console: noted.filter(({ kind }) => kind === 'console'),
    };
    for (const [place, what] of Object.entries(places)) {
      const text = JSON.stringify(what);
      expect(text.length, place).toBeGreaterThan(100);
      expect(
        secrets.filter((secret) => text.toLowerCase().includes(secret.toLowerCase())),
        place,
      ).toEqual([]);
    }

    const shows = (text: string) => secrets.some((secret) => text.includes(secret));
    // AM sets it, once for each login, and nobody else
    expect(asked.filter(({ answer }) => shows(answer)).map(({ host }) => host)).toEqual([amHost, amHost]);
    expect(noted.filter(({ text }) => shows(text)).map(({ kind }) => kind)).toEqual(['head', 'head']);
    expect(ours.filter(({ headers }) => shows(headers.cookie ?? '')).length).toBeGreaterThan(30);
    expect(site().upstream.seen.every(({ headers }) => !(site().am.cookieName.toLowerCase() in headers))).toBe(true);
  }, 60_000);

  it('and the address of a page with private data are not told to other origins', async () => {
    site().front.hosts.set(otherHost, (_req, res) => res.setHeader('content-type', 'text/html').end('<title>other'));
    await signIn('/api/page?private=1');
    await page().evaluate(`{
      document.body.innerHTML = '<a href="${site().front.origin(otherHost)}/landing">away</a>';
      document.querySelector('a').click();
    }`);
    await page().waitForURL('**/landing');
    const landing = site().front.asked.find(({ url }) => url === '/landing');
    expect(landing?.headers.referer).toBeUndefined();
    expect(await page().evaluate('document.referrer')).toBe('');
  });
});
