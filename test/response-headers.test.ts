import { createServer, get, type IncomingMessage } from 'node:http';
import { createServer as createTcpServer, type Server } from 'node:net';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Route } from '../src/config.js';
import { createResponseHeaders } from '../src/proxy/response-headers.js';

const SECURITY_HEADERS = new Map([
  ['content-security-policy', "default-src 'self'"],
  ['x-frame-options', 'SAMEORIGIN'],
  ['x-content-type-options', 'nosniff'],
  ['referrer-policy', 'same-origin'],
]);

interface Setting {
  access?: Route['access'];
  target?: string;
  origin?: string;
  /** Of the request. */
  headers?: Record<string, string>;
  trustedOrigins?: string[];
  securityHeaders?: Map<string, string>;
}

type Line = readonly [name: string, value: string];

/** The lines that a browser gets for the lines that an upstream sends. */
function answer(lines: readonly Line[], setting: Setting = {}): Line[] {
  const build = createResponseHeaders({
    route: { path: '/api', target: setting.target ?? 'http://upstream:4000', access: setting.access ?? 'session' },
    trustedOrigins: setting.trustedOrigins ?? ['https://forms.example'],
    securityHeaders: setting.securityHeaders ?? SECURITY_HEADERS,
    cookieNames: () => new Set(['iPlanetDirectoryPro', 'oldName']),
  });
  const list = build(
    { rawHeaders: lines.flat() },
    { headers: { ...setting.headers, ...(setting.origin !== undefined && { origin: setting.origin }) }, socket: {} },
    'r-1',
  );
  expect(list.length % 2).toBe(0);
  return list.flatMap((name, i): Line[] => (i % 2 === 0 ? [[name, list[i + 1] ?? '']] : []));
}

function valuesOf(name: string, lines: readonly Line[]): string[] {
  return lines.filter(([header]) => header.toLowerCase() === name).map(([, value]) => value);
}

describe('every answer', () => {
  it('keeps what the upstream says, line by line, and gets our own headers', () => {
    const lines: Line[] = [
      ['Content-Type', 'text/html'],
      ['Link', '</a>; rel=preload'],
      ['Vary', 'Accept'],
      ['Link', '</b>; rel=preload'],
      ['Vary', 'Accept-Encoding'],
      ['ETag', '"x"'],
    ];
    expect(answer([['Content-Length', '5'], ...lines])).toEqual([
      ...lines,
      ['cache-control', 'private, no-cache'],
      ['vary', 'Cookie'],
      ['x-frame-options', 'SAMEORIGIN'],
      ['x-request-id', 'r-1'],
      ['content-security-policy', "default-src 'self'"],
      ['x-content-type-options', 'nosniff'],
      ['referrer-policy', 'same-origin'],
      // where Node knows it earlier, it re-encodes names of files
      ['content-length', '5'],
    ]);
  });

  it.each([
    'Connection',
    'Keep-Alive',
    'Proxy-Authenticate',
    'Proxy-Connection',
    'TE',
    'Trailer',
    'Transfer-Encoding',
    'Upgrade',
    'X-Powered-By',
    'x-powered-by',
    'Clear-Site-Data',
    'X-Request-Id',
    'Alt-Svc',
    'NEL',
    'Service-Worker-Allowed',
  ])("loses the upstream's %s", (name) => {
    expect(answer([[name, 'theirs']]).flat()).not.toContain('theirs');
  });

  it('loses what the upstream names in Connection, but never what frames it', () => {
    const lines = answer([
      ['Connection', 'close, X-Hop, Content-Length, Set-Cookie, Cache-Control'],
      ['X-Hop', '1'],
      ['Content-Length', '5'],
      ['Set-Cookie', 'a=1'],
      ['Cache-Control', 'no-store'],
    ]);
    expect(valuesOf('x-hop', lines)).toEqual([]);
    expect(valuesOf('content-length', lines)).toEqual(['5']);
    expect(valuesOf('set-cookie', lines)).toEqual(['a=1']);
    expect(valuesOf('cache-control', lines)).toEqual(['no-store']);
  });

  it('keeps our headers even if the upstream names them in Connection', () => {
    const lines = answer([['Connection', 'x-content-type-options, content-security-policy, x-request-id']]);
    expect(valuesOf('x-content-type-options', lines)).toEqual(['nosniff']);
    expect(valuesOf('content-security-policy', lines)).toEqual(["default-src 'self'"]);
    expect(valuesOf('x-request-id', lines)).toEqual(['r-1']);
  });
});

