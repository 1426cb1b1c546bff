import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Route } from '../src/config.js';
import { createRouter, hasOneLeadingSlash, isSafePath } from '../src/target.js';

describe('the first character of a target', () => {
  it.each(['/', '/api', '/?x', '/%2f'])('%s starts with exactly one slash', (url) => {
    expect(hasOneLeadingSlash(url)).toBe(true);
  });

  it.each(['', '*', 'api', '//', '//evil.example/api', 'http://evil.example/api', 'evil.example:443'])(
    '"%s" does not',
    (url) => {
      expect(hasOneLeadingSlash(url)).toBe(false);
    },
  );
});

describe('a path is safe', () => {
  it.each([
    '/',
    '/api',
    '/api/',
    '/api//double',
    "/api/a-b_c.d~e!$&'()*+,=:@",
    '/api/v1.2/..x/x../...',
    '/api/100%25',
    '/api/100%2525%20off',
    '/api/caf%C3%A9/%E2%82%AC/%f0%9f%98%80',
    '/api/item;v=1;w=2/x',
    '/api/.hidden;x',
    '/api/%20a%22b',
    '/api?next=..%2f..%2fetc&x=\\&y=%zz&z=%00',
    '/api/x?/../y',
  ])('%s', (url) => {
    expect(isSafePath(url)).toBe(true);
  });

  it('with UTF-8 that was sent without escapes', () => {
    expect(isSafePath(`/api/${Buffer.from('café', 'utf8').toString('latin1')}`)).toBe(true);
  });
});

describe('a path is refused', () => {
  it.each([
    ['an escaped slash', '/api/a%2fb'],
    ['an escaped slash in upper case', '/api/a%2Fb'],
    ['an escaped backslash', '/api/a%5cb'],
    ['a backslash', '/api/a\\b'],
    ['an escaped NUL', '/api/a%00'],
    ['an escaped line break', '/api/a%0d%0ab'],
    ['an escaped tab in a dot segment', '/api/.%09./x'],
    ['an escaped DEL', '/api/a%7Fb'],
    ['a control character, escaped twice', '/api/a%2501b'],
    ['a tab', '/api/a\tb'],
    ['a line feed', '/api/a\nb'],
    ['DEL', '/api/a\x7fb'],
    ['a space', '/api/a b'],
    ['a character that Node cannot send', '/api/€'],
    ['an escape of other letters', '/api/%zz'],
    ['an escape cut short', '/api/%2'],
    ['a lone percent sign', '/api/100%'],
    ['an overlong slash', '/api/%c0%af'],
    ['an overlong dot', '/api/%c0%ae%c0%ae/x'],
    ['a lone continuation byte', '/api/%80'],
    ['an escaped surrogate', '/api/%ed%a0%80'],
    ['raw bytes that are not UTF-8', '/api/\xc0\xaf'],
    ['a dot segment', '/api/./x'],
    ['a parent segment', '/api/../admin'],
    ['a parent segment at the end', '/api/..'],
    ['a parent segment before the query', '/api/..?x'],
    ['an escaped parent segment', '/api/%2e%2e/admin'],
    ['a half escaped parent segment', '/api/.%2E/admin'],
    ['a parent segment escaped twice', '/api/%252e%252e/admin'],
    ['a parent segment escaped three times', '/api/%25252e%25252e'],
    ['a slash escaped twice', '/api/a%252fb'],
    ['a backslash escaped twice', '/api/a%255Cb'],
    ['a NUL escaped twice', '/api/a%2500'],
    ['a parent segment with a parameter', '/api/..;x=1/admin'],
    ['a parent segment with an empty parameter', '/api/..;/admin'],
    ['a dot segment with a parameter', '/api/.;x'],
    ['a parameter that shows when decoded', '/api/..%3bx/admin'],
    ['a parameter that shows when decoded twice', '/api/%2e%2e%253bx/admin'],
    ['a slash hidden in a parameter', '/api/a;b%252f..'],
    ['a dot made of escaped digits, twice', '/api/%25%32%35%32%65'],
    ['an escape made of escaped digits', '/api/%25%32%65%25%32%65'],
    ['a slash behind a broken escape of the second step', '/api/%25zz%252f'],
    ['a parent segment beside one that needs a step more', '/api/%2525252541/%252e%252e'],
    ['a parent segment before a fragment', '/api/..#x'],
    ['a parent segment behind a fragment', '/api/x#/../admin'],
    ['a parent segment before an escaped query', '/api/..%3fx'],
    ['more than eight layers of encoding', `/api/%${'25'.repeat(9)}41`],
  ])('for %s: %j', (_, url) => {
    expect(isSafePath(url)).toBe(false);
  });

  it('only from the ninth layer of encoding on', () => {
    expect(isSafePath(`/api/%${'25'.repeat(7)}41`)).toBe(true);
    expect(isSafePath(`/api/%${'25'.repeat(8)}41`)).toBe(false);
  });

  it('though a broken escape of a later step stands beside harmless text', () => {
    expect(isSafePath('/api/%25zz')).toBe(true);
    expect(isSafePath('/api/%25zz%252e%252e')).toBe(true);
    expect(isSafePath('/api/%25zz/%252e%252e')).toBe(false);
  });
});

