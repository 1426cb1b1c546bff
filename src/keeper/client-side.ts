// Client-side (stateless) sessions have no idle time at AM that a refresh could start anew.

import type { Logger } from '../ops/log.js';

/** Such a token ends in a JWT (AM's session guide, "Client-side sessions"). */
export function isClientSide(token: string): boolean {
  return token.includes('*eyJ');
}

/** The same, and says so at the first one. */
export function createClientSideCheck(log: Logger): (token: string) => boolean {
  let said = false;
  return (token) => {
    if (!isClientSide(token)) return false;
    if (!said)
      log.warn(
        {},
        'client-side sessions have no idle time to start anew: they are looked at, not refreshed, and end at their maximum time',
      );
    said = true;
    return true;
  };
}