describe('cookies of an upstream', () => {
  it('arrive one by one, but for the SSO cookie under any of its names', () => {
    const lines = answer([
      ['Set-Cookie', 'a=1; Path=/'],
      ['Set-Cookie', 'iPlanetDirectoryPro=T'],
      ['set-cookie', 'oldName=; Max-Age=0'],
      ['Set-Cookie', '=iPlanetDirectoryPro=T'],
      ['Set-Cookie', ' iPlanetDirectoryPro =T'],
      ['Set-Cookie', 'b=2; Expires=Thu, 01 Jan 2099 00:00:00 GMT'],
    ]);
    expect(valuesOf('set-cookie', lines)).toEqual(['a=1; Path=/', 'b=2; Expires=Thu, 01 Jan 2099 00:00:00 GMT']);
  });
});

describe('security headers', () => {
  it("the upstream's policy goes beside ours", () => {
    const lines = answer([['Content-Security-Policy', "frame-ancestors 'none'"]]);
    expect(valuesOf('content-security-policy', lines)).toEqual(["frame-ancestors 'none'", "default-src 'self'"]);
  });

  it('our other headers win', () => {
    const lines = answer([
      ['X-Content-Type-Options', 'off'],
      ['Referrer-Policy', 'unsafe-url'],
      ['Referrer-Policy', 'origin'],
    ]);
    expect(valuesOf('x-content-type-options', lines)).toEqual(['nosniff']);
    expect(valuesOf('referrer-policy', lines)).toEqual(['same-origin']);
  });

  it.each([
    [['DENY'], ['DENY']],
    [['deny '], ['DENY']],
    [['SAMEORIGIN', 'DENY'], ['DENY']],
    [['SAMEORIGIN, DENY'], ['DENY']],
    [['ALLOWALL'], ['SAMEORIGIN']],
    [['DENYING'], ['SAMEORIGIN']],
    [[], ['SAMEORIGIN']],
  ])('of X-Frame-Options %j there comes %j', (theirs, expected) => {
    const lines = answer(theirs.map((value): Line => ['X-Frame-Options', value]));
    expect(valuesOf('x-frame-options', lines)).toEqual(expected);
  });

  it('a denial of frames counts though Connection names it', () => {
    const lines = answer([
      ['Connection', 'X-Frame-Options'],
      ['X-Frame-Options', 'DENY'],
    ]);
    expect(valuesOf('x-frame-options', lines)).toEqual(['DENY']);
  });

  it("those that we do not send are the upstream's to send", () => {
    const lines = answer(
      [
        ['X-Frame-Options', 'SAMEORIGIN'],
        ['Strict-Transport-Security', 'max-age=1'],
      ],
      { securityHeaders: new Map() },
    );
    expect(valuesOf('x-frame-options', lines)).toEqual(['SAMEORIGIN']);
    expect(valuesOf('strict-transport-security', lines)).toEqual(['max-age=1']);
    expect(valuesOf('content-security-policy', lines)).toEqual([]);
  });
});

