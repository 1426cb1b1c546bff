// Asks AM for its server information: at start until it answers, then every ten minutes, and while it is away.

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
  readonly random?: () => number;
}

const againMs = 10 * 60 * 1000;
const firstRetryMs = 250;
const longestRetryMs = 5_000;
const firstProbeMs = 2_000;
const longestProbeMs = 30_000;

export function createDiscovery(options: DiscoveryOptions): Discovery {
  const { am, cookie, presence, clock, log, random = Math.random } = options;
  let timer: Timer | undefined;
  let timerAt = 0;
  let failures = 0;
  /** Since AM went away. */
  let probes = 0;
  /** Monotonic ms: when AM is asked next though it is not away. */
  let dueAt = 0;
  /** For how long AM asked with `Retry-After` to be left alone. */
  let restMs = 0;
  let isAsking = false;
  let answered = false;
  let closed = false;
  let mismatchSaid = false;

  const isComplete = (): boolean => answered && cookie.name !== undefined;

  async function ask(): Promise<void> {
    isAsking = true;
    const answer = await am.serverInfo();
    if (closed) return;
    report(answer);
    restMs = answer.kind === 'unknown' ? Math.min((answer.retryAfterS ?? 0) * 1000, longestProbeMs) : 0;
    isAsking = false;
    dueAt = clock.now() + againMs;
    askLater();
  }

  function report(answer: Awaited<ReturnType<AmClient['serverInfo']>>): void {
    answered ||= answer.kind !== 'unknown';
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
    else presence.failed(answer, true, 'serverinfo');
  }

  function askLater(): void {
    if (timer) clock.clearTimer(timer);
    const delay = Math.max(delayMs(), restMs);
    timerAt = clock.now() + delay;
    timer = clock.setTimer(onTimer, delay);
  }

  function delayMs(): number {
    if (!isComplete()) return Math.min(longestRetryMs, firstRetryMs * 2 ** Math.min(failures++, 10));
    if (presence.state !== 'away') {
      probes = 0;
      return dueAt - clock.now();
    }
    const ceiling = Math.min(longestProbeMs, firstProbeMs * 2 ** Math.min(probes++, 10));
    // the nodes that lost AM together do not come back together
    return ceiling * (0.5 + random() / 2);
  }

  function onTimer(): void {
    timer = undefined;
    // calls about sessions have found it meanwhile
    if (isComplete() && presence.state !== 'away' && clock.now() < dueAt) askLater();
    else void ask();
  }

  /** Nobody else may ask AM for hours: without activity it would look away long after it came back. */
  function probe(): void {
    if (closed || isAsking || !isComplete()) return;
    probes = 0;
    // an AM that comes and goes must not put it off each time
    if (timerAt > clock.now() + firstProbeMs) askLater();
  }

  return {
    get complete() {
      return isComplete();
    },
    start() {
      presence.onAway(probe);
      void ask();
    },
    close() {
      closed = true;
      if (timer) clock.clearTimer(timer);
    },
  };
}
