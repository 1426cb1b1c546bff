import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  clearingCookies,
  clearingFromAm,
  domainsFor,
  isUsableToken,
  readCookieValues,
  readStickyCookie,
  setsCookie,
  stripCookies,
} from '../src/cookie.js';

const NAME = 'iPlanetDirectoryPro';
const NAMES = new Set([NAME, 'amlbcookie']);

const read = (header: string | undefined) => readCookieValues(header, 'SSO');
const strip = (header: string | undefined) => stripCookies(header, new Set(['SSO', 'amlbcookie']));

describe('reading the SSO cookie', () => {
  it.each([
    ['SSO=AQIC5w*AAJ.-_', ['AQIC5w*AAJ.-_']],
    ['a=1; SSO=x; b=2', ['x']],
    ['a=1;SSO=x', ['x']],
    ['a=1;\tSSO =\tx ', ['x']],
    ['; ;SSO=x;', ['x']],
    ['SSO="x"', ['x']],
    ['SSO=a+/=@#b==', ['a+/=@#b==']],
    ['SSO=AQIC%2AA', ['AQIC%2AA']],
    ['SSO=j:x', ['j:x']],
  ])('%s gives %j, byte for byte', (header, values) => {
    expect(read(header)).toEqual(values);
  });

  it.each([
    undefined,
    '',
    'SSO',
    'SSO=',
    'SSO=""',
    'SSO=LOGOUT',
    'SSO="LOGOUT"',
    'sso=x',
    'SSO2=x',
    'XSSO=x',
    'a=SSO=x',
    '=SSO=x',
    'SSO=a b',
    'SSO=a"b',
    'SSO="ab',
    'SSO=a,b',
    'SSO=a\\b',
    'SSO=a\x7f',
    'SSO=a\x00b',
    'SSO=caf\xe9',
    `SSO=${'x'.repeat(8193)}`,
  ])('%j holds none', (header) => {
    expect(read(header)).toEqual([]);
  });

  it('takes a token of 8,192 characters', () => {
    expect(read(`SSO=${'x'.repeat(8192)}`)[0]).toHaveLength(8192);
  });

  it('gives distinct values in their order, unusable ones not counted', () => {
    expect(read('SSO=a; SSO=LOGOUT; SSO=b; SSO=a; SSO=; SSO=c')).toEqual(['a', 'b', 'c']);
  });

  it('gives only what can stand in a header', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary-ascii' }), (value) => {
        for (const token of read(`SSO=${value}`))
          expect(token).toMatch(/^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]+$/);
      }),
    );
  });
});

describe('a usable token', () => {
  it('is visible ASCII without what ends a cookie', () => {
    for (let code = 0; code < 256; code++) {
      const char = String.fromCharCode(code);
      expect(isUsableToken(`a${char}b`), `character ${code}`).toBe(
        code > 0x20 && code < 0x7f && !'",;\\'.includes(char),
      );
    }
    expect(isUsableToken('')).toBe(false);
    expect(isUsableToken('LOGOUT')).toBe(false);
    expect(isUsableToken('x\n')).toBe(false);
  });
});

describe('reading amlbcookie', () => {
  it.each([
    ['amlbcookie=01', '01'],
    ['a=b; amlbcookie=am-1.dc_2; c=d', 'am-1.dc_2'],
    [`amlbcookie=${'x'.repeat(64)}`, 'x'.repeat(64)],
    [`amlbcookie=${'x'.repeat(65)}`, undefined],
    ['amlbcookie=', undefined],
    ['amlbcookie="01"', undefined],
    ['amlbcookie=0%0d%0a1', undefined],
    ['amlbcookie=a b', undefined],
    ['AMLBCOOKIE=01', undefined],
    ['a=b', undefined],
    [undefined, undefined],
  ])('%s gives %s', (header, value) => {
    expect(readStickyCookie(header)).toBe(value);
  });
});