describe('Access-Control headers', () => {
  const cors: Line[] = [
    ['Access-Control-Allow-Origin', 'https://forms.example'],
    ['access-control-allow-credentials', 'true'],
    ['Access-Control-Expose-Headers', 'x'],
  ];
  const corsOf = (lines: readonly Line[]) => lines.filter(([name]) => /^access-control-/i.test(name));

  it.each(['https://evil.example', 'null', 'http://forms.example', undefined])('do not reach Origin %s', (origin) => {
    expect(corsOf(answer(cors, origin === undefined ? {} : { origin }))).toEqual([]);
    expect(corsOf(answer(cors, { access: 'public', ...(origin !== undefined && { origin }) }))).toEqual([]);
  });

  it('reach a trusted one', () => {
    expect(corsOf(answer(cors, { origin: 'https://forms.example' }))).toEqual(cors);
    expect(corsOf(answer(cors, { origin: 'https://FORMS.example' }))).toEqual(cors);
  });

  it('make the answer depend on Origin, where any is trusted', () => {
    const vary = (lines: readonly Line[], setting?: Setting) =>
      valuesOf('vary', answer(lines, { access: 'public', ...setting }));
    expect(vary([...cors, ['Vary', 'Accept']])).toEqual(['Accept', 'Origin']);
    expect(vary(cors, { trustedOrigins: [] })).toEqual([]);
    expect(vary([])).toEqual([]);
  });
});

const cacheControl = (...theirs: string[]) =>
  valuesOf('cache-control', answer(theirs.map((value): Line => ['Cache-Control', value])));

