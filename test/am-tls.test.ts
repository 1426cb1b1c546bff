// AM over TLS: the certificate is checked against AM_URL, though Host is AM's public name.

import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { secret, secretCredential, startClient } from './support/am-client.js';
import { makeCertificate } from './support/certificate.js';
import { describeWith } from './support/programs.js';
import { aliveBody } from './support/raw-server.js';

const hasIpv6 = Object.values(networkInterfaces()).some((list) => list?.some(({ address }) => address === '::1'));

interface TlsServer {
  readonly port: number;
  readonly certificate: string;
  /** Server name of each handshake; undefined: none was sent. */
  readonly names: (string | undefined)[];
  readonly hosts: (string | undefined)[];
  close(): void;
}

let folder: string;
const servers: TlsServer[] = [];

/** @param subject such as `DNS:localhost` or `IP:127.0.0.1` */
async function startTlsServer(subject: string): Promise<TlsServer> {
  const { certificate, key } = makeCertificate(folder, subject);
  const hosts: (string | undefined)[] = [];
  const names: (string | undefined)[] = [];
  const server = https.createServer({ cert: readFileSync(certificate), key: readFileSync(key) }, (req, res) => {
    hosts.push(req.headers.host);
    res.end(aliveBody);
  });
  server.on('secureConnection', (socket: { servername?: string | false }) =>
    names.push(socket.servername || undefined),
  );
  server.listen(0);
  await once(server, 'listening');
  const running: TlsServer = {
    port: (server.address() as AddressInfo).port,
    certificate,
    names,
    hosts,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
  servers.push(running);
  return running;
}

/** Two calls from a process that trusts the server's certificate: Node reads NODE_EXTRA_CA_CERTS at its start only. */
async function callTrusting({ certificate }: TlsServer, url: string, publicUrl = url): Promise<unknown[]> {
  const dist = new URL('../dist/', import.meta.url).href;
  const script = `
    import { createAmClient } from '${dist}am/client.js';
    import { createHttpTransport } from '${dist}am/transport.js';
    import { systemClock } from '${dist}clock.js';
    import { parseConfig } from '${dist}config.js';
    import { credentialOf } from '${dist}token.js';
    const { am } = parseConfig({ am: ${JSON.stringify({ url, publicUrl, timeoutMs: 10_000 })} });
    const transport = createHttpTransport(am.url);
    const client = createAmClient({ am, cookieName: () => 'sso', transport: transport.send, clock: systemClock });
    const credential = credentialOf('token', undefined);
    console.log(JSON.stringify([await client.refresh(credential), await client.peek(credential)]));
    transport.close();`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    env: { ...process.env, NODE_EXTRA_CA_CERTS: certificate },
  });
  return JSON.parse(stdout) as unknown[];
}

describeWith(['openssl'], 'AM over TLS', () => {
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'am-tls-'));
  });

  afterAll(() => {
    for (const server of servers) server.close();
    rmSync(folder, { recursive: true });
  });

  test('with a certificate that nobody vouches for is AM not being there, and gets no token', async () => {
    const am = await startTlsServer('DNS:localhost');
    const client = startClient(`https://localhost:${am.port}/am`);
    const answer = await client.refresh(secretCredential);
    client.close();
    expect(answer).toMatchObject({ kind: 'unknown', cause: 'connect', detail: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
    expect(JSON.stringify(answer)).not.toContain(secret);
    expect(am.hosts).toEqual([]);
  });

  test('is asked under the name of AM_URL, once for all calls, while Host is the public name', async () => {
    const am = await startTlsServer('DNS:localhost');
    const answers = await callTrusting(am, `https://localhost:${am.port}/am`, 'https://sso.example.com/am');
    expect(answers).toMatchObject([{ kind: 'alive' }, { kind: 'alive' }]);
    expect(am.names).toEqual(['localhost']);
    expect(am.hosts).toEqual(['sso.example.com', 'sso.example.com']);
  });

  test('with a certificate of the public name alone is not that of AM_URL', async () => {
    const am = await startTlsServer('DNS:sso.example.com');
    const [answer] = await callTrusting(am, `https://localhost:${am.port}/am`, 'https://sso.example.com/am');
    expect(answer).toMatchObject({ kind: 'unknown', cause: 'connect', detail: 'ERR_TLS_CERT_ALTNAME_INVALID' });
    expect(am.hosts).toEqual([]);
  });

  test.each([['127.0.0.1', 'IP:127.0.0.1'], ...(hasIpv6 ? [['[::1]', 'IP:::1']] : [])])(
    'at the address %s needs a certificate of that address',
    async (host, subject) => {
      const am = await startTlsServer(subject);
      expect(await callTrusting(am, `https://${host}:${am.port}/am`)).toMatchObject([
        { kind: 'alive' },
        { kind: 'alive' },
      ]);
      expect(am.names).toEqual([undefined]);
    },
  );

  test('at an address may have a certificate of the public name', async () => {
    const am = await startTlsServer('DNS:sso.example.com');
    const answers = await callTrusting(am, `https://127.0.0.1:${am.port}/am`, 'https://sso.example.com/am');
    expect(answers).toMatchObject([{ kind: 'alive' }, { kind: 'alive' }]);
    expect(am.names).toEqual(['sso.example.com']);
  });
});
