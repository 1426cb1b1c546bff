// The processes: one Redis, four nodes. They are ended by their own process ids, and only they.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, existsSync, rmSync } from 'node:fs';
import net from 'node:net';
import { delimiter, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import * as settings from './settings.mjs';
import { freePort } from '../ports.mjs';

const cli = fileURLToPath(new URL('../../dist/cli.js', import.meta.url));
const running = new Set();

function start(program, args, options) {
  const child = spawn(program, args, options);
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

/** A stopped process hears nothing but this. */
export function killAll() {
  for (const child of running) child.kill('SIGKILL');
}

async function kill(child) {
  if (!running.has(child)) return;
  child.kill('SIGKILL');
  await once(child, 'exit');
}

export function findRedis() {
  // where Debian has servers, and users other than root do not look
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin'];
  return folders.map((folder) => join(folder, 'redis-server')).find((path) => existsSync(path));
}

export async function startRedis(program, folder, timeline) {
  const port = await freePort();
  const args = {
    port,
    bind: '127.0.0.1',
    dir: folder,
    save: '',
    appendonly: 'yes',
    logfile: join(folder, 'redis.log'),
  };
  const line = Object.entries(args).flatMap(([name, value]) => [`--${name}`, String(value)]);
  let child;

  async function run() {
    child = start(program, line, { stdio: 'ignore' });
    while (!(await accepts(port))) {
      if (child.exitCode !== null) throw new Error(`redis-server ended with ${child.exitCode}: ${args.logfile}`);
      await pause(10);
    }
  }

  await run();
  return {
    url: `redis://127.0.0.1:${port}`,
    /** @param empty whether it comes back without what it knew */
    async crash(ms, empty) {
      const over = timeline.begin('redis', empty ? 'killed, back empty' : 'killed, back with its keys');
      await kill(child);
      await pause(ms);
      if (empty) rmSync(join(folder, 'appendonlydir'), { recursive: true });
      await run();
      over();
    },
    async freeze(ms) {
      const over = timeline.begin('redis', 'stopped');
      child.kill('SIGSTOP');
      await pause(ms);
      child.kill('SIGCONT');
      over();
    },
  };
}

export async function startNode(number, { folder, world, redisUrl, timeline }) {
  const port = await freePort();
  const out = createWriteStream(join(folder, `node-${number}.log`));
  const env = {
    PATH: process.env.PATH ?? '',
    AM_URL: world.amUrl,
    AM_COOKIE_NAME: world.cookieName,
    AM_UPDATE_FREQUENCY_S: String(settings.frequencyS),
    AM_TIMEOUT_MS: String(settings.timeoutMs),
    AM_DOWN_GRACE_S: String(settings.graceMs / 1_000),
    SESSION_TRUST_S: String(settings.trustMs / 1_000),
    REDIS_URL: redisUrl,
    PROXY_ROUTES: `/api=${world.apiUrl}`,
    // each user has an address of his own
    TRUST_PROXY: '1',
    PUBLIC_URL: `http://127.0.0.1:${port}`,
    PORT: String(port),
    ADMIN_PORT: String(await freePort()),
  };
  let child;
  let isMeant = false;

  async function run() {
    const serves = timeline.reborn(number);
    child = start(process.execPath, [cli], { env, cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
    isMeant = false;
    const exit = once(child, 'exit').then(([code, signal]) => {
      if (!isMeant) timeline.problem(`node ${number} ended by itself: ${code ?? signal}`);
    });
    child.stderr.on('data', (chunk) => timeline.problem(`node ${number} on stderr: ${String(chunk).trim()}`));
    await new Promise((resolve) => {
      createInterface({ input: child.stdout }).on('line', (text) => {
        out.write(`${text}\n`);
        if (text.startsWith('am-session-proxy listens')) resolve();
        if (text.startsWith('{')) heard(JSON.parse(text));
      });
      void exit.then(resolve);
    });
    serves();
  }

  function heard({ level, msg }) {
    if (level === 'error') timeline.problem(`node ${number} logged an error: ${msg}`);
  }

  await run();
  return {
    number,
    port,
    metricsUrl: `http://127.0.0.1:${env.ADMIN_PORT}/metrics`,
    async crash(ms) {
      const over = timeline.begin(number, 'killed');
      isMeant = true;
      await kill(child);
      await pause(ms);
      await run();
      over();
    },
    async freeze(ms) {
      const over = timeline.begin(number, 'stopped');
      child.kill('SIGSTOP');
      await pause(ms);
      child.kill('SIGCONT');
      over();
    },
    async stop() {
      isMeant = true;
      child.kill('SIGTERM');
      const [code] = await once(child, 'exit');
      if (code !== 0) timeline.problem(`node ${number} ended with ${code} at SIGTERM`);
    },
  };
}

async function accepts(port) {
  const socket = net.connect(port, '127.0.0.1');
  const came = await once(socket, 'connect').then(
    () => true,
    () => false,
  );
  socket.destroy();
  return came;
}
