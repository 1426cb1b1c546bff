// The built command in front of an API, with a real OpenAM behind a relay that counts.

import { startRelay, type AmRelay } from '../support/am-relay.js';
import { startCommand } from '../support/command.js';
import { request, type Answer, type RequestOptions } from '../support/http.js';
import { stop } from '../support/serving.js';
import { eventually } from '../support/stack.js';
import { startUpstream, type Upstream } from '../support/upstream.js';
import type { RealOpenAm } from './real-openam.js';

export interface Proxied {
  readonly url: string;
  readonly relay: AmRelay;
  readonly upstream: Upstream;
  /** All that the command logged. */
  log(): string;
  /** A request with the SSO cookie. */
  as(token: string, path: string, options?: RequestOptions): Promise<Answer>;
  close(): Promise<void>;
}

/** With a frequency that fits an idle time of a minute: a window of 11 s. */
export const frequencyS = 10;

export async function startProxied(am: RealOpenAm, env: Record<string, string> = {}): Promise<Proxied> {
  const relay = await startRelay(am.url, am.cookieName);
  const upstream = await startUpstream();
  const command = startCommand([], {
    AM_URL: relay.url,
    AM_PUBLIC_URL: am.publicUrl,
    AM_FLAVOR: 'openam',
    AM_UPDATE_FREQUENCY_S: String(frequencyS),
    PROXY_ROUTES: `/api=${upstream.url}`,
    PORT: '0',
    LOG_LEVEL: 'debug',
    ...env,
  });
  const url = await command.says(/listens on (\S+)/);
  await eventually(async () => (await request(url, '/readyz')).status === 200, 10_000);
  return {
    url,
    relay,
    upstream,
    log: () => command.stdout() + command.stderr(),
    as: (token, path, options = {}) =>
      request(url, path, { ...options, headers: { cookie: `${am.cookieName}=${token}`, ...options.headers } }),
    async close() {
      await stop(command);
      relay.close();
      await upstream.close();
    },
  };
}
