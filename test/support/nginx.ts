// A real nginx in front of something, with a folder of its own.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathOf } from './programs.js';
import { eventually } from './stack.js';

export interface Nginx {
  readonly url: string;
  /** All that lies in its cache, keys and heads too. */
  cached(): string;
  close(): Promise<void>;
}

/** @param directives of the `server` block; its cache zone is `answers` */
export async function startNginx(directives: string): Promise<Nginx> {
  const folder = mkdtempSync(join(tmpdir(), 'nginx-'));
  const cache = join(folder, 'cache');
  mkdirSync(cache);
  const port = await freePort();
  writeFileSync(join(folder, 'nginx.conf'), configuration(port, directives));
  const child = spawn(pathOf('nginx'), ['-p', folder, '-c', 'nginx.conf', '-e', 'stderr'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let complaints = '';
  child.stderr.on('data', (chunk: Buffer) => (complaints += chunk.toString()));
  const exited = once(child, 'close');
  await eventually(async () => {
    if (child.exitCode !== null) throw new Error(`nginx ended with ${child.exitCode}: ${complaints}`);
    return isListening(port);
  });
  return {
    url: `http://127.0.0.1:${port}`,
    cached: () =>
      readdirSync(cache)
        .map((name) => readFileSync(join(cache, name), 'latin1'))
        .join('\n'),
    async close() {
      child.kill('SIGTERM');
      await exited;
      rmSync(folder, { recursive: true });
    },
  };
}

/** What nginx's own documentation has an application behind it be told. */
export const forwardedHeaders = `
  proxy_set_header Host $http_host;
  proxy_set_header X-Real-IP $remote_addr;
  proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
  proxy_set_header X-Forwarded-Proto $scheme;
  proxy_set_header X-Forwarded-Host $http_host;`;

function configuration(port: number, directives: string): string {
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path temporary;`);
  return `
daemon off;
worker_processes 1;
pid nginx.pid;
# a worker of another user could not get into the folder
${process.getuid?.() === 0 ? 'user root;' : ''}
events {}
http {
  access_log off;
  ${temporary.join('\n  ')}
  proxy_cache_path cache keys_zone=answers:1m;
  server {
    listen 127.0.0.1:${port};
    ${directives}
  }
}
`;
}

/** nginx cannot be asked to choose one. */
async function freePort(): Promise<number> {
  const server = net.createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}
