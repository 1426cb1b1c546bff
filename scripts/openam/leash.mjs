// Runs java, and ends it when whoever started this is gone: then the pipe on our stdin breaks, however he ended.
//   node leash.mjs FOLDER JAVA-ARGUMENT...
import { spawn } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';

const [folder, ...args] = process.argv.slice(2);
const PATIENCE_MS = 20_000;

const java = spawn('java', args, { stdio: ['ignore', 'inherit', 'inherit'], cwd: folder });
const end = () => {
  java.kill('SIGTERM');
  setTimeout(() => java.kill('SIGKILL'), PATIENCE_MS).unref();
};
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, end);
process.stdin.on('end', end).on('error', end).resume();
// the folder is his who started this, as long as he is there to remove it
process.on('exit', () => {
  if (process.ppid === 1 && existsSync(folder)) rmSync(folder, { recursive: true, force: true });
});
java.on('exit', (code) => process.exit(code ?? 1));
