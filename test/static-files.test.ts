// The single-page app's own files, without a session, and its index page for navigations.

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { fetchHeaders, navigationHeaders, rawRequest, request } from './support/http.js';
import { logged, onEveryMount } from './support/mounted.js';
import { startNginx, type Nginx } from './support/nginx.js';
import { describeWith } from './support/programs.js';

const parent = mkdtempSync(join(tmpdir(), 'am-session-proxy-'));
const folder = join(parent, 'site');
/** By build tools: a hash of the content is in the name. */
const hashed = [
  'main.3f2a1b9c.js', // webpack
  'static/js/main.3f2a1b9c.chunk.js',
  'static/css/3f2a1b9c4d5e6f708192.css',
  'static/media/logo.6ce24c58023cc2f8fd88fe9d219db6c6.svg',
  'vendor.3f2a1b9c.min.js',
  'main.3f2a1b9c.js.map',
  'polyfills-es2015.3f2a1b9c4d5e6f708192.js', // Angular
  'polyfills-FFHMD2TL.js',
  'chunk-HXQZWYPL.js', // esbuild
  'assets/chunk-5FQ2W7XK.css',
  'media/logo-5FQ2W7XK.png',
  'assets/index-DiwrgT4a.js', // Vite, Rollup
  'assets/index-BwOPSdeb.js',
  'assets/index-BZpYJZ-P.css',
  'assets/index-C_gcIYdA.js',
  'assets/index.B_TqY17P.css',
  'assets/snapshot.-ChLTbql.js',
  'assets/inter-latin-400-normal-CNwBRw8h.woff2',
  '_next/static/chunks/main-app-3f2a1b9c4d5e6f70.js', // Next.js
  '_next/static/dkE3Tq0wYx8/_buildManifest.js',
];
/** By people. */
const named = [
  'app-settings.json',
  'jquery-3.7.1.min.js',
  'jquery-validate2.js',
  'bootstrap.bundle.min.js',
  'my-component.js',
  'user-userData.js',
  'how-to-do-it.js',
  'logo-2x.png',
  'logo-Retina2x.png',
  'hero-iPhone15.png',
  'icon-Dark512x512.png',
  'photo-DSCN2345.jpg',
  'guide-Option-A.pdf',
  'readme-TEMPLATE.md',
  'fonts-BoldItalic.ttf',
  'report-20241231.js',
  'report-20240101.pdf',
  'report-20240101a.pdf',
  'annual-Report2024.pdf',
  'report-12345678.pdf',
  'main.js',
  'sw.js',
];
const files: Record<string, string> = {
  ...Object.fromEntries([...hashed, ...named].map((name) => [name, name])),
  'index.html': '<title>the page</title>',
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

  it.each(hashed)('are kept for ever by browsers when their name has a hash: %s', async (name) => {
    const answer = await stack().request(`/${name}`);
    expect(answer.headers['cache-control']).toBe('public, max-age=31536000, immutable');
  });

  it.each([...named, 'page-3f2a1b9c.html'])('are looked at anew each time when it is just a name: %s', async (name) => {
    const answer = await stack().request(`/${name}`);
    expect(answer.headers['cache-control']).toBe('no-cache');
    const again = await stack().request(`/${name}`, { headers: { 'if-none-match': answer.headers.etag ?? '' } });
    expect(again.status).toBe(304);
  });

  it('are not kept as pages by browsers that may be signed in: their back button would show all that they had shown', async () => {
    for (const [path, headers] of [
      ['/', {}],
      ['/index.html', {}],
      ['/page-3f2a1b9c.html', {}],
      ['/orders/42', navigationHeaders],
    ] as const) {
      const page = await stack().request(path, { headers: { ...headers, cookie: 'any=1' } });
      expect(page.headers['cache-control']).toBe('no-cache, no-store');
    }
    const script = await stack().request('/main.3f2a1b9c.js', { headers: { cookie: 'any=1' } });
    expect(script.headers['cache-control']).toBe('public, max-age=31536000, immutable');
  });

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
    const again = { ...navigationHeaders, 'if-none-match': answer.headers.etag };
    expect((await stack().request('/orders/42?tab=2', { headers: again })).status).toBe(304);
  });

  it.each([
    { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'script', accept: '*/*' },
    { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'script', accept: '*/*' },
    // plain http
    { accept: '*/*' },
    { accept: 'image/avif,image/webp,*/*;q=0.8' },
  ])('have none for a script of an old build that is gone: 404 to %j', async (headers) => {
    for (const path of ['/assets/index-DiwrgT4b.js', '/assets/gone.js']) {
      const answer = await stack().request(path, { headers });
      expect(answer.status).toBe(404);
      expect(answer.headers['content-type']).not.toContain('text/html');
      expect(answer.headers['cache-control'] ?? '').not.toContain('immutable');
    }
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

describeWith(['nginx'], 'static files behind an nginx that compresses', () => {
  onEveryMount(
    'in front',
    { proxy: { staticDir: folder } },
    (stack) => {
      let nginx: Nginx;
      beforeAll(async () => {
        const gzip = 'gzip on; gzip_vary on; gzip_min_length 0; gzip_types text/javascript text/css application/json;';
        nginx = await startNginx(`${gzip} location / { proxy_pass ${stack().url}; proxy_http_version 1.1; }`);
      });
      afterAll(() => nginx.close());

      it.each(['/index.html', '/main.js', '/main.3f2a1b9c.js', '/assets/chunk-5FQ2W7XK.css', '/app-settings.json'])(
        'are compressed, and known again by their validator: %s',
        async (path) => {
          const headers = { 'accept-encoding': 'gzip' };
          const answer = await fetch(nginx.url + path, { headers });
          expect(answer.headers.get('content-encoding')).toBe('gzip');
          expect(answer.headers.get('vary')).toContain('Accept-Encoding');
          expect(await answer.text()).toBe(files[path.slice(1)]);
          // a strong one would be of the other bytes
          const etag = answer.headers.get('etag') ?? '';
          expect(etag).toMatch(/^W\//);
          const plain = await request(stack().url, path);
          expect(plain.headers.etag).toBe(etag);
          expect(plain.headers['cache-control']).toBe(answer.headers.get('cache-control'));
          expect(plain.headers['cache-control']).not.toContain('no-transform');
          const again = await request(nginx.url, path, { headers: { ...headers, 'if-none-match': etag } });
          expect(again).toMatchObject({ status: 304, body: '' });
        },
      );
    },
    { forms: ['wrap'] },
  );
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
