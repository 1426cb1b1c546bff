import { describe, expect, it } from 'vitest';
import type { RequestLike } from '../src/forwarded.js';
import { createOriginCheck } from '../src/origin.js';

interface Asked {
  method?: string;
  host?: string;
  origin?: string;
  site?: string;
  isUpgrade?: boolean;
}

const check = createOriginCheck({
  publicUrl: 'https://app.example.com',
  trustedOrigins: ['https://forms.example.net', 'capacitor://localhost'],
  requestHost: (req) => req.headers.host ?? '',
});
const checkWithoutPublicUrl = createOriginCheck({
  publicUrl: undefined,
  trustedOrigins: [],
  requestHost: (req) => req.headers.host ?? '',
});

function request({ method = 'POST', host, origin, site }: Asked): RequestLike {
  return {
    method,
    headers: {
      ...(host !== undefined && { host }),
      ...(origin !== undefined && { origin }),
      ...(site !== undefined && { 'sec-fetch-site': site }),
    },
    socket: {},
  };
}

const allows = (asked: Asked, using = check) => using(request(asked), asked.isUpgrade ?? false).allowed;

describe('safe methods', () => {
  it.each(['GET', 'HEAD', 'OPTIONS'])('%s from anywhere is allowed', (method) => {
    expect(allows({ method, origin: 'https://evil.example', site: 'cross-site', host: 'app' })).toBe(true);
  });

  it.each(['POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND', 'TRACE', 'get'])('%s is not one of them', (method) => {
    expect(allows({ method, origin: 'https://evil.example', site: 'cross-site', host: 'app' })).toBe(false);
  });
});

describe('fetch metadata decides where it is present', () => {
  it.each(['same-origin', 'none'])('%s is allowed whatever the host', (site) => {
    expect(allows({ site, origin: 'https://elsewhere.example', host: 'internal:3000' })).toBe(true);
    expect(allows({ site, origin: 'null', host: 'internal:3000' })).toBe(true);
    expect(allows({ site, host: 'internal:3000' })).toBe(true);
  });

  it.each(['same-site', 'cross-site', '', 'Same-Origin', 'same-origin, same-origin', 'same-origin, cross-site'])(
    '"%s" is refused, even where the hosts are equal',
    (site) => {
      expect(allows({ site, origin: 'https://app.example.com', host: 'app.example.com' })).toBe(false);
    },
  );
});

describe('without fetch metadata', () => {
  it('a request without Origin comes from no browser and is allowed', () => {
    expect(allows({ host: 'app.example.com' })).toBe(true);
    expect(allows({})).toBe(true);
  });

  it.each([
    ['http://localhost:3000', 'localhost:3000'],
    ['https://a.example', 'a.example'],
    ['https://a.example', 'a.example:443'],
    ['https://a.example:443', 'a.example'],
    ['http://a.example', 'a.example:80'],
    ['https://A.Example', 'a.example'],
    ['https://a.example', 'A.EXAMPLE'],
    ['HTTPS://a.example', 'a.example:443'],
    ['http://[::1]:3000', '[::1]:3000'],
    ['http://[::1]', '[::1]:80'],
    ['https://[2001:DB8::1]', '[2001:db8::1]'],
    ['http://192.0.2.1:8080', '192.0.2.1:8080'],
    ['https://intern_al.example', 'intern_al.example'],
  ])('Origin %s is the same as Host %s', (origin, host) => {
    expect(allows({ origin, host }, checkWithoutPublicUrl)).toBe(true);
  });

  it.each([
    ['https://evil.example', 'a.example'],
    ['https://a.example.evil.example', 'a.example'],
    ['https://evil.example/a.example', 'evil.example/a.example'],
    ['https://a.example:8443', 'a.example'],
    ['https://a.example', 'a.example:8443'],
    ['https://a.example', 'a.example:80'],
    ['http://a.example', 'a.example:443'],
    ['http://[::1]:3000', '[::2]:3000'],
    ['null', 'null'],
    ['', ''],
    ['', 'a.example'],
    ['https://', ''],
    ['a.example', 'a.example'],
    ['https://a.example, https://a.example', 'a.example'],
    ['https://evil.example, https://a.example', 'a.example'],
    ['https://user@a.example', 'a.example'],
    ['https://a.example/', 'a.example'],
    ['capacitor://a.example', 'a.example'],
    ['file://', ''],
  ])('Origin "%s" is not the same as Host "%s"', (origin, host) => {
    expect(allows({ origin, host }, checkWithoutPublicUrl)).toBe(false);
  });

  it('the public origin is allowed though the host is an internal one', () => {
    expect(allows({ origin: 'https://app.example.com', host: 'node-7:3000' })).toBe(true);
    expect(allows({ origin: 'https://APP.example.com:443', host: 'node-7:3000' })).toBe(true);
    expect(allows({ origin: 'http://app.example.com', host: 'node-7:3000' })).toBe(false);
    expect(allows({ origin: 'https://app.example.com:444', host: 'node-7:3000' })).toBe(false);
  });

  it('an Origin is refused where the request names no host', () => {
    expect(allows({ origin: 'https://a.example' }, checkWithoutPublicUrl)).toBe(false);
  });
});

