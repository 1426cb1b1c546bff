// What can be had of a body that somebody has read, and what is refused because it might be another.

import fc from 'fast-check';
import qs from 'node:querystring';
import { describe, expect, it } from 'vitest';
import { recoverBody, type ParsedRequest } from '../src/proxy/parsed-body.js';

interface Sent {
  readonly text: string | Buffer;
  readonly type?: string;
  readonly headers?: Record<string, string>;
}

/** A request whose body was read to its end; `kept` is what middleware left on it. */
function readToEnd({ text, type, headers }: Sent, kept: Partial<ParsedRequest>): ParsedRequest {
  const length = String(Buffer.byteLength(text));
  return {
    headers: { ...(type !== undefined && { 'content-type': type }), 'content-length': length, ...headers },
    readableEnded: true,
    ...kept,
  };
}

function recovered(sent: Sent, kept: Partial<ParsedRequest>): string | undefined {
  return recoverBody(readToEnd(sent, kept))?.toString('utf8');
}

const json = (text: string, type = 'application/json') => recovered({ text, type }, { body: JSON.parse(text) });
const form = (text: string) =>
  recovered({ text, type: 'application/x-www-form-urlencoded' }, { body: { ...qs.parse(text) } });

const chunked = { 'transfer-encoding': 'chunked' };
function withoutLength(kept: Partial<ParsedRequest>): ParsedRequest {
  return { headers: { 'content-type': 'application/json', ...chunked }, readableEnded: true, ...kept };
}

describe('bytes that somebody kept', () => {
  const bytes = Buffer.from([0xff, 0, 0x7b, 0xfe]);

  it.each(['rawBody', 'body'])('are taken as they are, as %s, whatever their type', (name) => {
    for (const type of ['application/json', 'multipart/form-data; boundary=x', 'text/plain; charset=utf-16', undefined])
      expect(recoverBody(readToEnd({ text: bytes, ...(type !== undefined && { type }) }, { [name]: bytes }))).toBe(
        bytes,
      );
  });

  it('are preferred to what was parsed of them', () => {
    const text = '{ "a" : 1.0 }';
    expect(recovered({ text, type: 'application/json' }, { rawBody: Buffer.from(text), body: { a: 1 } })).toBe(text);
  });

  it('are taken of chunked bodies too', () => {
    expect(recoverBody(withoutLength({ rawBody: bytes }))).toBe(bytes);
    expect(recoverBody(withoutLength({ body: bytes }))).toBe(bytes);
  });

  it('are refused where they are not as long as the client said', () => {
    expect(recoverBody(readToEnd({ text: 'abcde' }, { rawBody: bytes, body: bytes }))).toBeUndefined();
  });

  it('are refused where the body was compressed: parsers unpack it', () => {
    const headers = { 'content-encoding': 'gzip' };
    expect(recoverBody(readToEnd({ text: bytes, headers }, { rawBody: bytes }))).toBeUndefined();
    const request = withoutLength({ rawBody: bytes });
    expect(recoverBody({ ...request, headers: { ...request.headers, ...headers } })).toBeUndefined();
  });

  it('are refused where the rest of the body is still to be read', () => {
    expect(recoverBody(readToEnd({ text: bytes }, { rawBody: bytes, readableEnded: false }))).toBeUndefined();
  });
});

describe('text that somebody kept', () => {
  it.each(['plain', 'grüße 👋', '{"a": 1.0}', ''])('is taken where it is as long as the client said: %j', (text) => {
    expect(recovered({ text, type: 'text/plain' }, { body: text })).toBe(text);
    expect(recovered({ text, type: 'text/plain; charset=UTF-8' }, { body: text })).toBe(text);
    expect(recovered({ text, type: 'application/json; charset="utf-8"' }, { rawBody: text })).toBe(text);
  });

  it('is refused where a byte order mark was cut off', () => {
    expect(recovered({ text: '\uFEFFabc', type: 'text/plain' }, { body: 'abc' })).toBeUndefined();
  });

  it('is refused where bytes were no UTF-8, however many there were', () => {
    const text = Buffer.from([0x61, 0xff, 0xfe, 0xfd]);
    const body = text.toString('utf8');
    expect(recovered({ text, type: 'text/plain' }, { body })).toBeUndefined();
    expect(recovered({ text: body, type: 'text/plain' }, { body })).toBeUndefined();
  });

  it.each(['iso-8859-1', 'utf-16', 'utf-7', 'utf-8859'])('is refused in the charset %s', (charset) => {
    expect(recovered({ text: 'abc', type: `text/plain; charset=${charset}` }, { body: 'abc' })).toBeUndefined();
  });

  it('is refused of a chunked body: nothing says how long it was', () => {
    expect(recoverBody(withoutLength({ rawBody: '{}', body: {} }))).toBeUndefined();
  });
});