describe('Cache-Control on a route that needs a session', () => {
  it.each([
    [[], 'private, no-cache'],
    [[''], 'private, no-cache'],
    [[' , '], 'private, no-cache'],
    [['public'], 'private'],
    [['public, max-age=60'], 'private, max-age=60'],
    [['Public, S-MaxAge=60, max-age=5'], 'private, max-age=5'],
    [['s-maxage = 60'], 'private'],
    [['max-age=60'], 'private, max-age=60'],
    [['max-age=60', 'public'], 'private, max-age=60'],
    [['public', 's-maxage=9', 'immutable'], 'private, immutable'],
    [['private'], 'private'],
    [['max-age=0, private, must-revalidate'], 'max-age=0, private, must-revalidate'],
    [['PRIVATE, max-age=1'], 'PRIVATE, max-age=1'],
    [['private="set-cookie"'], 'private'],
    [['private="a, public", max-age=60'], 'private, max-age=60'],
    [['private, private="x", s-maxage=1'], 'private'],
    [['no-cache="a, private"'], 'private, no-cache="a, private"'],
    [['x="a, no-store"'], 'private, x="a, no-store"'],
    [['x="a\\", private, \\"b"'], 'private, x="a\\", private, \\"b"'],
    [['x="private'], 'private, no-cache'],
    [['no-store, x="'], 'private, no-cache'],
    [['no-store=foo'], 'private, no-store=foo'],
    [[`"${'\\"'.repeat(8_000)}`], 'private, no-cache'],
    [['no-store'], 'no-store'],
    [['No-Store, no-cache'], 'No-Store, no-cache'],
    [['no-cache', 'no-store'], 'no-cache, no-store'],
    [['public, no-store'], 'private, no-store'],
    [['no-store, must-understand, max-age=60'], 'private, no-store, must-understand, max-age=60'],
    [['publicity, s-maxager=1'], 'private, publicity, s-maxager=1'],
  ])('%j becomes %s', (theirs, expected) => {
    expect(cacheControl(...theirs)).toEqual([expected]);
  });

  it.each([
    'Surrogate-Control',
    'X-Accel-Expires',
    'CDN-Cache-Control',
    'Cloudflare-CDN-Cache-Control',
    'Vercel-CDN-Cache-Control',
    'Edge-Control',
  ])('goes without %s, which shared caches obey first', (name) => {
    expect(valuesOf(name.toLowerCase(), answer([[name, 'max-age=60']]))).toEqual([]);
  });

  it('never lets a shared cache store the answer', () => {
    const directive = fc.constantFrom(
      'public',
      'private',
      'private="a"',
      's-maxage=9',
      'no-store',
      'must-understand',
      'x="public, s-maxage=1"',
      '"',
      'max-age=1',
      '',
    );
    fc.assert(
      fc.property(fc.array(directive), (directives) => {
        const [value = ''] = cacheControl(directives.join(','));
        const names = (value.match(/(?:[^,"]|"[^"]*")+/g) ?? []).map((part) => part.trim().toLowerCase());
        expect(names).not.toContain('public');
        expect(names.filter((name) => name.startsWith('s-maxage'))).toEqual([]);
        const isNeverStored = names.includes('no-store') && !names.includes('must-understand');
        expect(isNeverStored || names.includes('private')).toBe(true);
      }),
    );
  });
});

it("an answer that needed a session is none for another cookie, beside the upstream's own Vary", () => {
  expect(valuesOf('vary', answer([['Cache-Control', 'max-age=60']]))).toEqual(['Cookie']);
  expect(valuesOf('vary', answer([['Vary', 'Accept']]))).toEqual(['Accept', 'Cookie']);
});

describe('a page on a route that needs a session', () => {
  const pageCacheControl = (value: string, headers: Record<string, string>) =>
    valuesOf('cache-control', answer(value === '' ? [] : [['Cache-Control', value]], { headers }));
  const navigation = { 'sec-fetch-mode': 'navigate' };

  it.each([
    ['', 'private, no-cache, no-store'],
    ['public, max-age=60', 'private, max-age=60, no-store'],
    ['private, max-age=60', 'private, max-age=60, no-store'],
    ['x="no-store"', 'private, x="no-store", no-store'],
    ['no-store', 'no-store'],
    ['public, no-store', 'private, no-store'],
  ])('with %j becomes %s: nothing for the back button', (theirs, expected) => {
    expect(pageCacheControl(theirs, navigation)).toEqual([expected]);
  });

  it.each([{ accept: 'text/html,*/*;q=0.8' }, { accept: 'application/xhtml+xml,Text/HTML' }])(
    'is known without fetch metadata by %j',
    (headers) => {
      expect(pageCacheControl('', headers)).toEqual(['private, no-cache, no-store']);
    },
  );

  it.each([
    { accept: '*/*' },
    { accept: 'application/json' },
    { 'sec-fetch-mode': 'cors', accept: 'text/html' },
    { 'sec-fetch-mode': 'no-cors' },
  ])('is not what was asked for with %j', (headers) => {
    expect(pageCacheControl('', headers)).toEqual(['private, no-cache']);
  });
});

it('a public route keeps its caching, pages too', () => {
  const lines: Line[] = [
    ['Cache-Control', 'public, s-maxage=60'],
    ['Cache-Control', 'immutable'],
    ['CDN-Cache-Control', 'max-age=60'],
    ['Surrogate-Control', 'max-age=60'],
  ];
  const got = answer(lines, { access: 'public', headers: { 'sec-fetch-mode': 'navigate' } });
  expect(got.slice(0, lines.length)).toEqual(lines);
  expect(valuesOf('cache-control', answer([], { access: 'public' }))).toEqual([]);
});

const mapped = (location: string, target: string) =>
  valuesOf('location', answer([['Location', location]], { target }))[0];

describe('Location', () => {
  it.each([
    ['http://upstream:4000/api/x?y=1#z', 'http://upstream:4000', '/api/x?y=1#z'],
    ['http://upstream:4000', 'http://upstream:4000', '/'],
    ['HTTP://UPSTREAM:4000/api', 'http://upstream:4000', '/api'],
    ['http://upstream/api', 'http://upstream:80', '/api'],
    ['//upstream:4000/api', 'http://upstream:4000', '/api'],
    ['http://upstream:4000/base/api/x', 'http://upstream:4000/base', '/api/x'],
    ['http://upstream:4000/base', 'http://upstream:4000/base', '/'],
    ['http://upstream:4000/base?x', 'http://upstream:4000/base', '/?x'],
    ['http://[::1]:4000/api', 'http://[::1]:4000', '/api'],
    ['http://upstream:4000/caf\xc3\xa9', 'http://upstream:4000', '/caf%C3%A9'],
  ])('%s under %s is mapped back to %s', (location, target, expected) => {
    expect(mapped(location, target)).toBe(expected);
  });

  it.each([
    ['/login', 'http://upstream:4000'],
    ['x/y', 'http://upstream:4000'],
    ['?page=2', 'http://upstream:4000'],
    ['https://login.example/x', 'http://upstream:4000'],
    ['https://upstream:4000/x', 'http://upstream:4000'],
    ['http://upstream:4001/x', 'http://upstream:4000'],
    ['http://upstream:4000.evil.example/x', 'http://upstream:4000'],
    ['http://upstream:4000@evil.example/x', 'http://upstream:4000'],
    ['http://upstream:4000/other', 'http://upstream:4000/base'],
    ['http://upstream:4000/basement', 'http://upstream:4000/base'],
    ['http://upstream:4000/base/../other', 'http://upstream:4000/base'],
    ['http://[nonsense', 'http://upstream:4000'],
    ['mailto:a@upstream:4000', 'http://upstream:4000'],
  ])('%s under %s stays as it is', (location, target) => {
    expect(mapped(location, target)).toBe(location);
  });

  it.each([
    'http://upstream:4000/base//evil.example',
    'http://upstream:4000/base///evil.example',
    'http://upstream:4000/base/\\evil.example',
    'http://upstream:4000/base\\\\evil.example',
    'http://upstream:4000/base/\t/evil.example',
    'http:\\\\upstream:4000\\base\\\\evil.example',
  ])('%j does not become an open redirect', (location) => {
    expect(mapped(location, 'http://upstream:4000/base')).toBe('/evil.example');
  });
});

/** Resolves to the port. */
async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not listening');
  return address.port;
}

it('what a browser gets over real sockets has every line in its own place', async () => {
  const upstream = createTcpServer((socket) => {
    socket.once('data', () =>
      socket.end(
        [
          'HTTP/1.1 200 OK',
          'Set-Cookie: a=1',
          'Set-Cookie: iPlanetDirectoryPro=T',
          'Set-Cookie: b=2',
          'Content-Security-Policy: img-src *',
          'Transfer-Encoding: chunked',
          'Connection: close, X-Hop',
          'X-Hop: 1',
          'X-Powered-By: them',
          'Vary: Accept',
          'Vary: Accept-Language',
          '',
          '5\r\nhello\r\n0\r\n\r\n',
        ].join('\r\n'),
      ),
    );
  });
  const build = createResponseHeaders({
    route: { path: '/', target: 'http://127.0.0.1', access: 'session' },
    trustedOrigins: [],
    securityHeaders: SECURITY_HEADERS,
    cookieNames: () => new Set(['iPlanetDirectoryPro']),
  });
  const upstreamPort = await listen(upstream);
  const proxy = createServer((req, res) => {
    get({ port: upstreamPort, host: '127.0.0.1', agent: false }, (head) => {
      res.writeHead(200, build(head, req, 'r-1'));
      head.pipe(res);
    });
  });
  const port = await listen(proxy);
  const got = await new Promise<IncomingMessage>((resolve, reject) => {
    get({ port, host: '127.0.0.1', agent: false }, resolve).on('error', reject);
  });
  let body = '';
  for await (const chunk of got.setEncoding('utf8')) body += String(chunk);
  await Promise.all([upstream, proxy].map((server) => new Promise((resolve) => server.close(resolve))));

  expect(body).toBe('hello');
  expect(got.headersDistinct).toMatchObject({
    'set-cookie': ['a=1', 'b=2'],
    'content-security-policy': ['img-src *', "default-src 'self'"],
    vary: ['Accept', 'Accept-Language', 'Cookie'],
    'cache-control': ['private, no-cache'],
    'x-request-id': ['r-1'],
  });
  expect(got.headers).not.toHaveProperty('x-hop');
  expect(got.headers).not.toHaveProperty('x-powered-by');
});
