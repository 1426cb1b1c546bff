// The products differ in which call, at which version, does what: this table is all that knows it.

import type { Config } from '../config.js';

export interface AmAction {
  readonly action: string;
  /** `Accept-API-Version`. */
  readonly version: string;
}

export interface Flavor {
  readonly name: Config['am']['flavor'];
  /** Resets the idle time of the token's own session. */
  readonly refresh: AmAction;
  /** Asks whether the session lives. */
  readonly peek: AmAction;
  readonly logout: AmAction;
  /** Whether every call, a peek too, starts the idle time anew, at any frequency (measured on OpenAM). */
  readonly everyCallResets: boolean;
}

export const flavors: Readonly<Record<Config['am']['flavor'], Flavor>> = {
  ping: {
    name: 'ping',
    refresh: { action: 'refresh', version: 'resource=4.0' },
    peek: { action: 'getSessionInfo', version: 'resource=4.0' },
    logout: { action: 'logout', version: 'resource=3.1, protocol=1.0' },
    everyCallResets: false,
  },
  openam: {
    name: 'openam',
    // a user's own refresh is 403 there
    refresh: { action: 'getSessionInfo', version: 'resource=2.0' },
    peek: { action: 'getSessionInfo', version: 'resource=2.0' },
    logout: { action: 'logout', version: 'resource=2.0, protocol=1.0' },
    everyCallResets: true,
  },
};
