// Where a WebSocket is passed on to: below the path of the target, and to upstreams over TLS.

import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WebSocket, WebSocketServer } from 'ws';
import { sessionProxy } from '../src/index.js';
import { makeCertificate } from './support/certificate.js';
import { startCommand } from './support/command.js';
import { request } from './support/http.js';
import { describeWith } from './support/programs.js';
import { eventually, mounts, startStack, type Stack } from './support/stack.js';
import { startUpstream, type Upstream } from './support/upstream.js';
import { closing, connectionsOf, openSocket, refusal } from './support/websocket.js';

describe.each(mounts)('a WebSocket, mounted by %s', (mount) => {
  let stack: Stack;
  let upstream: Upstream;
  beforeAll(async () => {
    upstream = await startUpstream();
    const routes = [
      { path: '/api', target: `${upstream.url}/base` },
      { path: '/slash', target: `${upstream.url}/below/` },
      { path: '/nowhere', target: 'http://upstream.invalid:4000' },
    ];
    stack = await startStack({ mount, proxy: { routes } });
  });
  afterAll(async () => {
    await stack.close();
    await upstream.close();
  });

  it.each([
    ['/api/ws?a=1&b=%20', '/base/api/ws?a=1&b=%20'],
    ['/api', '/base/api'],
    ['/api?x', '/base/api?x'],
    ['/slash/ws', '/below/slash/ws'],
  ])('to %s goes to %s', async (path, target) => {
    const socket = await openSocket(stack, path, stack.am.login());
    expect(upstream.seen.at(-1)).toMatchObject({ url: target, headers: { host: new URL(upstream.url).host } });
    socket.close();
  });

  it('to a host whose name nobody knows is 502', async () => {
    const answer = await refusal(stack, '/nowhere', stack.am.login());
    expect(answer).toMatchObject({ status: 502, code: 'upstream_unavailable' });
    expect(answer.body).not.toContain('upstream.invalid');
  });
});

describeWith(['openssl'], 'TLS', () => {
  let folder: string;
  let certificate: string;
  let server: https.Server;
  let stack: Stack;
  let target: string;
  let tls: https.ServerOptions;
  beforeAll(async () => {
    stack = await startStack();
    folder = mkdtempSync(join(tmpdir(), 'wss-'));
    const made = makeCertificate(folder, 'IP:127.0.0.1');
    certificate = made.certificate;
    tls = { cert: readFileSync(certificate), key: readFileSync(made.key) };
    server = https.createServer(tls);
    const sockets = new WebSocketServer({ server });
    sockets.on('connection', (socket) => socket.on('message', (data) => socket.send(data, { binary: false })));
    target = await listen(server);
  });
  afterAll(async () => {
    server.close();
    server.closeAllConnections();
    rmSync(folder, { recursive: true });
    await stack.close();
  });

  async function listen(of: https.Server): Promise<string> {
    of.listen(0, '127.0.0.1');
    await once(of, 'listening');
    return `https://127.0.0.1:${(of.address() as AddressInfo).port}`;
  }

  /** The command, with this upstream. */
  async function start(env: Record<string, string>) {
    const command = startCommand([], { AM_URL: stack.am.url, PORT: '0', PROXY_ROUTES: `/api=${target}`, ...env });
    const url = await command.says(/listens on (\S+)/);
    await eventually(async () => (await request(url, '/readyz')).status === 200);
    const stop = async () => {
      command.child.kill();
      await command.exit;
    };
    return { place: { url, am: stack.am }, stop };
  }

  it('is spoken to an upstream whose certificate is known', async () => {
    const { place, stop } = await start({ NODE_EXTRA_CA_CERTS: certificate });
    const socket = await openSocket(place, '/api/ws', stack.am.login());
    socket.send('hello');
    expect(String((await once(socket, 'message'))[0])).toBe('hello');
    socket.terminate();
    await stop();
  });

  it.each([{}, { NODE_TLS_REJECT_UNAUTHORIZED: '0' }])(
    'is not spoken to an upstream that nobody vouches for (%o)',
    async (env: Record<string, string>) => {
      const { place, stop } = await start(env);
      const token = stack.am.login();
      expect(await refusal(place, '/api/ws', token)).toMatchObject({ code: 'upstream_unavailable' });
      for (const method of ['GET', 'PUT']) {
        const headers = { cookie: `${stack.am.cookieName}=${token}` };
        expect((await request(place.url, '/api/x', { method, headers })).status).toBe(502);
      }
      await stop();
    },
  );

  it('may be what we speak ourselves', async () => {
    const bff = sessionProxy({
      am: { url: stack.am.url },
      routes: [{ path: '/api', target: stack.upstream.url }],
      logLevel: 'error',
    });
    const front = https.createServer(
      tls,
      bff.wrap((_req, res) => res.end()),
    );
    front.on('upgrade', bff.upgrade);
    const place = { url: await listen(front), am: stack.am };
    const token = stack.am.login();
    const options = {
      headers: { cookie: `${stack.am.cookieName}=${token}`, origin: place.url },
      rejectUnauthorized: false,
    };
    const socket = new WebSocket(`${place.url.replace('http', 'ws')}/api/ws`, options);
    await once(socket, 'open');
    socket.send('hello');
    expect(String((await once(socket, 'message'))[0])).toBe('hello');
    expect(stack.upstream.seen.at(-1)?.headers).toMatchObject({
      'x-forwarded-proto': 'https',
      'x-forwarded-user': 'demo',
    });
    const closed = closing(socket);
    bff.stop();
    expect(await closed).toEqual({ code: 1001, reason: 'stopping' });
    await eventually(async () => (await connectionsOf(front)) === 0, 1_000);
    await bff.close();
    front.close();
  });
});