describe('trusted origins', () => {
  it.each([
    'https://forms.example.net',
    'https://FORMS.example.net',
    'https://forms.example.net:443',
    'capacitor://localhost',
  ])('%s is allowed from another site', (origin) => {
    expect(allows({ origin, site: 'cross-site', host: 'app.example.com' })).toBe(true);
    expect(allows({ origin, host: 'app.example.com', isUpgrade: true, method: 'GET' })).toBe(true);
  });

  it.each(['http://forms.example.net', 'https://forms.example.net.evil.example', 'https://x.forms.example.net'])(
    '%s is not among them',
    (origin) => {
      expect(allows({ origin, site: 'cross-site', host: 'app.example.com' })).toBe(false);
    },
  );
});

describe('upgrades are checked though they are GET', () => {
  const upgrade = { method: 'GET', isUpgrade: true, host: 'app.example.com' };

  it('another origin is refused, the own one allowed', () => {
    expect(allows({ ...upgrade, origin: 'https://evil.example' })).toBe(false);
    expect(allows({ ...upgrade, origin: 'https://app.example.com' })).toBe(true);
    expect(allows({ ...upgrade, origin: 'https://app.example.com', site: 'same-origin' })).toBe(true);
    expect(allows({ ...upgrade, origin: 'https://app.example.com', site: 'same-site' })).toBe(false);
  });

  it('without Origin only a request without fetch metadata is allowed', () => {
    expect(allows(upgrade)).toBe(true);
    expect(allows({ ...upgrade, site: 'same-origin' })).toBe(false);
    expect(allows({ ...upgrade, site: 'none' })).toBe(false);
  });
});

describe('the verdict', () => {
  it('names the host that was compared', () => {
    const behindProxy = createOriginCheck({
      publicUrl: undefined,
      trustedOrigins: [],
      requestHost: () => 'public.example',
    });
    const refused = request({ origin: 'https://evil.example', host: 'internal' });
    expect(behindProxy(refused, false)).toEqual({ allowed: false, comparedWith: 'public.example' });
    expect(behindProxy(request({ origin: 'https://public.example', host: 'internal' }), false)).toEqual({
      allowed: true,
    });
  });

  it('does not ask for the host where it is not needed', () => {
    const lazy = createOriginCheck({
      publicUrl: undefined,
      trustedOrigins: ['https://a.example'],
      requestHost: () => {
        throw new Error('not needed');
      },
    });
    expect(lazy(request({ method: 'GET' }), false).allowed).toBe(true);
    expect(lazy(request({ site: 'same-origin' }), false).allowed).toBe(true);
    expect(lazy(request({ origin: 'https://a.example' }), false).allowed).toBe(true);
    expect(lazy(request({}), false).allowed).toBe(true);
  });
});
