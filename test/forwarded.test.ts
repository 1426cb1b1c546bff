import { createServer, get, type IncomingMessage } from 'node:http';
import type { Server } from 'node:net';
import { describe, expect, it } from 'vitest';
import { addressKey, createForwarded, type RequestLike } from '../src/forwarded.js';

interface From {
  peer?: string;
  encrypted?: boolean;
  headers?: Record<string, string>;
}

function request({ peer, encrypted, headers = {} }: From): RequestLike {
  return {
    headers,
    socket: { ...(peer !== undefined && { remoteAddress: peer }), ...(encrypted !== undefined && { encrypted }) },
  };
}

const FORGED = {
  host: 'App.Example:3000',
  'x-forwarded-for': '198.51.100.1',
  'x-forwarded-proto': 'https',
  'x-forwarded-host': 'evil.example',
};

describe('without trusted proxies', () => {
  const forwarded = createForwarded({ trustProxy: false });

  it('only the socket and Host count', () => {
    const req = request({ peer: '192.0.2.7', headers: FORGED });
    expect(forwarded.clientAddress(req)).toBe('192.0.2.7');
    expect(forwarded.chain(req)).toEqual(['192.0.2.7']);
    expect(forwarded.proto(req)).toBe('http');
    expect(forwarded.host(req)).toBe('app.example:3000');
  });

  it('a TLS socket is https', () => {
    expect(forwarded.proto(request({ encrypted: true }))).toBe('https');
    expect(forwarded.proto(request({ encrypted: false }))).toBe('http');
  });

  it('an IPv4 client of a dual-stack socket has an IPv4 address', () => {
    expect(forwarded.clientAddress(request({ peer: '::ffff:192.0.2.7' }))).toBe('192.0.2.7');
    expect(forwarded.clientAddress(request({ peer: '::FFFF:192.0.2.7' }))).toBe('192.0.2.7');
    expect(forwarded.clientAddress(request({ peer: '2001:db8::7' }))).toBe('2001:db8::7');
    expect(forwarded.clientAddress(request({ peer: '::1' }))).toBe('::1');
  });

  it('a socket without an address is unknown', () => {
    expect(forwarded.clientAddress(request({}))).toBe('unknown');
    expect(forwarded.chain(request({}))).toEqual(['unknown']);
  });

  it.each(['', 'a b', 'a/b', 'user@a', 'a:b', 'a:123456', '[::1', 'a,b', 'a?b', 'x'.repeat(300)])(
    'Host "%s" is none',
    (host) => {
      expect(forwarded.host(request({ headers: { host } }))).toBe('');
    },
  );

  it.each(['localhost', 'a.example:80', '192.0.2.1', '[2001:db8::1]:3000', 'my_host'])('Host %s is one', (host) => {
    expect(forwarded.host(request({ headers: { host } }))).toBe(host);
  });

  it('no Host is no host', () => {
    expect(forwarded.host(request({}))).toBe('');
  });
});

