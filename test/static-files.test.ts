// The single-page app's own files, without a session, and its index page for navigations.

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { fetchHeaders, navigationHeaders, rawRequest } from './support/http.js';
import { logged, onEveryMount } from './support/mounted.js';

const parent = mkdtempSync(join(tmpdir(), 'am-session-proxy-'));
const folder = join(parent, 'site');
const files: Record<string, string> = {
  'index.html': '<title>the page</title>',
  'app-settings.json': '{}',
  'jquery-validate2.js': '1',
  'report-20241231.js': '1',
  'main.3f2a1b9c.js': '1',
  'assets/index-DiwrgT4a.js': '1',
  'assets/chunk-5FQ2W7XK.css': '1',
  'page-3f2a1b9c.html': '1',
  '.secret': 'no',
};
for (const [name, text] of Object.entries(files)) {
  mkdirSync(join(folder, name, '..'), { recursive: true });
  writeFileSync(join(folder, name), text);
}
writeFileSync(join(parent, 'outside.txt'), 'outside');
mkdirSync(join(parent, 'empty'));
mkdirSync(join(parent, 'broken'));
// links to themselves
for (const name of ['loop.txt', 'index.html']) symlinkSync(name, join(parent, 'broken', name));
afterAll(() => rmSync(parent, { recursive: true }));

onEveryMount('static files', { proxy: { staticDir: folder } }, (stack, mount) => {
  it('are served without a session, with the security headers', async () => {
    for (const path of ['/', '/index.html']) {
      const answer = await stack().request(path);
      expect(answer.status).toBe(200);
      expect(answer.body).toBe(files['index.html']);
      expect(answer.headers['content-type']).toContain('text/html');
      expect(answer.headers['content-security-policy']).toContain("default-src 'self'");
      expect(answer.headers['cache-control']).toBe('no-cache');
    }
  });

  it.each(['main.3f2a1b9c.js', 'assets/index-DiwrgT4a.js', 'assets/chunk-5FQ2W7XK.css'])(
    'are kept for ever by browsers when their name has a hash: %s',
    async (name) => {
      const answer = await stack().request(`/${name}`);
      expect(answer.headers['cache-control']).toBe('public, max-age=31536000, immutable');
    },
  );

  it.each(['app-settings.json', 'jquery-validate2.js', 'report-20241231.js', 'page-3f2a1b9c.html'])(
    'are looked at anew each time when it is just a name: %s',
    async (name) => {
      const answer = await stack().request(`/${name}`);
      expect(answer.headers['cache-control']).toBe('no-cache');
      const again = await stack().request(`/${name}`, { headers: { 'if-none-match': answer.headers.etag ?? '' } });
      expect(again.status).toBe(304);
    },
  );

  it('answer to ranges, and refuse one outside of the file without sending it', async () => {
    const part = await stack().request('/index.html', { headers: { range: 'bytes=0-6' } });
    expect(part.status).toBe(206);
    expect(part.body).toBe('<title>');
    const outside = await stack().request('/index.html', { headers: { range: 'bytes=999-' } });
    expect(outside.status).toBe(400);
    expect(outside.json()).toMatchObject({ code: 'bad_request' });
  });

  it.each(['/.secret', '/%2e%2e/outside.txt', '/..%2foutside.txt', '/../outside.txt', '/%00', '/%zz'])(
    'end at the folder: %s',
    async (path) => {
      const answer = await rawRequest(stack().url, `GET ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
      expect(answer).toMatch(/^HTTP\/1\.1 (?:400|403|404) /);
      expect(answer).not.toContain('outside');
      expect(answer).not.toContain('\r\nno');
    },
  );

  it('leave the routes of the API alone', async () => {
    expect((await stack().request('/api/x')).status).toBe(401);
  });

  it('have an index page for every address that a user goes to', async () => {
    const answer = await stack().request('/orders/42?tab=2', { headers: navigationHeaders });
    expect(answer.status).toBe(200);
    expect(answer.body).toBe(files['index.html']);
    expect(answer.headers['cache-control']).toBe('no-cache');
    expect(answer.headers['content-security-policy']).toContain("default-src 'self'");
  });

  it('have none for what is fetched or posted: 404', async () => {
    for (const options of [{ headers: fetchHeaders }, { method: 'POST', headers: navigationHeaders }, {}]) {
      const answer = await stack().request('/orders/42', options);
      expect(answer.status).toBe(404);
      if (mount === 'command') {
        expect(answer.headers['content-type']).toContain('application/problem+json');
        expect(answer.json()).toMatchObject({ code: 'not_found' });
        expect(answer.headers['cache-control']).toBe('no-store');
        expect(answer.headers['x-content-type-options']).toBe('nosniff');
      } else expect(answer.body).toBe('the app');
    }
  });

  it('are not changed by a post', async () => {
    expect((await stack().request('/index.html', { method: 'POST' })).status).toBe(404);
  });
});

onEveryMount('files that cannot be read', { proxy: { staticDir: join(parent, 'broken') } }, (stack) => {
  it('are a 500 of ours, with a line in the log', async () => {
    const answer = await stack().request('/loop.txt');
    expect(answer.status).toBe(500);
    expect(answer.json()).toMatchObject({ code: 'internal_error' });
    expect(answer.headers['x-content-type-options']).toBe('nosniff');
    expect(answer.body).not.toContain(parent);
    expect(await logged(stack(), 'a request failed in here')).toBe(1);
  });
});

onEveryMount(
  'an index page that cannot be read',
  { proxy: { staticDir: join(parent, 'broken') } },
  (stack) => {
    it('is a 500 of the command too', async () => {
      const answer = await stack().request('/orders', { headers: navigationHeaders });
      expect(answer.json()).toMatchObject({ code: 'internal_error', status: 500 });
      expect(answer.headers['x-content-type-options']).toBe('nosniff');
      expect(await logged(stack(), 'the index page could not be sent')).toBe(1);
    });
  },
  { forms: ['command'] },
);

onEveryMount('a folder without an index page', { proxy: { staticDir: join(parent, 'empty') } }, (stack, mount) => {
  it('is 404 for navigations, not an error of ours', async () => {
    const answer = await stack().request('/orders', { headers: navigationHeaders });
    expect(answer.status).toBe(404);
    if (mount === 'command') expect(answer.json()).toMatchObject({ code: 'not_found' });
    else expect(answer.body).toBe('the app');
  });
});

onEveryMount('no folder', {}, (stack) => {
  it('is 404 for navigations', async () => {
    expect((await stack().request('/', { headers: navigationHeaders })).status).toBe(404);
  });
});
