// What whoever is on call reads: few lines, each of them news, and none with a token.

import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { sessionProxy } from '../src/index.js';
import { settingOf, variables } from '../src/config/settings.js';
import { createErrorReport } from '../src/ops/log.js';
import { startCommand } from './support/command.js';
import { request } from './support/http.js';
import { recordingLogger } from './support/log.js';
import { logLines } from './support/log-lines.js';
import { startServing } from './support/serving.js';
import { eventually, startStack, type Stack } from './support/stack.js';
import { startUpstream } from './support/upstream.js';
import { createVirtualClock } from './support/virtual-clock.js';

describe('the command', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await startStack();
  });
  afterAll(() => stack.close());

  /** A day in its life; resolves with all that it wrote, and the tokens that it saw. */
  async function aDay(level: string) {
    const tokens = [stack.am.login(), stack.am.login()] as const;
    const api = await startUpstream();
    const { command, url, cookie } = await startServing(stack, {
      LOG_LEVEL: level,
      PROXY_ROUTES: `/api=${api.url}`,
      REDIS_URL: '',
    });
    const as = (token: string, path: string, method = 'GET') => request(url, path, { method, headers: cookie(token) });
    const [user, newcomer] = tokens;
    for (let n = 0; n < 5; n++) expect((await as(user, '/api/x?name=s3cr3t')).status).toBe(200);

    await stack.am.stop();
    for (let n = 0; n < 5; n++) {
      expect((await as(newcomer, '/api/x')).status).toBe(503);
      expect((await as(user, '/api/x')).status).toBe(200);
    }
    await stack.am.start();
    await eventually(async () => (await as(newcomer, '/api/x')).status === 200);

    await api.close();
    for (let n = 0; n < 5; n++) expect((await as(user, '/api/x?name=s3cr3t')).status).toBe(502);
    const again = await startUpstream(api.port);
    for (let n = 0; n < 5; n++) expect((await as(user, '/api/x')).status).toBe(200);

    expect((await as(user, '/logout', 'POST')).status).toBe(200);
    expect((await as(user, '/api/x')).status).toBe(401);
    command.child.kill('SIGTERM');
    expect(await command.exit).toBe(0);
    await again.close();
    return { output: command.stdout() + command.stderr(), url, api: api.url, tokens };
  }

  it('says what runs, each change of state once, and how it ended', async () => {
    const { output, url, api } = await aDay('info');
    const seconds = expect.any(Number) as number;
    expect(logLines([output])).toEqual([
      {
        level: 'info',
        message: 'am-session-proxy starts',
        version: expect.stringMatching(/^\d+\.\d+\.\d+/) as string,
        node: process.version,
        am: stack.am.url,
        realm: '/',
        flavor: 'ping',
        updateFrequencyS: 2,
        trustS: 120,
        downGraceS: 300,
        routes: 1,
        publicRoutes: 1,
        store: 'memory',
      },
      { level: 'info', message: 'listening', url, pid: expect.any(Number) as number },
      {
        level: 'warn',
        message:
          'AM does not answer: sessions confirmed within AM_DOWN_GRACE_S (am.downGraceS) go on, no other is let in',
        am: 'away',
        cause: 'connect',
        detail: 'ECONNREFUSED',
        hint: 'nothing listens there: is it running?',
        url: stack.am.url,
      },
      {
        level: 'warn',
        message: 'AM answers again',
        am: 'up',
        url: stack.am.url,
        forS: seconds,
        failed: expect.any(Number) as number,
      },
      {
        level: 'warn',
        message: 'no answer from the upstream: requests to this route fail until it answers',
        code: 'upstream_unavailable',
        route: '/api',
        target: api,
        cause: 'ECONNREFUSED',
        method: 'GET',
        requestId: expect.stringMatching(/^[\da-f-]{36}$/) as string,
        hint: 'nothing listens there: is it running?',
        failed: 1,
      },
      { level: 'warn', message: 'the upstream answers again', route: '/api', target: api, failed: 5, forS: seconds },
      {
        level: 'info',
        message: 'stopping: not ready any more, requests under way may finish',
        signal: 'SIGTERM',
        requests: 0,
        timeoutS: 10,
      },
      { level: 'info', message: 'stopped', tookMs: expect.any(Number) as number, cut: 0 },
    ]);
  });

  it.each(['info', 'debug'])('writes no token and no query at level %s', async (level) => {
    const { output, tokens } = await aDay(level);
    expect(output.length).toBeGreaterThan(500);
    for (const token of tokens) expect(output.includes(token)).toBe(false);
    expect(output).not.toContain('s3cr3t');
  });

  it('says which signal ended it, and how many requests it cut', async () => {
    const { command, url, cookie } = await startServing(stack, { SHUTDOWN_TIMEOUT_S: '0.2' });
    const before = stack.upstream.seen.length;
    stack.upstream.answer = () => undefined;
    const never = request(url, '/api/never', { headers: cookie(stack.am.login()) }).catch((error: Error) => error);
    await eventually(() => stack.upstream.seen.length > before);
    command.child.kill('SIGINT');
    expect(await command.exit).toBe(0);
    stack.upstream.answer = undefined;
    await never;
    expect(logLines([command.stdout()]).slice(2)).toMatchObject([
      { level: 'info', signal: 'SIGINT', requests: 1, timeoutS: 0.2 },
      {
        level: 'warn',
        requests: 1,
        message: expect.stringContaining('SHUTDOWN_TIMEOUT_S (shutdownTimeoutS)') as string,
      },
      { level: 'info', message: 'stopped', cut: 1 },
    ]);
  });

  it('names what it was asked to listen on when it cannot', async () => {
    const { port } = stack.upstream;
    const taken = startCommand([], { AM_URL: stack.am.url, PORT: `${port}` });
    expect(await taken.exit).toBe(69);
    expect(taken.stderr()).toBe(
      `am-session-proxy: PORT ${port} on 127.0.0.1 is taken by another process (EADDRINUSE)\n`,
    );
    const elsewhere = startCommand([], { AM_URL: stack.am.url, HOST: '192.0.2.1', PORT: '0' });
    expect(await elsewhere.exit).toBe(69);
    expect(elsewhere.stderr()).toBe('am-session-proxy: HOST 192.0.2.1 is no address of this machine (EADDRNOTAVAIL)\n');
  });
});