describe.each([
  ['by hop count', 1],
  ['by address', ['10.0.0.0/8']],
] as const)('behind one trusted proxy, %s', (_, trustProxy) => {
  const forwarded = createForwarded({ trustProxy });

  it('its word counts for the client, the scheme and the host', () => {
    const req = request({
      peer: '10.0.0.1',
      headers: {
        host: 'node:3000',
        'x-forwarded-for': '192.0.2.7',
        'x-forwarded-proto': 'HTTPS',
        'x-forwarded-host': 'App.example:8443',
      },
    });
    expect(forwarded.clientAddress(req)).toBe('192.0.2.7');
    expect(forwarded.chain(req)).toEqual(['192.0.2.7', '10.0.0.1']);
    expect(forwarded.proto(req)).toBe('https');
    expect(forwarded.host(req)).toBe('app.example:8443');
  });

  it('what the client claims in front of it does not', () => {
    const req = request({
      peer: '10.0.0.1',
      headers: {
        host: 'node:3000',
        'x-forwarded-for': '203.0.113.66, 192.0.2.7',
        'x-forwarded-proto': 'https, http',
        'x-forwarded-host': 'evil.example, app.example',
      },
    });
    expect(forwarded.clientAddress(req)).toBe('192.0.2.7');
    expect(forwarded.chain(req)).toEqual(['192.0.2.7', '10.0.0.1']);
    expect(forwarded.proto(req)).toBe('http');
    expect(forwarded.host(req)).toBe('app.example');
  });

  it('it may say nothing', () => {
    const req = request({ peer: '10.0.0.1', encrypted: true, headers: { host: 'node:3000' } });
    expect(forwarded.clientAddress(req)).toBe('10.0.0.1');
    expect(forwarded.chain(req)).toEqual(['10.0.0.1']);
    expect(forwarded.proto(req)).toBe('https');
    expect(forwarded.host(req)).toBe('node:3000');
  });

  it.each(['', 'unknown', '_hidden', 'evil.example', '1', '0x7f.1', '192.0.2.7, ', '192.0.2.7, nonsense'])(
    'an entry that is no address ends the chain: "%s"',
    (header) => {
      const req = request({ peer: '10.0.0.1', headers: { 'x-forwarded-for': header } });
      expect(forwarded.chain(req)).toEqual(['10.0.0.1']);
      expect(forwarded.clientAddress(req)).toBe('10.0.0.1');
    },
  );

  it.each([
    ['192.0.2.7:4711', '192.0.2.7'],
    ['[2001:db8::7]:4711', '2001:db8::7'],
    ['[2001:db8::7]', '2001:db8::7'],
    ['2001:db8::7', '2001:db8::7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    [' 192.0.2.7 ', '192.0.2.7'],
  ])('%s is %s', (entry, address) => {
    expect(forwarded.clientAddress(request({ peer: '10.0.0.1', headers: { 'x-forwarded-for': entry } }))).toBe(address);
  });

  it.each(['ftp', 'wss', '', 'https;', 'javascript'])('scheme "%s" is not taken', (proto) => {
    expect(forwarded.proto(request({ peer: '10.0.0.1', headers: { 'x-forwarded-proto': proto } }))).toBe('http');
  });

  it.each(['', 'evil.example/x', 'a b', 'a@b', 'a:b:c', 'a"b'])('host "%s" is not taken', (host) => {
    const headers = { host: 'node:3000', 'x-forwarded-host': host };
    expect(forwarded.host(request({ peer: '10.0.0.1', headers }))).toBe('node:3000');
  });
});

describe('behind several proxies', () => {
  const headers = {
    host: 'node',
    'x-forwarded-for': '203.0.113.66, 192.0.2.7, 10.0.0.3, 10.0.0.2',
    'x-forwarded-proto': 'http, https, http, http',
    'x-forwarded-host': 'evil.example, app.example, inner.example, innermost.example',
  };
  const req = request({ peer: '::ffff:10.0.0.1', headers });

  it.each([
    ['three hops', 3],
    ['their subnet', ['10.0.0.0/8']],
    ['their addresses', ['10.0.0.1', '10.0.0.2', '10.0.0.3']],
    ['a name for their subnet', ['uniquelocal']],
  ] as const)('%s: the furthest trusted one tells', (_, trustProxy) => {
    const forwarded = createForwarded({ trustProxy });
    expect(forwarded.clientAddress(req)).toBe('192.0.2.7');
    expect(forwarded.chain(req)).toEqual(['192.0.2.7', '10.0.0.3', '10.0.0.2', '10.0.0.1']);
    expect(forwarded.proto(req)).toBe('https');
    expect(forwarded.host(req)).toBe('app.example');
  });

  it('where they replace instead of append, the first entry counts', () => {
    const forwarded = createForwarded({ trustProxy: 3 });
    const replaced = { ...headers, 'x-forwarded-proto': 'https', 'x-forwarded-host': 'app.example' };
    expect(forwarded.proto(request({ peer: '10.0.0.1', headers: replaced }))).toBe('https');
    expect(forwarded.host(request({ peer: '10.0.0.1', headers: replaced }))).toBe('app.example');
  });

  it('more hops than entries end with the last entry', () => {
    const forwarded = createForwarded({ trustProxy: 9 });
    expect(forwarded.clientAddress(req)).toBe('203.0.113.66');
    expect(forwarded.chain(req)).toHaveLength(5);
  });

  it('a peer that is not trusted has no word', () => {
    const forwarded = createForwarded({ trustProxy: ['10.0.0.0/8'] });
    const direct = request({ peer: '192.0.2.99', headers });
    expect(forwarded.clientAddress(direct)).toBe('192.0.2.99');
    expect(forwarded.chain(direct)).toEqual(['192.0.2.99']);
    expect(forwarded.proto(direct)).toBe('http');
    expect(forwarded.host(direct)).toBe('node');
  });

  it('no hops are no trust', () => {
    expect(createForwarded({ trustProxy: 0 }).clientAddress(req)).toBe('10.0.0.1');
    expect(createForwarded({ trustProxy: 0 }).host(req)).toBe('node');
  });

  it('a socket without an address can be trusted by count only', () => {
    const unix = request({ headers: { 'x-forwarded-for': '192.0.2.7' } });
    expect(createForwarded({ trustProxy: 1 }).clientAddress(unix)).toBe('192.0.2.7');
    expect(createForwarded({ trustProxy: ['10.0.0.0/8'] }).clientAddress(unix)).toBe('unknown');
  });

  it('a long list takes no longer than it is long', () => {
    const list = Array.from({ length: 20_000 }, () => '10.0.0.2').join(',');
    const started = performance.now();
    const { length } = createForwarded({ trustProxy: ['10.0.0.0/8'] }).chain(
      request({ peer: '10.0.0.1', headers: { 'x-forwarded-for': list } }),
    );
    expect(length).toBe(20_001);
    expect(performance.now() - started).toBeLessThan(2000);
  });
});

describe('the public origin', () => {
  const forwarded = createForwarded({ trustProxy: 1 });
  const headers = { host: 'node:3000', 'x-forwarded-proto': 'https', 'x-forwarded-host': 'app.example' };

  it('is the configured one', () => {
    expect(forwarded.publicOrigin(request({ peer: '10.0.0.1', headers }), 'https://public.example')).toBe(
      'https://public.example',
    );
  });

  it('is else the one that the request came to', () => {
    expect(forwarded.publicOrigin(request({ peer: '10.0.0.1', headers }), undefined)).toBe('https://app.example');
    expect(forwarded.publicOrigin(request({ headers: { host: 'localhost:3000' } }), undefined)).toBe(
      'http://localhost:3000',
    );
  });

  it('is a valid one even where the request names no host', () => {
    expect(forwarded.publicOrigin(request({ headers: { host: 'a b' } }), undefined)).toBe('http://localhost');
  });
});

describe('the key of an address', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:2::9', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:db8:1:2::', '2001:db8:1:2::/64'],
    ['::1', '0:0:0:0::/64'],
    ['::', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::2:3:4:5:6:7:8%eth0.1', '0:2:3:4::/64'],
    ['64:ff9b::192.0.2.7', '64:ff9b:0:0::/64'],
    ['1:2:3:4:5:6:192.0.2.7', '1:2:3:4::/64'],
    ['unknown', 'unknown'],
    ['', ''],
  ])('%s is %s', (address, key) => {
    expect(addressKey(address)).toBe(key);
  });

  it('is bounded', () => {
    expect(addressKey('x'.repeat(1000))).toHaveLength(64);
  });
});

/** Resolves to the port. */
async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('not listening');
  return address.port;
}

it('a real request on a real socket is understood', async () => {
  const forwarded = createForwarded({ trustProxy: ['loopback'] });
  const server = createServer((req: IncomingMessage, res) => {
    res.end(JSON.stringify([forwarded.chain(req), forwarded.proto(req), forwarded.host(req)]));
  });
  const port = await listen(server);
  const body = await new Promise<string>((resolve, reject) => {
    const headers = { 'X-Forwarded-For': '192.0.2.7', 'X-Forwarded-Proto': 'https' };
    get({ port, host: '127.0.0.1', headers, agent: false }, (res) => {
      let text = '';
      res.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      res.on('end', () => resolve(text));
    }).on('error', reject);
  });
  await new Promise((resolve) => server.close(resolve));
  expect(JSON.parse(body)).toEqual([['192.0.2.7', '127.0.0.1'], 'https', `127.0.0.1:${port}`]);
});
