// An AM client of production on real sockets, with its time-out at hand.

import { createAmClient, type AmClient, type Credential } from '../../src/am/client.js';
import { createHttpTransport } from '../../src/am/transport.js';
import { systemClock } from '../../src/clock.js';
import { parseConfig, type Options } from '../../src/config.js';
import { credentialOf } from '../../src/token.js';

export interface TestClient extends AmClient {
  close(): void;
}

type AmOptions = NonNullable<Options['am']>;

export function startClient(url: string, am: Omit<AmOptions, 'url'> = {}): TestClient {
  const config = parseConfig({ am: { url, cookieName: 'iPlanetDirectoryPro', timeoutMs: 2_000, ...am } });
  const transport = createHttpTransport(config.am.url);
  const client = createAmClient({
    am: config.am,
    cookieName: () => config.am.cookieName,
    transport: transport.send,
    clock: systemClock,
  });
  return { ...client, close: () => transport.close() };
}

/** A token that is easily found where it must not be. */
export const secret = 'AQIC5wM2LY4Sfcx-secret-token.*AAJTSQACMDE.*';

export const secretCredential: Credential = credentialOf(secret, undefined);
