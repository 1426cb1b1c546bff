// The command: what it prints and how it ends when it cannot start.

import { once } from 'node:events';
import net, { type AddressInfo } from 'node:net';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { request } from './support/http.js';
import { runCommand, startCommand } from './support/command.js';

const am = { AM_URL: 'http://127.0.0.1:9/am' };

async function takenPort() {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { port: String((server.address() as AddressInfo).port), close: () => server.close() };
}

describe.concurrent('the command', () => {
  it('exits with 78 and names every mistake, what is accepted, and near misses of names and values', async () => {
    const { code, stdout, stderr } = await runCommand([], {
      AM_FLAVOR: 'pingg',
      PORT: '99999',
      SESSION_TRUST: '5',
      TRUST_PROXY: 'true',
      REDIS_URL: 'http://user:s3cret@redis.example.com',
    });
    expect(code).toBe(78);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^6 mistakes in the configuration/);
    for (const name of ['AM_URL', 'AM_FLAVOR=pingg', 'PORT=99999', 'SESSION_TRUST ', 'TRUST_PROXY=true', 'REDIS_URL'])
      expect(stderr).toContain(name);
    expect(stderr).toContain('did you mean SESSION_TRUST_S?');
    expect(stderr).toMatch(/AM_FLAVOR.*ping/);
    expect(stderr).not.toContain('s3cret');
  });

  it('check exits with 78 for the same mistakes', async () => {
    const { code, stderr } = await runCommand(['check'], { AM_URL: 'ftp://x' });
    expect(code).toBe(78);
    expect(stderr).toContain('AM_URL=ftp://x');
  });

  it('check prints the effective configuration, defaults marked, secrets masked, and warnings', async () => {
    const { code, stdout, stderr } = await runCommand(['check'], {
      ...am,
      AM_FLAVOR: 'openam',
      HOST: '0.0.0.0',
      REDIS_URL: 'redis://user:s3cret@redis.example.com:6379/1',
      PROXY_ROUTES: '/api=http://127.0.0.1:4000',
    });
    expect(code).toBe(0);
    const lines = stdout.trim().split('\n');
    expect(lines).toContain('AM_URL=http://127.0.0.1:9/am');
    expect(lines).toContain('AM_FLAVOR=openam');
    expect(lines).toContain('PROXY_ROUTES=/api=http://127.0.0.1:4000');
    expect(lines).toContain('AM_UPDATE_FREQUENCY_S=60 # default');
    expect(stdout).toContain('redis.example.com');
    expect(stdout + stderr).not.toContain('s3cret');
    expect(stderr).toContain('warning: PUBLIC_URL (publicUrl) is not set');
  });

  it('check prints lines that a .env file can hold', async () => {
    const { stdout } = await runCommand(['check'], am);
    for (const line of stdout.trim().split('\n')) expect(line).toMatch(/^[A-Z_]+=/);
  });

  it('reads .env of the folder it is started in; the environment wins', async () => {
    const dotEnv = 'AM_URL=http://127.0.0.1:9/one\nPORT=4711\n';
    const { code, stdout } = await runCommand(['check'], { PORT: '4712' }, dotEnv);
    expect(code).toBe(0);
    expect(stdout.split('\n')).toEqual(expect.arrayContaining(['AM_URL=http://127.0.0.1:9/one', 'PORT=4712']));
  });

  it.each(['--version', '-v'])('%s prints the version of the package', async (flag) => {
    const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
      version: string;
    };
    expect(await runCommand([flag])).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' });
  });

  it.each(['--help', '-h'])('%s prints the commands, whatever the configuration', async (flag) => {
    const { code, stdout, stderr } = await runCommand([flag], { PORT: 'nonsense' });
    expect(code).toBe(0);
    for (const command of ['demo', 'simulator', 'check']) expect(stdout).toContain(`am-session-proxy ${command}`);
    expect(stderr).toBe('');
  });

  it.each([[['serv']], [['check', 'twice']], [['--port', '1']], [['-x']]])(
    'exits with 64 and the usage for %j',
    async (args) => {
      const { code, stdout, stderr } = await runCommand(args, am);
      expect(code).toBe(64);
      expect(stdout).toBe('');
      expect(stderr).toContain('am-session-proxy check');
    },
  );

  it.each([[[]], [['simulator']]])('exits with 69 when the port is taken: %j', async (args) => {
    const { port, close } = await takenPort();
    const { code, stderr } = await runCommand(args, { ...am, PORT: port });
    close();
    expect(code).toBe(69);
    expect(stderr).toContain('EADDRINUSE');
    expect(stderr).toContain(port);
  });

  it.each(['192.0.2.1', 'no-such-host.invalid'])('exits with 69 when the host is not ours: %s', async (host) => {
    const { code } = await runCommand([], { ...am, HOST: host, PORT: '0' });
    expect(code).toBe(69);
  });

  it('logs JSON lines, but for the line that says where it listens', async () => {
    const command = startCommand([], { ...am, PORT: '0', AM_TIMEOUT_MS: '200' });
    const url = await command.says(/^am-session-proxy listens on (http:\/\/127\.0\.0\.1:\d+)$/m);
    await request(url, '/livez');
    await command.says(/("am":"away")/);
    command.child.kill('SIGTERM');
    expect(await command.exit).toBe(0);
    const lines = command.stdout().trim().split('\n');
    lines.splice(lines.indexOf(`am-session-proxy listens on ${url}`), 1);
    for (const line of lines) expect(JSON.parse(line)).toHaveProperty('msg');
  });
});

describe.concurrent('am-session-proxy simulator', () => {
  it('runs an AM on HOST and PORT, with the flavour, cookie and frequency of the environment', async () => {
    const command = startCommand(['simulator'], { PORT: '0', AM_FLAVOR: 'openam', AM_COOKIE_NAME: 'sso' });
    const url = await command.says(/on (http:\/\/127\.0\.0\.1:\d+\/am)$/m);
    expect(command.stdout()).toContain('openam');
    const info = await request(url, '/am/json/serverinfo/*', { headers: { 'accept-api-version': 'resource=1.1' } });
    expect(info.json()).toMatchObject({ cookieName: 'sso' });
    command.child.kill('SIGTERM');
    expect(await command.exit).toBe(0);
  });
});
