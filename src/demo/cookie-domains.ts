// Which domains AM sets its cookie for: where a page has to be, for the cookie to reach it.

import { createAmClient } from '../am/client.js';
import { createHttpTransport } from '../am/transport.js';
import { systemClock } from '../clock.js';
import type { Config } from '../config.js';

/** Undefined as long as AM has not said it; empty where its cookie is for its own host alone. */
export type CookieDomains = () => Promise<readonly string[] | undefined>;

/** Asks until AM has answered once. */
export function createCookieDomains(am: Config['am']): CookieDomains {
  let domains: readonly string[] | undefined;

  return async () => {
    domains ??= await ask(am);
    return domains;
  };
}

async function ask(am: Config['am']): Promise<readonly string[] | undefined> {
  const { send, close } = createHttpTransport(am.url);
  try {
    const client = createAmClient({ am, cookieName: () => undefined, transport: send, clock: systemClock });
    const answer = await client.serverInfo();
    if (answer.kind !== 'server-info') return undefined;
    return answer.domains.map((domain) => domain.replace(/^\./, ''));
  } finally {
    close();
  }
}
