// The machine as the bench uses it: one core for the proxy, another for all that is around it.
import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism, cpus, loadavg } from 'node:os';
import { delimiter, join } from 'node:path';

export function findProgram(name) {
  // where Debian has servers, and users other than root do not look
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin'];
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

const taskset = findProgram('taskset');
const ours = allowedCores();
/** Undefined: processes stay where the system puts them. */
export const cores =
  taskset !== undefined && ours.length >= 2
    ? { around: ours[0], proxy: ours[1] }
    : { around: undefined, proxy: undefined };

/** The command line that keeps a program on a core. */
export function pinned(core, program, args) {
  return core === undefined ? [program, args] : [taskset, ['-c', String(core), program, ...args]];
}

export function describeMachine() {
  const [load] = loadavg();
  const places =
    cores.proxy === undefined
      ? 'NOT pinned (taskset and two cores are needed): figures vary more'
      : `the proxy on core ${cores.proxy}; load, upstream and AM on core ${cores.around}`;
  return {
    node: [process.version, ...process.execArgv].join(' '),
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    loadAverage: Number(load.toFixed(2)),
    places,
  };
}

function allowedCores() {
  if (process.platform !== 'linux') return [];
  const [, list = ''] = /^Cpus_allowed_list:\s*(\S+)$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return list.split(',').flatMap((range) => {
    const [from, to = from] = range.split('-').map(Number);
    return Array.from({ length: to - from + 1 }, (_, i) => from + i);
  });
}

/** In seconds, of its one thread, for programs that cannot be asked. `/proc/PID/stat` counts in 10 ms: too coarse. */
export function cpuSecondsOf(pid) {
  const [nanoseconds] = readFileSync(`/proc/${pid}/schedstat`, 'utf8').split(' ');
  return Number(nanoseconds) / 1e9;
}
