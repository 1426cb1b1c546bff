// Starts a program that does not outlive this process, in a process group of its own.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const leash = fileURLToPath(new URL('leash.mjs', import.meta.url));

/** `folder` is removed after this process was killed; `stdio` and the rest are those of `spawn`. */
export function startLeashed(program, args, { folder = '', stdio, ...options }) {
  const child = spawn(process.execPath, [leash, folder, program, ...args], {
    ...options,
    stdio: [...stdio, 'pipe'],
    detached: true,
  });
  let isFound = true;
  child.stdio[3].on('error', () => undefined).on('data', () => (isFound = false));
  const exited = once(child, 'exit');
  const kill = async () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
    } catch {
      // nobody is left in the group
    }
    await exited;
  };
  return {
    child,
    /** Whether there is such a program; known when it has exited. */
    isFound: () => isFound,
    runs: () => child.exitCode === null && child.signalCode === null,
    /** Resolves with the exit code; 1 after a signal. */
    exited: exited.then(([code]) => code ?? 1),
    /** Asks it to end, insists after a while, and resolves when nothing of it is left. */
    async end() {
      child.stdio[3].destroy();
      await exited;
      await kill();
    },
    /** Ends it at once. */
    kill,
  };
}
