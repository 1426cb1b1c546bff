// Runs a program, and ends it with all that it started when whoever asked for it is gone: then the pipe on descriptor 3
// breaks, however he ended.
//   node leash.mjs FOLDER PROGRAM ARGUMENT...
// FOLDER is removed if he is no longer there to do so; '' for none.
import { spawn } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import net from 'node:net';

const [folder, program, ...args] = process.argv.slice(2);
const PATIENCE_MS = 20_000;
const parent = process.ppid;
const owner = new net.Socket({ fd: 3 });

let ending = false;
const child = spawn(program, args, { stdio: ['inherit', 'inherit', 'inherit'] });
child.on('error', () => {
  if (child.pid === undefined) owner.end('not found', () => process.exit(1));
});
child.on('exit', (code) => {
  // the folder is his who started this, as long as he is there to remove it
  if (process.ppid !== parent && folder !== '' && existsSync(folder)) rmSync(folder, { recursive: true, force: true });
  if (ending) signalAll('SIGKILL');
  process.exit(code ?? 1);
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, end);
owner.on('end', end).on('error', end).resume();

function end() {
  if (ending) return;
  ending = true;
  signalAll('SIGTERM');
  setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS).unref();
}

/** This process leads a group, and hears it itself. */
function signalAll(signal) {
  process.kill(-process.pid, signal);
}
