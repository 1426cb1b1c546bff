// docs/errors.md: every code has its place there with its status, none is made up, and the exit codes are the command's.

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { problemStatus, type ProblemCode } from '../src/problem.js';
import { runCommand, startCommand } from './support/command.js';
import { readPage } from './support/markdown.js';

const page = readPage(new URL('../docs/errors.md', import.meta.url));

/** As clients may rely on them. */
const statuses = {
  session_missing: 401,
  session_expired: 401,
  session_ended: 401,
  session_wrong_realm: 403,
  cross_site_request: 403,
  bad_request_target: 400,
  am_unavailable: 503,
  am_refused: 502,
  upstream_unavailable: 502,
  upstream_timeout: 504,
  not_found: 404,
  method_not_allowed: 405,
  internal_error: 500,
  bad_request: 400,
  request_timeout: 408,
  headers_too_large: 431,
} satisfies Record<ProblemCode, number>;
const codes = Object.keys(statuses) as ProblemCode[];

test('the table on top has every code with its status, and a link to its section', () => {
  const documented = page.rows().filter(([first = '']) => first.startsWith('[`'));
  expect(documented.map(([code, status]) => [code, status])).toEqual(
    codes.map((code) => [`[\`${code}\`](#${code})`, String(statuses[code])]),
  );
  for (const code of codes) expect(problemStatus(code), code).toBe(statuses[code]);
});

test('every code has one section that begins with its status, and no section is of a code that is made up', () => {
  const sections = [...page.text.matchAll(/^### `(\w+)`\n\n- \*\*When\*\*: (\d+)/gm)];
  expect(sections.map(([, code]) => code).toSorted()).toEqual(codes.toSorted());
  for (const [, code, status] of sections)
    expect([code, Number(status)]).toEqual([code, statuses[code as ProblemCode]]);
});

test('the close codes of WebSockets are those that are sent', () => {
  const source = readFileSync(new URL('../src/proxy/tunnel.ts', import.meta.url), 'utf8');
  const sent = [...source.matchAll(/^ {2}(session_ended|session_expired|stopping): (\d+),$/gm)];
  const documented = page.rows('WebSocket close codes').filter(([, reason = '']) => reason.startsWith('`'));
  expect(documented.map(([code, reason]) => [reason, code])).toEqual(
    sent.map(([, reason, code]) => [`\`${reason}\``, `\`${code}\``]),
  );
  expect(sent).toHaveLength(3);
});

test('the exit codes are those that the command ends with', async () => {
  const taken = net.createServer().listen(0, '127.0.0.1');
  await once(taken, 'listening');
  const am = { AM_URL: 'http://127.0.0.1:9/am' };
  const running = startCommand([], { ...am, PORT: '0' });
  await running.says(/listens on (\S+)/);
  running.child.kill('SIGTERM');
  const ends = await Promise.all([
    running.exit,
    runCommand(['--no-such-option'], am).then(({ code }) => code),
    runCommand([], { ...am, PORT: String((taken.address() as AddressInfo).port) }).then(({ code }) => code),
    runCommand([], { AM_URL: 'nonsense' }).then(({ code }) => code),
  ]);
  taken.close();
  const documented = page
    .rows('Exit codes')
    .slice(1)
    .map(([code = '']) => Number(code.replaceAll('`', '')));
  // 1 is for what should not happen
  expect(documented).toEqual([ends[0], 1, ...ends.slice(1)]);
});