describe('JSON that somebody parsed', () => {
  it.each([
    '{}',
    '[]',
    '{"a":1,"b":[true,false,null,"x",{"c":-2.5}],"":""}',
    '{"name":"Jürgen 👋","line":"a\\nb\\u001f\\"\\\\"}',
    '[0.1,123456789012345,9007199254740991,-9007199254740991,1e-7,1700000000000]',
    '{"__proto__":{"admin":true},"constructor":1,"toJSON":2}',
    '{"a":{"__proto__":1}}',
  ])('is written again: %s', (text) => {
    expect(json(text)).toBe(text);
  });

  it.each(['application/json; charset=utf-8', 'Application/JSON ;x=y', 'application/merge-patch+json'])(
    'is written again for %s',
    (type) => expect(json('{"a":1}', type)).toBe('{"a":1}'),
  );

  it.each(['text/plain', 'application/jsonx', 'application/json-seq', 'multipart/form-data; boundary=/json', ''])(
    'is refused as %j',
    (type) => expect(json('{"a":1}', type)).toBeUndefined(),
  );

  it('of a browser is always written as it was, or refused', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value);
        expect([text, undefined]).toContain(json(text));
      }),
      { numRuns: 1_000 },
    );
  });

  it.each([
    ['spaces', '{"a": 1}'],
    ['a key twice', '{"a":1,"a":2}'],
    ['an integer with a fraction', '{"a":1.0}'],
    ['escapes that are not needed', '{"a":"\\u00e9\\/"}'],
    ['a number beyond 2^53 whose last digits are lost', '{"id":12345678901234567000}'],
    ['one that is still as long', '{"id":9007199254740993}'],
    ['one below 0', '[-9007199254740993]'],
    ['a power', '[1e+21]'],
    ['infinity', '[1e400]'],
    ['a fraction of more than 15 digits', '[0.1234567890123456]'],
    ['keys that JavaScript reorders', '{"b":1,"1":2}'],
    ['such keys deep inside', '[{"a":{"10":1,"9":2}}]'],
    ['a lone surrogate that was no UTF-8', '{"a":"\uFFFD"}'],
    ['a string at the top', '"a"'],
    ['a number at the top', '1'],
    ['null', 'null'],
  ])('is refused with %s', (_what, text) => {
    expect(json(text)).toBeUndefined();
  });

  it('is refused where a reviver has made objects of strings', () => {
    const text = '{"at":"2024-02-30T00:00:00.000Z"}';
    const body: unknown = { at: new Date('2024-03-01T00:00:00.000Z') };
    expect(JSON.stringify(body)).toHaveLength(text.length);
    expect(recovered({ text, type: 'application/json' }, { body })).toBeUndefined();
  });

  it('is refused where it cannot be written', () => {
    const text = '['.repeat(50_000) + ']'.repeat(50_000);
    expect(json(text)).toBeUndefined();
    expect(recovered({ text: '[1]', type: 'application/json' }, { body: [1n] })).toBeUndefined();
  });

  it('never becomes another value of the same length', () => {
    const digits = fc.stringMatching(/^-?([1-9]\d{0,24}|0)(\.\d{1,24})?$/);
    const key = fc.stringMatching(/^(\d{1,3}|[a-c_]{1,3})$/);
    const object = fc.uniqueArray(fc.tuple(key, digits), { selector: ([name]) => name });
    fc.assert(
      fc.property(object, (entries) => {
        const text = `{${entries.map(([name, value]) => `"${name}":${value}`).join(',')}}`;
        expect([text, undefined]).toContain(json(text));
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('a form that somebody parsed', () => {
  it.each(['a=1', 'a=1&b=&c=x+y', 'name=J%C3%BCrgen&mail=a%40b.example', '__proto__x=1', 'a%5Bb%5D=1'])(
    'is written again: %s',
    (text) => expect(form(text)).toBe(text),
  );

  it.each([
    ['escaped spaces', 'a=x%20y'],
    ['a name without a value', 'a&b=1'],
    ['a field twice', 'a=1&a=2'],
    ['characters that need no escape', 'a=%41'],
    ['escapes that were not decoded, made as long by others that shrank', 'a=%25E4&b=x+y'],
    ['a percent sign', 'a=100%25'],
    ['names that JavaScript reorders', 'b=1&1=2'],
  ])('is refused with %s', (_what, text) => {
    expect(form(text)).toBeUndefined();
  });

  it('is refused where it is not flat, or no form', () => {
    const type = 'application/x-www-form-urlencoded';
    expect(recovered({ text: 'a=1', type }, { body: { a: ['1'] } })).toBeUndefined();
    expect(recovered({ text: 'a=1', type }, { body: { a: 1 } })).toBeUndefined();
    expect(recovered({ text: 'a=1', type: 'multipart/form-data' }, { body: { a: '1' } })).toBeUndefined();
    expect(recovered({ text: 'a=1', type: `${type}; charset=iso-8859-1` }, { body: { a: '1' } })).toBeUndefined();
  });
});

it('where nothing was kept there is nothing to be had', () => {
  for (const body of [undefined, null, 1, true, () => 1]) expect(recovered({ text: '1' }, { body })).toBeUndefined();
});
