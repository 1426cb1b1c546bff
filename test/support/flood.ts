// A flood of invented tokens by a process of its own, and what known users see meanwhile.

import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { request } from './http.js';
import { pause } from './stack.js';

const script = fileURLToPath(new URL('../../scripts/flood/flood.mjs', import.meta.url));

export interface Flood {
  readonly path: string;
  readonly method: 'GET' | 'POST';
  /** `damaged`: of AM's shape, to which OpenAM answers 500. */
  readonly shape: 'plain' | 'damaged';
  readonly from: 'one' | 'many';
}

interface FloodResult {
  readonly sent: number;
  readonly answered: number;
  readonly statuses: Readonly<Record<string, number>>;
  readonly perSecond: number;
}

/** So many requests are under way at most: what the proxy cannot answer in time is held back, not piled up before it. */
const room = { connections: '100', depth: '16' };

/** Ten thousand a second, or as many as the machine has room for. */
export async function runFlood(url: string, flood: Flood, seconds: number): Promise<FloodResult> {
  const given = Object.entries({ url, ...flood, ...room, seconds: String(seconds) }).flatMap(([name, value]) => [
    `--${name}`,
    value,
  ]);
  const { stdout } = await promisify(execFile)(process.execPath, [script, ...given]);
  return JSON.parse(stdout) as FloodResult;
}

export interface Seen {
  readonly statuses: Set<number>;
  readonly tookMs: number[];
}

interface Visit {
  readonly path: string;
  readonly headers: http.OutgoingHttpHeaders;
}

/** Makes these visits in turn, one every `everyMs` whether or not the last was answered, until it is stopped. */
export function visit(url: string, visits: readonly Visit[], everyMs: number): () => Promise<Seen> {
  const agent = new http.Agent({ keepAlive: true });
  const seen: Seen = { statuses: new Set(), tookMs: [] };
  let stopped = false;
  const one = async ({ path, headers }: Visit): Promise<void> => {
    const startedAt = performance.now();
    const { status } = await request(url, path, { agent, headers });
    seen.tookMs.push(performance.now() - startedAt);
    seen.statuses.add(status);
  };
  const running = (async () => {
    const made: Promise<void>[] = [];
    for (let n = 0; !stopped; n++) {
      made.push(one(visits[n % visits.length]!));
      await pause(everyMs);
    }
    await Promise.all(made);
    agent.destroy();
    return seen;
  })();
  return () => {
    stopped = true;
    return running;
  };
}

export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

/** What the process holds in memory, in MB; undefined where there is no `/proc`. */
export function residentMb(pid: number | undefined): number | undefined {
  try {
    const kb = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kb === undefined ? undefined : Math.round(Number(kb) / 1024);
  } catch {
    return undefined;
  }
}
