// Asks AM for its server information: at start until it answers, then every ten minutes.

import type { Clock, Timer } from '../clock.js';
import type { Logger } from '../ops/log.js';
import type { AmClient } from './client.js';
import type { Presence } from './presence.js';
import type { SsoCookie } from './sso-cookie.js';

export interface Discovery {
  /** AM has answered at least once, and the cookie's name is known. */
  readonly complete: boolean;
  start(): void;
  close(): void;
}

export interface DiscoveryOptions {
  readonly am: AmClient;
  readonly cookie: SsoCookie;
  readonly presence: Presence;
  readonly clock: Clock;
  readonly log: Logger;
}

const againMs = 10 * 60 * 1000;
const firstRetryMs = 250;
const longestRetryMs = 5_000;

export function createDiscovery({ am, cookie, presence, clock, log }: DiscoveryOptions): Discovery {
  let timer: Timer | undefined;
  let failures = 0;
  let answered = false;
  let closed = false;
  let mismatchSaid = false;

  async function ask(): Promise<void> {
    const answer = await am.serverInfo();
    if (closed) return;
    if (answer.kind === 'server-info') {
      presence.answered('serverinfo');
      if (cookie.learn(answer))
        log.warn(
          { cookieName: cookie.name },
          'AM has another SSO cookie name now: users with the old one log in again',
        );
      else if (cookie.name !== answer.cookieName && !mismatchSaid) {
        mismatchSaid = true;
        log.error(
          { configured: cookie.name, cookieName: answer.cookieName },
          'AM names its SSO cookie otherwise than AM_COOKIE_NAME (am.cookieName): nobody gets in until that is put right, or left out',
        );
      }
    } else if (answer.kind === 'refused') presence.refused('serverinfo', answer, true);
    else presence.failed(answer, true);

    answered ||= answer.kind !== 'unknown';
    const satisfied = answer.kind !== 'unknown' && cookie.name !== undefined;
    failures = satisfied ? 0 : failures + 1;
    const delay = satisfied ? againMs : Math.min(longestRetryMs, firstRetryMs * 2 ** Math.min(failures - 1, 10));
    timer = clock.setTimer(() => void ask(), delay);
  }

  return {
    get complete() {
      return answered && cookie.name !== undefined;
    },
    start: () => void ask(),
    close() {
      closed = true;
      if (timer) clock.clearTimer(timer);
    },
  };
}
