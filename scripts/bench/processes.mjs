// The processes of the bench, each on its core. They are ended by their own process ids, and only they.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { pinned } from './machine.mjs';

const here = (name) => fileURLToPath(new URL(name, import.meta.url));
export const cli = here('../../dist/cli.js');
const running = new Set();
let questions = 0;

/** Not SIGKILL: nginx would leave its worker behind. */
export function killAll() {
  for (const child of running) child.kill('SIGTERM');
}

/** For a server's files; removed when the bench ends, however that comes. */
export function scratchFolder() {
  const folder = mkdtempSync(join(tmpdir(), 'am-session-proxy-bench-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** @param env nothing else of ours: a setting in the shell must not change what is measured */
export function start(program, args, { core, env = {}, ipc = false }) {
  const child = spawn(...pinned(core, program, args), {
    env: { PATH: process.env.PATH ?? '', ...env },
    stdio: ['ignore', 'pipe', 'inherit', ...(ipc ? ['ipc'] : [])],
  });
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

/** With the flags that the bench itself was started with: whatever it measures has the same. */
export function startNode(args, options) {
  return start(process.execPath, [...process.execArgv, ...args], options);
}

export async function stop(child) {
  if (!running.has(child)) return;
  const exit = once(child, 'exit');
  child.kill('SIGTERM');
  await Promise.race([exit, pause(5_000, undefined, { ref: false }).then(() => child.kill('SIGKILL'))]);
  if (running.has(child)) await exit;
}

/** A file of the bench as a process; resolves once it says what it is ready with. */
export async function startOwn(name, argument, core, flags = []) {
  const child = startNode([...flags, here(name), JSON.stringify(argument)], { core, ipc: true });
  child.stdout.pipe(process.stderr);
  const [message] = await firstOf(child, 'message', name);
  return { child, ...message, ask: (question, value) => ask(child, question, value), stop: () => stop(child) };
}

/** The command as users start it, but for the one file that tells its CPU time. */
export async function startCommand(env, { core }) {
  const usage = new URL('usage.mjs', import.meta.url).href;
  const child = startNode(['--import', usage, cli], { core, env, ipc: true });
  const lines = createInterface({ input: child.stdout });
  const listening = new Promise((resolve) => {
    lines.on('line', (line) => {
      const [, url] = /^am-session-proxy listens on (.*)$/.exec(line) ?? [];
      if (url) resolve([url]);
      else if (/"level":"(?:warn|error)"/.test(line)) process.stderr.write(`the command: ${line}\n`);
    });
  });
  const [url] = await Promise.race([listening, failure(child, 'the command')]);
  await untilReady(url);
  return { child, port: Number(new URL(url).port), ask: (question) => ask(child, question), stop: () => stop(child) };
}

export async function untilReady(url, everyMs = 10) {
  for (let tries = 0; tries < 1_000; tries++) {
    const answer = await fetch(`${url}/readyz`).catch(() => undefined);
    await answer?.arrayBuffer();
    if (answer?.status === 200) return;
    await pause(everyMs);
  }
  throw new Error(`${url} did not become ready`);
}

function ask(child, question, argument) {
  const id = ++questions;
  return new Promise((resolve, reject) => {
    const heard = (message) => {
      if (message.id !== id) return;
      forget();
      if (message.error === undefined) resolve(message.result);
      else reject(new Error(`${question}: ${message.error}`));
    };
    const ended = (code) => {
      forget();
      reject(new Error(`asked for ${question}, it ended with ${code}`));
    };
    const forget = () => child.off('message', heard).off('exit', ended);
    child.on('message', heard).on('exit', ended);
    child.send({ id, question, argument });
  });
}

const firstOf = (child, event, name) => Promise.race([once(child, event), failure(child, name)]);

async function failure(child, name) {
  const [code, signal] = await once(child, 'exit');
  throw new Error(`${name} ended before it was ready: ${code ?? signal}`);
}
