// The command with its own environment, ready to serve, for tests that stop it.

import type http from 'node:http';
import { request } from './http.js';
import { startCommand } from './command.js';
import { eventually, type Stack } from './stack.js';

/** Proxies `/api` and `/public` of the stack's upstream, with the stack's AM. */
export async function startServing({ am, upstream }: Stack, env: Record<string, string> = {}) {
  const command = startCommand([], {
    AM_URL: am.url,
    AM_UPDATE_FREQUENCY_S: '2',
    AM_TIMEOUT_MS: '500',
    PROXY_ROUTES: `/api=${upstream.url}`,
    PUBLIC_ROUTES: `/public=${upstream.url}`,
    PORT: '0',
    ...env,
  });
  const url = await command.says(/listens on (\S+)/);
  await eventually(async () => (await request(url, '/readyz')).status === 200);
  return { command, url, cookie: (token: string) => ({ cookie: `${am.cookieName}=${token}` }) };
}

/** Stops it; resolves with the exit code and the milliseconds that it took. */
export async function stop(
  { child, exit }: Pick<ReturnType<typeof startCommand>, 'child' | 'exit'>,
  signal: 'SIGTERM' | 'SIGINT' = 'SIGTERM',
): Promise<{ code: number | null; tookMs: number }> {
  const startedAt = performance.now();
  child.kill(signal);
  return { code: await exit, tookMs: performance.now() - startedAt };
}

/** A request that is at the upstream, and is answered when the test says so. */
export async function slowRequest(
  { upstream }: Stack,
  url: string,
  headers: http.OutgoingHttpHeaders,
  agent?: http.Agent,
) {
  const arrived = new Promise<http.ServerResponse>((resolve) => {
    upstream.answer = (_req, res) => resolve(res);
  });
  const answer = request(url, '/api/slow', { headers, ...(agent && { agent }) });
  answer.catch(() => undefined);
  const res = await arrived;
  upstream.answer = undefined;
  return { answer, finish: () => void res.end('done') };
}
