// Debian's nginx, one worker, with a folder of its own: proxy_pass alone, or with auth_request to a Node server.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { cpuSecondsOf, findProgram } from './machine.mjs';
import { freePort } from '../ports.mjs';
import { scratchFolder, start, startOwn, stop } from './processes.mjs';
import { workloads } from './requests.mjs';

export const program = process.platform === 'linux' ? findProgram('nginx') : undefined;
export const howToGet = 'nginx is missing: apt-get install nginx-light';

export async function startNginx({ upstream, cookieName, core, withAuth }) {
  const verdicts = withAuth ? await startOwn('verdicts.mjs', { cookieName }, core) : undefined;
  const folder = scratchFolder();
  const port = await freePort();
  writeFileSync(join(folder, 'nginx.conf'), configuration({ port, upstream, verdicts }));
  const child = start(program, ['-p', folder, '-c', 'nginx.conf', '-e', 'stderr'], { core });
  while (!(await fetch(`http://127.0.0.1:${port}${workloads['GET 1 KB'].path}`).catch(() => undefined))) {
    if (child.exitCode !== null) throw new Error(`nginx ended with ${child.exitCode}`);
    await pause(10);
  }
  const worker = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8').trim();
  return {
    port,
    ask: async () => cpuSecondsOf(worker) + ((await verdicts?.ask('cpuSeconds')) ?? 0),
    async stop() {
      await stop(child);
      await verdicts?.stop();
    },
  };
}

function configuration({ port, upstream, verdicts }) {
  const toUpstream = 'proxy_http_version 1.1; proxy_set_header Connection "";';
  return `
daemon off;
worker_processes 1;
pid nginx.pid;
${process.getuid() === 0 ? 'user root;' : ''}
events {}
http {
  access_log off;
  keepalive_requests 1000000;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((kind) => `${kind}_temp_path temporary;`).join(' ')}
  ${group('api', new URL(upstream).host)}
  ${verdicts ? group('verdicts', `127.0.0.1:${verdicts.port}`) : ''}
  server {
    listen 127.0.0.1:${port};
    location /api { ${verdicts ? 'auth_request /verdict;' : ''} proxy_pass http://api; ${toUpstream} }
    ${
      verdicts
        ? `location = /verdict { internal; proxy_pass http://verdicts; ${toUpstream}
      proxy_pass_request_body off; proxy_set_header Content-Length ""; }`
        : ''
    }
  }
}
`;
}

function group(name, address) {
  return `upstream ${name} { server ${address}; keepalive 64; }`;
}