describe('options of the command, in the library', () => {
  it('are said to do nothing', async () => {
    const lines: string[] = [];
    const bff = sessionProxy({
      am: { url: 'http://127.0.0.1:1/am' },
      port: 1234,
      adminPort: 9999,
      logger: recordingLogger(lines),
    });
    await bff.close();
    const warnings = lines.filter((line) => line.includes('these options do nothing here'));
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain('["port","adminPort"]');
  });
});

describe('an error that nobody expected', () => {
  function setUp() {
    const log: string[] = [];
    const clock = createVirtualClock(0);
    return { log, clock, report: createErrorReport(recordingLogger(log), clock) };
  }
  const fail = (message: string): Error => new TypeError(message);

  test('comes with its name, its place and the request', () => {
    const { log, report } = setUp();
    report(fail('x is not a function'), 'a request failed in here', { requestId: 'r1' });
    expect(logLines(log)).toEqual([
      {
        level: 'error',
        message: 'a request failed in here',
        error: 'TypeError: x is not a function',
        stack: expect.stringMatching(/^\s+at fail .*log-lines\.test\.ts/) as string,
        requestId: 'r1',
      },
    ]);
  });

  test('at one place is one line a minute, which counts', async () => {
    const { log, clock, report } = setUp();
    for (let s = 0; s < 61; s++) {
      report(fail(`number ${s}`), 'a request failed in here');
      await clock.advance(1_000);
    }
    report(new Error('elsewhere'), 'a request failed in here');
    expect(logLines(log).filter(({ level }) => level === 'error')).toMatchObject([
      { error: 'TypeError: number 0' },
      { error: 'TypeError: number 60', times: 60 },
      { error: 'Error: elsewhere' },
    ]);
  });

  test('shows no token, neither from its message nor from what hangs on it', () => {
    const { log, report } = setUp();
    const token = 'AQIC5wM2LY4Sfcxs9pVk3lqTg0sVn5yqPqvFAKGtKk0AAJTSQACMDE.*AAJTMQACMDE.*';
    report(Object.assign(fail(`bad header ${token}\n  at ${token}`), { headers: { cookie: token } }), 'failed');
    report(new Error(`j:${encodeURIComponent(token)}`), 'failed');
    report(token, 'failed');
    expect(log).toHaveLength(3);
    for (const line of log) expect(line).not.toContain(token.slice(0, 40));
    expect(log[0]).toContain('bad header ***');
  });
});

test('every setting that a message names is named as in the environment and as an option', () => {
  const folder = fileURLToPath(new URL('../src', import.meta.url));
  // what names settings otherwise is no message of the log
  const others =
    /^(?:config|demo|simulator|commands)\/|^(?:env|cli)\.ts$|^ops\/(?:admin|listen|listen-error|metrics)\.ts$/;
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  // a short one may be any constant
  const named = variables.filter((variable) => variable.includes('_'));
  const found: string[] = [];
  for (const file of files.filter((name) => name.endsWith('.ts') && !others.test(name))) {
    const code = readFileSync(`${folder}/${file}`, 'utf8').replaceAll(/\/\*[^]*?\*\/|(?<![:'"`])\/\/.*/g, '');
    for (const variable of named)
      for (const [text, after] of code.matchAll(new RegExp(String.raw`(?<![A-Z_])${variable}(?![A-Z_])(.{0,40})`, 'g')))
        if (!after?.startsWith(` (${settingOf(variable).option})`)) found.push(`${file}: ${text}`);
  }
  expect(found).toEqual([]);
});