describe('stripping cookies', () => {
  it.each([
    ['a=1; SSO=x; b=2', 'a=1; b=2'],
    ['SSO=x; a=1', 'a=1'],
    ['a=1;SSO=x', 'a=1'],
    ['a=1;SSO=x;b=2', 'a=1;b=2'],
    ['a=1;\tSSO\t=x; b=2', 'a=1; b=2'],
    ['a=b; ;SSO=x', 'a=b'],
    ['SSO=x; SSO=y; a=1; amlbcookie=01', 'a=1'],
    ['a=1; SSO', 'a=1'],
    ['a=1; =SSO=x', 'a=1'],
    ['a=1; = =SSO=x', 'a=1'],
    ['a=1; \xa0SSO\x85=x', 'a=1'],
    ['a="1; SSO=x; 2"', 'a="1; 2"'],
    ['a=1; b=2,SSO=x; c=3', 'a=1; c=3'],
    ['a=1; b=2, SSO = x', 'a=1'],
    ['SSO="x"', undefined],
    ['SSO=x', undefined],
    ['SSO=x; ', undefined],
    ['', undefined],
    [undefined, undefined],
  ])('%j becomes %j', (header, rest) => {
    expect(strip(header)).toBe(rest);
  });

  it.each([
    'a=1; b="q,w e"; c=%3B=; d=',
    'sso=x; SSO2=x; XSSO=x; a=SSO; b=SSO=x',
    'a=1;b=2;  c=3',
    'flavour=caf\xc3\xa9; a=\xc3\xa0',
  ])('%j stays as it is', (header) => {
    expect(strip(header)).toBe(header);
  });

  it('leaves the bytes of a value alone that end like white space', () => {
    expect(strip('SSO=x; a=\xc3\xa0')).toBe('a=\xc3\xa0');
  });

  const fragment = fc.constantFrom('SSO', '=', ';', ' ', ',', 'a', 'x', '"', '\t', '\xa0', 'amlbcookie', '$', 'sso');
  const header = fc.array(fragment, { maxLength: 20 }).map((parts) => parts.join(''));

  it('leaves none that a parser could find, be it strict, trimming or splitting at commas', () => {
    fc.assert(
      fc.property(header, (text) => {
        const rest = strip(text) ?? '';
        for (const separator of [/;/, /[;,]/]) {
          for (const pair of rest.split(separator)) {
            const [name = ''] = pair.trim().replace(/^=+/, '').split('=');
            expect(['SSO', 'amlbcookie']).not.toContain(name.trim());
          }
        }
        expect(readCookieValues(rest, 'SSO')).toEqual([]);
      }),
      { numRuns: 2000 },
    );
  });

  it('keeps every other cookie byte for byte', () => {
    const pair = fc.tuple(
      fc.constantFrom('a', 'b', 'SSO', 'sid'),
      fc.stringMatching(/^[\x21\x23-\x2b\x2d-\x3a<-[\]-~]{0,8}$/),
    );
    fc.assert(
      fc.property(fc.array(pair), (pairs) => {
        const others = pairs.filter(([name]) => name !== 'SSO');
        const text = (list: typeof pairs) => list.map(([name, value]) => `${name}=${value}`).join('; ');
        expect(strip(text(pairs)) ?? '').toBe(text(others));
      }),
    );
  });
});

describe('an upstream sets a protected cookie', () => {
  it.each([
    `${NAME}=x`,
    `${NAME}=x; Path=/; Domain=example.com`,
    `  ${NAME}  =x`,
    `\t${NAME}=x`,
    `${NAME}=`,
    `${NAME}=; Max-Age=0`,
    NAME,
    `${NAME}; Path=/`,
    `=${NAME}=x`,
    ` = ${NAME}=x; Path=/`,
    `=${NAME}`,
    `==${NAME}=x`,
    'amlbcookie=01',
    `a=b\x01; ${NAME}=x`,
    'a=b\r\nSet-Cookie: x=y',
  ])('by %j', (line) => {
    expect(setsCookie(line, NAMES)).toBe(true);
  });

  it.each([
    'sid=x',
    `sid=${NAME}`,
    `sid=${NAME}=x`,
    `sid=x; ${NAME}=y`,
    `${NAME}2=x`,
    `X${NAME}=x`,
    'iplanetdirectorypro=x',
    `"${NAME}"=x`,
    '',
    '=',
    '; a=b',
    'a\t=b',
  ])('but not by %j', (line) => {
    expect(setsCookie(line, NAMES)).toBe(false);
  });
});

