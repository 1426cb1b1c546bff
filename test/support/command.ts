// The built command as a process of its own, in a folder and an environment that are otherwise empty.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const cli = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));

interface Command {
  readonly child: ChildProcess;
  stdout(): string;
  stderr(): string;
  /** Resolves with what the pattern's group matched on stdout; rejects when the process ends before. */
  says(pattern: RegExp): Promise<string>;
  /** Resolves with the exit code. */
  readonly exit: Promise<number | null>;
}

/** @param dotEnv what `./.env` holds */
export function startCommand(args: readonly string[], env: Record<string, string> = {}, dotEnv?: string): Command {
  const folder = mkdtempSync(join(tmpdir(), 'am-session-proxy-'));
  if (dotEnv !== undefined) writeFileSync(join(folder, '.env'), dotEnv);
  const child = spawn(process.execPath, [cli, ...args], { env, cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const exit = once(child, 'close').then(([code]) => {
    rmSync(folder, { recursive: true, force: true });
    return code as number | null;
  });
  return {
    child,
    exit,
    stdout: () => stdout,
    stderr: () => stderr,
    says: (pattern) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          const found = pattern.exec(stdout)?.[1];
          if (found !== undefined) resolve(found);
        };
        child.stdout.on('data', look);
        void exit.then((code) => reject(new Error(`ended with ${code}: ${stderr}`)));
        look();
      }),
  };
}

/** Runs it to its end. */
export async function runCommand(args: readonly string[], env: Record<string, string> = {}, dotEnv?: string) {
  const command = startCommand(args, env, dotEnv);
  const code = await command.exit;
  return { code, stdout: command.stdout(), stderr: command.stderr() };
}