/** Any upstream: decodes as often as it likes, all at once or only what it can, and may cut parameters. */
function readings(path: string): string[] {
  const seen = new Set<string>();
  const queue = [path];
  for (let next = queue.pop(); next !== undefined && seen.size < 200; next = queue.pop()) {
    if (seen.has(next)) continue;
    seen.add(next);
    queue.push(next.replace(/;[^/]*/g, ''), next.replace(/%[0-7][\da-f]/gi, decodeURIComponent));
    try {
      queue.push(decodeURIComponent(next));
    } catch {
      // A strict upstream stops here.
    }
  }
  return [...seen];
}

const piece = fc.constantFrom(
  '/',
  '.',
  '..',
  '%',
  '25',
  '2e',
  '2f',
  '%2e',
  '%25',
  '%252e',
  ';',
  '%3b',
  '5c',
  'a',
  '00',
);
const hostilePath = fc.array(piece, { maxLength: 14 }).map((pieces) => `/api/${pieces.join('')}`);

describe('for hostile paths', () => {
  it('no reading of a safe path leaves its prefix', () => {
    fc.assert(
      fc.property(hostilePath, (path) => {
        fc.pre(isSafePath(path));
        const slashes = path.split('/').length;
        for (const reading of readings(path)) {
          const segments = reading.split('/');
          expect(segments).not.toContain('.');
          expect(segments).not.toContain('..');
          expect(segments.length).toBeLessThanOrEqual(slashes);
          expect(reading).not.toMatch(/[\\\0]/);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it.each([
    ['escapes', '%25'],
    ['dots', '.'],
    ['slashes', '/'],
    ['dot-like segments', '/..a'],
    ['parameters', ';a'],
    ['two-step escapes', '/%2541'],
    ['bytes', '\xc3\xa4'],
  ])('160 KB of %s (ten times what Node lets in) are judged in linear time', (_, unit) => {
    const url = `/${unit.repeat(163_840 / unit.length)}%41^`;
    const started = performance.now();
    isSafePath(url);
    createRouter([
      { path: '/', target: 'http://a', access: 'public' },
      { path: '/b', target: 'http://a', access: 'session' },
    ])(url);
    // Some 20 ms; quadratic work takes a minute.
    expect(performance.now() - started).toBeLessThan(2000);
  });
});

const session = (path: string): Route => ({ path, target: 'http://upstream', access: 'session' });
const open = (path: string): Route => ({ path, target: 'http://upstream', access: 'public' });

describe('the router', () => {
  it.each([
    ['/api', '/api'],
    ['/api/', '/api'],
    ['/api/x', '/api'],
    ['/api?x', '/api'],
    ['/api#x', '/api'],
    ['/api/v2', '/api/v2'],
    ['/api/v2/x?y', '/api/v2'],
    ['/api/v22', '/api'],
    ['/apixyz', undefined],
    ['/API', undefined],
    ['/', undefined],
    ['/ap', undefined],
    ['/x/api', undefined],
  ])('gives %s to %s', (url, path) => {
    const route = createRouter([session('/api'), session('/api/v2')]);
    expect(route(url)?.path).toBe(path);
  });

  it('prefers the longest prefix in whatever order they were given', () => {
    const routes = [session('/'), session('/a/b'), session('/a')];
    for (const order of [routes, routes.toReversed()]) {
      const route = createRouter(order);
      expect(route('/a/b/c')?.path).toBe('/a/b');
      expect(route('/a/c')?.path).toBe('/a');
      expect(route('/c')?.path).toBe('/');
    }
  });

  it('gives everything to /', () => {
    const route = createRouter([open('/')]);
    for (const url of ['/', '/x', '/?x', '/x/y#z']) expect(route(url)?.path).toBe('/');
  });

  it('knows nothing without routes', () => {
    expect(createRouter([])('/api')).toBeUndefined();
  });
});

describe('a session route below a public one', () => {
  const route = createRouter([open('/files'), session('/files/private'), open('/files/private/logo')]);

  it.each([
    '/files/private',
    '/files/private/x',
    '/files/%70rivate/x',
    '/files/%2570rivate/x',
    '/files/private;x=1/y',
    '/files/private%3bx=1/y',
    '/files/private%3Fx/y',
    '/files//private',
    '/files///private/x?y',
    '/files/PRIVATE/x',
    '/files/%50rivat%65',
    '/files/;a=b/private',
    '/files/%3b/private/',
  ])('is not reachable without a session as %s', (url) => {
    expect(route(url)).toEqual(session('/files/private'));
  });

  it.each(['/files', '/files/x', '/files/privateer', '/files/x/private', '/files?/private', '/files/100%25'])(
    'leaves %s public',
    (url) => {
      expect(route(url)).toEqual(open('/files'));
    },
  );

  it('may have a public one below it in turn', () => {
    expect(route('/files/private/logo/a.svg')).toEqual(open('/files/private/logo'));
  });

  it('is guarded under / too, with letters beyond ASCII, however they are spelled', () => {
    const guarded = createRouter([open('/'), session('/caf%C3%A9')]);
    const latin1 = Buffer.from('/café/x', 'utf8').toString('latin1');
    for (const url of ['/caf%C3%A9/x', '/caf%c3%a9', '/CAF%C3%89/x', '//caf%C3%A9', latin1]) {
      expect(guarded(url)?.access, url).toBe('session');
    }
    expect(guarded('/cafe')?.access).toBe('public');
  });

  it('is found by the longest of several', () => {
    const nested = createRouter([open('/'), session('/a'), session('/a/b')]);
    expect(nested('/%61/b/c')?.path).toBe('/a/b');
    expect(nested('/%61/c')?.path).toBe('/a');
  });

  it('is not reachable by any spelling of its path', () => {
    const spelled = fc
      .tuple(
        ...Array.from('private', (char) =>
          fc.constantFrom(char, char.toUpperCase(), escaped(char), escaped(escaped(char))),
        ),
      )
      .map((chars) => chars.join(''));
    const tail = fc.constantFrom('', '/', '/x', ';x', ';x=1/y', '?x');
    const gap = fc.constantFrom('/', '//', '/;p/', '///');
    fc.assert(
      fc.property(gap, spelled, tail, (slashes, name, rest) => {
        expect(route(`/files${slashes}${name}${rest}`)?.access).toBe('session');
      }),
    );
  });
});

function escaped(text: string): string {
  return Array.from(Buffer.from(text), (byte) => `%${byte.toString(16)}`).join('');
}
