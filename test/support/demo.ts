// The demo as a user starts it: the built command, a process of its own.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { vi } from 'vitest';
import { request } from './http.js';

export const cli = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));

const children: ChildProcess[] = [];

export function endDemos(): void {
  for (const child of children) child.kill('SIGKILL');
}

export interface Demo {
  readonly child: ChildProcess;
  readonly exited: Promise<unknown[]>;
  /** All that it wrote, to stdout and stderr. */
  output(): string;
  /** What stands behind a word at the left of the guide, up to the next blank. */
  place(name: string): string;
}

/** With a free port, until {@link endDemos}. */
export async function startDemo(environment: Record<string, string>): Promise<Demo> {
  const child = spawn(process.execPath, [cli, 'demo'], {
    env: { PATH: process.env['PATH'], PORT: '0', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    // no .env of the developer's
    cwd: fileURLToPath(new URL('.', import.meta.url)),
  });
  children.push(child);
  let output = '';
  const exited = once(child, 'exit');
  const started = new Promise<void>((resolve, reject) => {
    const read = (chunk: Buffer) => {
      output += chunk.toString();
      if (output.includes('Ctrl+C')) resolve();
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('exit', () => reject(new Error(`the demo ended: ${output}`)));
  });
  await started;
  const place = (name: string) => new RegExp(`^  ${name} +(\\S+)`, 'm').exec(output)?.[1] ?? '';
  await vi.waitUntil(async () => (await request(place('page'), '/readyz')).status === 200);
  return { child, exited, output: () => output, place };
}

/** Signs in as the guide says, and resolves with the cookie. */
export async function signInAt(demo: Demo): Promise<string> {
  const goto = `${demo.place('page')}?from=login`;
  const form = new URLSearchParams({ username: demo.place('user'), password: demo.place('password') });
  const answer = await request(demo.place('AM'), `/am/XUI/?${new URLSearchParams({ goto }).toString()}`, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    body: form.toString(),
  });
  if (answer.headers.location !== goto) throw new Error(`the login was answered with ${answer.status}`);
  return answer.setCookies[0]?.split(';')[0] ?? '';
}