describe('clearing cookies', () => {
  const BASE = 'Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; HttpOnly';

  it('clears each name host-only and for each domain', () => {
    const lines = clearingCookies({ names: ['SSO', 'amlbcookie'], domains: ['a.example', 'example'], secure: false });
    expect(lines).toEqual([
      `SSO=; ${BASE}`,
      `SSO=; ${BASE}; Domain=a.example`,
      `SSO=; ${BASE}; Domain=example`,
      `amlbcookie=; ${BASE}`,
      `amlbcookie=; ${BASE}; Domain=a.example`,
      `amlbcookie=; ${BASE}; Domain=example`,
    ]);
  });

  it('is Secure by https, so that it reaches SameSite=None cookies in a frame', () => {
    expect(clearingCookies({ names: new Set(['SSO']), domains: ['example'], secure: true })).toEqual([
      `SSO=; ${BASE}; Secure; SameSite=None`,
      `SSO=; ${BASE}; Secure; SameSite=None; Domain=example`,
    ]);
  });

  it('obeys the prefixes: __Secure- needs Secure, __Host- no Domain besides', () => {
    expect(clearingCookies({ names: ['__Secure-SSO', '__Host-SSO'], domains: ['example'], secure: false })).toEqual([
      `__Secure-SSO=; ${BASE}; Secure`,
      `__Secure-SSO=; ${BASE}; Secure; Domain=example`,
      `__Host-SSO=; ${BASE}; Secure`,
    ]);
    expect(clearingCookies({ names: ['__Host-SSO'], domains: ['example'], secure: true })).toEqual([
      `__Host-SSO=; ${BASE}; Secure; SameSite=None`,
    ]);
  });
});

describe('the domains that a host lies under', () => {
  it.each([
    [
      'app.example.com',
      ['example.com', '.example.com', 'app.example.com', 'other.com'],
      ['example.com', 'app.example.com'],
    ],
    ['APP.Example.com:8443', ['EXAMPLE.com'], ['example.com']],
    ['example.com', ['app.example.com', 'ple.com', 'com'], ['com']],
    ['badexample.com', ['example.com'], []],
    ['127.0.0.1:3000', ['127.0.0.1', '0.0.1', '1'], []],
    ['[::1]:3000', ['::1', '[::1]'], []],
    ['app.example.com', ['', 'example.com; Secure', 'example.com\r\n'], []],
    ['', ['example.com'], []],
  ])('%s under %j: %j', (host, domains, expected) => {
    expect(domainsFor(host, domains)).toEqual(expected);
  });
});

describe("AM's own clearing lines", () => {
  it.each([
    `${NAME}=""; Expires=Thu, 01-Jan-1970 00:00:00 GMT; Path=/; Domain=example.com; HttpOnly`,
    'amlbcookie=LOGOUT; Expires=Thu, 01 Jan 1970 00:00:10 GMT; Path=/; Domain=example.com',
    `${NAME}=; Max-Age=0`,
    `${NAME}=; max-age=-1; Expires=Fri, 01 Jan 2100 00:00:00 GMT`,
    ` ${NAME} =LOGOUT;Max-Age=0`,
  ])('%s is passed on', (line) => {
    expect(clearingFromAm([line], NAMES)).toEqual([line]);
  });

  it.each([
    `${NAME}=AQIC5w; Path=/`,
    `${NAME}=AQIC5w; Max-Age=0`,
    `${NAME}=LOGOUT; Path=/`,
    `${NAME}=; Expires=Fri, 01 Jan 2100 00:00:00 GMT`,
    `${NAME}=; Max-Age=3600; Expires=Thu, 01 Jan 1970 00:00:00 GMT`,
    `${NAME}=; Max-Age=0; Max-Age=60`,
    `${NAME}=; Expires=nonsense`,
    'route=; Max-Age=0',
    `${NAME}; Max-Age=0`,
    `${NAME}=; Max-Age=0\r\nX: y`,
    `${NAME}=; Max-Age=0; Path=/\xe9`,
    '',
  ])('%j is not', (line) => {
    expect(clearingFromAm([line], NAMES)).toEqual([]);
  });
});
