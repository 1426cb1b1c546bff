// scripts/openam: what it says where a program is missing, how it hands on what the command says, and that nothing is left.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';

const script = fileURLToPath(new URL('../scripts/openam/openam.mjs', import.meta.url));
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'openam-script-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

async function run(args: readonly string[], env: Record<string, string>) {
  const child = spawn(process.execPath, [script, ...args], { env: { XDG_CACHE_HOME: folder, ...env } });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const [code] = await once(child, 'close');
  return { code: code as number | null, output };
}

function fakeJava(version: string): void {
  writeFileSync(join(folder, 'java'), `#!/bin/sh\necho 'openjdk version "${version}" 2025-04-15' >&2\n`);
  chmodSync(join(folder, 'java'), 0o755);
}

test('without Java it says in one line what to install', async () => {
  const { code, output } = await run([], { PATH: join(folder, 'empty') });
  expect(code).toBe(1);
  expect(output).toBe('openam: needs Java 17 or later and finds no java: apt-get install -y default-jre-headless\n');
});

test('with a Java that is too old it says which one it found', async () => {
  fakeJava('11.0.2');
  const { code, output } = await run([], { PATH: folder });
  expect(code).toBe(1);
  expect(output).toBe('openam: needs Java 17 or later; this one is openjdk version "11.0.2" 2025-04-15\n');
});

test('without Maven it says what to install, and leaves nothing half done', async () => {
  fakeJava('17.0.15');
  const { code, output } = await run([], { PATH: folder });
  expect(code).toBe(1);
  expect(output).toMatch(/\nopenam: needs Maven and finds no mvn: apt-get install -y maven\n$/);
});

test('with OPENAM_URL it starts nothing, and ends as the command ends', async () => {
  const command = 'console.log(process.env.OPENAM_URL); process.exit(3)';
  const { code, output } = await run(['--', process.execPath, '-e', command], { OPENAM_URL: 'http://am.example/am' });
  expect({ code, output }).toEqual({ code: 3, output: 'http://am.example/am\n' });
});

test('a command that does not exist is said in one line', async () => {
  const { code, output } = await run(['--', 'no-such-command'], { OPENAM_URL: 'http://am.example/am' });
  expect({ code, output }).toEqual({ code: 1, output: 'openam: cannot run no-such-command: not found\n' });
});

test.each<[NodeJS.Signals, number | null]>([
  ['SIGTERM', 143],
  ['SIGINT', 130],
  ['SIGKILL', null],
])('%s ends the command with all that it started', async (signal, expected) => {
  const command = "require('node:child_process').spawn('sleep', ['60'], { stdio: 'inherit' }); console.log('sleeps')";
  const child = spawn(process.execPath, [script, '--', process.execPath, '-e', command], {
    env: { PATH: process.env['PATH'], OPENAM_URL: 'http://am.example/am' },
  });
  await once(child.stdout, 'data');
  child.kill(signal);
  // not before everybody who could write to its output is gone
  const [code] = (await once(child, 'close')) as [number | null];
  expect(code).toBe(expected);
});
