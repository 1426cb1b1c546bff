// The README is run, and compared with the code: what a newcomer copies works.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { settingOf, variables } from '../src/config/settings.js';
import { problemStatus, type ProblemCode } from '../src/problem.js';
import { createAmSimulator, type AmSimulator } from '../src/simulator/index.js';
import { request } from './support/http.js';
import { startUpstream, type Upstream } from './support/upstream.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const readme = readFileSync(join(root, 'README.md'), 'utf8');

const blocks = (language: string) =>
  [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))].map(([, code]) => code ?? '');
const servers = blocks('js').filter((code) => code.includes("from 'am-session-proxy'"));
const [mounted, wrapped] = servers;
const command = blocks('sh').find((code) => code.includes('npx am-session-proxy'));

let am: AmSimulator;
let upstream: Upstream;
let folder: string;

beforeAll(async () => {
  am = await createAmSimulator();
  upstream = await startUpstream();
  // inside the package, so that its own name resolves through its exports; ignored by everything else
  folder = mkdtempSync(join(root, 'dist', 'readme-'));
  mkdirSync(join(folder, 'dist'));
  writeFileSync(join(folder, 'dist/index.html'), 'the page');
});

afterAll(async () => {
  rmSync(folder, { recursive: true });
  await upstream.close();
  await am.close();
});

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** The same text but for the addresses, which have to be in it. */
function withAddresses(code: string): string {
  let text = code;
  for (const [documented, actual] of [
    ['https://am.example.com/am', am.url],
    ['http://127.0.0.1:4000', upstream.url],
  ] as const) {
    expect(text).toContain(documented);
    text = text.replaceAll(documented, actual);
  }
  return text;
}

interface Server {
  readonly url: string;
  /** Resolves with the exit code. */
  stop(): Promise<unknown>;
}

async function start(script: string, port: number, environment: Record<string, string> = {}): Promise<Server> {
  const child = spawn(process.execPath, [script], {
    cwd: folder,
    env: { PATH: process.env['PATH'], ...environment },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let complaint = '';
  child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
  const url = `http://127.0.0.1:${port}`;
  await vi.waitUntil(
    async () => {
      if (child.exitCode !== null) throw new Error(complaint);
      const answer = await request(url, '/readyz').catch(() => undefined);
      return answer?.status === 200;
    },
    { timeout: 10_000 },
  );
  return {
    url,
    async stop() {
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      return (await exited)[0] as unknown;
    },
  };
}

async function startSnippet(name: string, code = ''): Promise<Server> {
  const port = await freePort();
  expect(code).toContain('3000');
  const script = join(folder, `${name}.mjs`);
  writeFileSync(script, withAddresses(code).replace('3000', String(port)));
  return start(script, port);
}

/** One request to the API with a live session, one without. */
async function expectGuardedApi(url: string, realm: string): Promise<void> {
  const token = am.login('demo', realm);
  const agent = new http.Agent({ keepAlive: true });
  const passed = await request(url, '/api/orders', { agent, headers: { cookie: `${am.cookieName}=${token}` } });
  agent.destroy();
  expect(passed.status).toBe(200);
  expect(passed.headers['keep-alive']).toBe('timeout=75');
  expect(upstream.seen.at(-1)?.headers).toMatchObject({ 'x-forwarded-user': 'demo', 'x-forwarded-realm': realm });
  expect(JSON.stringify(upstream.seen.at(-1))).not.toContain(token);
  expect((await request(url, '/api/orders')).status).toBe(401);
}

async function expectGuardedReport(url: string): Promise<void> {
  const headers = { cookie: `${am.cookieName}=${am.login('demo', '/alpha')}` };
  const passed = await request(url, '/report', { headers });
  expect([passed.status, passed.json()]).toEqual([200, { user: 'demo', realm: '/alpha' }]);
  expect((await request(url, '/report')).status).toBe(401);
}

test('the Express snippet runs, guards the API and the own route, and ends with SIGTERM', async () => {
  const server = await startSnippet('mounted', mounted);
  await expectGuardedApi(server.url, '/alpha');
  await expectGuardedReport(server.url);
  expect((await request(server.url, '/')).body).toBe('the page');
  expect(await server.stop()).toBe(0);
});

test('the snippet with wrap runs, and guards the API and the own route', async () => {
  expect(wrapped).toContain('bff.wrap(app)');
  const server = await startSnippet('wrapped', wrapped);
  await expectGuardedApi(server.url, '/alpha');
  await expectGuardedReport(server.url);
  await server.stop();
});

test('there is no further server snippet that nobody runs', () => {
  expect(servers).toHaveLength(2);
});

test('the command runs with the environment that is shown', async () => {
  const [line = ''] = command?.split('\n') ?? [];
  const words = withAddresses(line).split(' ');
  const environment = Object.fromEntries(
    words.slice(0, -2).map((word) => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)]),
  );
  expect(Object.keys(environment)).toEqual(['AM_URL', 'PROXY_ROUTES', 'STATIC_DIR']);
  const port = await freePort();
  const server = await start(join(root, 'dist/cli.js'), port, { ...environment, PORT: String(port) });
  await expectGuardedApi(server.url, '/');
  expect((await request(server.url, '/')).body).toBe('the page');
  expect(await server.stop()).toBe(0);
});

const rows = readme
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) => line.split('|').map((cell) => cell.trim()));

test('the table of errors has every code with its status', () => {
  const documented = rows.filter(([, , second]) => /^\d{3}$/.test(second ?? ''));
  const codes = {
    session_missing: 0,
    session_expired: 0,
    session_ended: 0,
    session_wrong_realm: 0,
    cross_site_request: 0,
    bad_request_target: 0,
    am_unavailable: 0,
    am_refused: 0,
    upstream_unavailable: 0,
    upstream_timeout: 0,
    not_found: 0,
    method_not_allowed: 0,
    internal_error: 0,
    bad_request: 0,
    request_timeout: 0,
    headers_too_large: 0,
  } satisfies Record<ProblemCode, number>;
  const expected = (Object.keys(codes) as ProblemCode[]).map((code) => [`\`${code}\``, String(problemStatus(code))]);
  expect(documented.map(([, code, status]) => [code, status])).toEqual(expected);
});

test('the table of variables shows names and defaults as they are', () => {
  const names: readonly string[] = variables;
  const documented = rows.flatMap(([, name = '', value = '']) => {
    const defaults = value.split(' / ');
    return name.split(' / ').map((each, i) => [each.replaceAll('`', ''), defaults[i]?.replaceAll('`', '')] as const);
  });
  const known = documented.filter(([name]) => names.includes(name));
  expect(known.length).toBeGreaterThan(12);
  expect(documented.filter(([name]) => /^[A-Z_]+$/.test(name))).toEqual(known);
  for (const [name, value] of known) {
    const variable = variables.find((each) => each === name);
    const fallback = variable && settingOf(variable).default;
    if (fallback !== undefined) expect([name, value]).toEqual([name, fallback]);
  }
});

test.each(['README.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md'])('%s links to files that exist', (page) => {
  const links = [...readFileSync(join(root, page), 'utf8').matchAll(/\]\((?!https?:)([^)#]+)/g)];
  for (const [, link = ''] of links) expect(existsSync(join(root, link)), link).toBe(true);
});
