// A real redis-server with a folder of its own, that keeps nothing on disk.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@redis/client';
import { pathOf } from './programs.js';

export interface RedisServer {
  readonly port: number;
  /** `redis://127.0.0.1:port` */
  readonly url: string;
  readonly pid: number;
  /** What it logged. */
  log(): string;
  /** Sends it commands, one after the other, on a connection of their own. */
  ask(...commands: readonly (readonly string[])[]): Promise<unknown[]>;
  /** Stops its process: connections stay open, and nothing answers. */
  pause(): void;
  resume(): void;
  /** Ends it like a crash. */
  kill(): Promise<void>;
  /** Ends it as an operator does. */
  stop(): Promise<void>;
  /** Starts it again at the same port: empty, unless `appendonly` keeps its keys in the folder. */
  start(): Promise<void>;
  /** Stops it and removes its folder. */
  close(): Promise<void>;
}

/** @param extra more of its command line, such as `--maxmemory 1mb`; a TLS port comes by `--tls-port` */
export async function startRedis(...extra: readonly string[]): Promise<RedisServer> {
  const folder = mkdtempSync(join(tmpdir(), 'redis-'));
  const logFile = join(folder, 'redis.log');
  const port = await freePort();
  const settings = {
    port: String(port),
    bind: '127.0.0.1',
    dir: folder,
    logfile: logFile,
    save: '',
    appendonly: 'no',
  };
  const line = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value]);
  let child: ChildProcess;
  let exited: Promise<unknown>;

  async function start(): Promise<void> {
    child = spawn(pathOf('redis-server'), [...line, ...extra], { stdio: 'ignore' });
    exited = once(child, 'exit');
    await accepting(port, () => {
      if (child.exitCode !== null) throw new Error(`redis-server ended with ${child.exitCode}: ${log()}`);
    });
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    // a paused one hears nothing but SIGKILL
    if (signal !== 'SIGKILL') child.kill('SIGCONT');
    await exited;
  }

  function log(): string {
    return readFileSync(logFile, 'utf8');
  }

  await start();
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    get pid() {
      return child.pid ?? 0;
    },
    log,
    ask: (...commands) => ask(port, commands),
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
    start,
    async close() {
      await end('SIGKILL');
      rmSync(folder, { recursive: true });
    },
  };
}

/** Its one node has all slots. */
export async function startRedisCluster(...extra: readonly string[]): Promise<RedisServer> {
  // what a cluster tells of its nodes has their address
  const bus = ['--cluster-port', String(await freePort()), '--cluster-announce-ip', '127.0.0.1'];
  const server = await startRedis('--cluster-enabled', 'yes', ...bus, ...extra);
  await server.ask(['CLUSTER', 'ADDSLOTSRANGE', '0', '16383']);
  for (let state = ''; !state.includes('cluster_state:ok');) {
    const [info] = await server.ask(['CLUSTER', 'INFO']);
    state = String(info);
  }
  return server;
}

async function ask(port: number, commands: readonly (readonly string[])[]): Promise<unknown[]> {
  const client = createClient({ socket: { host: '127.0.0.1', port, reconnectStrategy: false } });
  client.on('error', () => undefined);
  await client.connect();
  const replies: unknown[] = [];
  try {
    for (const command of commands) replies.push(await client.sendCommand(command));
  } finally {
    client.destroy();
  }
  return replies;
}

/** Below those that the system gives to outgoing connections: it must be free still when the server starts again. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    const server = net.createServer().listen(port, '127.0.0.1');
    const isFree = await once(server, 'listening').then(
      () => true,
      () => false,
    );
    server.close();
    if (isFree) return port;
  }
}

async function accepting(port: number, stillThere: () => void): Promise<void> {
  for (;;) {
    stillThere();
    const socket = net.connect(port, '127.0.0.1');
    const came = await once(socket, 'connect').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (came) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
