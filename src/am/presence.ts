// Is AM there? Said once per change. What the sender of an unknown token can bring about does not count.

import type { Logger } from '../ops/log.js';
import type { Refused, Unknown } from './answers.js';

export type AmState = 'starting' | 'up' | 'away';

export interface Presence {
  readonly state: AmState;
  /** AM gave an answer that could be used, be it a refusal. */
  answered(): void;
  /**
   * AM gave none.
   *
   * @param trusted whether the call spoke for a token that AM confirmed before, or for no token at all: AM answers 500
   *   to damaged tokens, so a bad answer to a stranger says nothing about AM
   */
  failed(answer: Unknown, trusted: boolean): void;
  /** Says, once per action and status, what to set when AM refuses a call. */
  refused(action: string, answer: Refused): void;
}

export function createPresence(log: Logger, flavor: 'ping' | 'openam'): Presence {
  let state: AmState = 'starting';
  const refusals = new Set<string>();

  function answered(): void {
    if (state === 'away') log.info({ am: 'up' }, 'AM answers again');
    state = 'up';
  }

  return {
    get state() {
      return state;
    },
    answered,
    failed(answer, trusted) {
      const { cause, detail } = answer;
      if (cause === 'busy' || cause === 'aborted' || (cause !== 'connect' && !trusted) || state === 'away') return;
      state = 'away';
      log.warn(
        { am: 'away', cause, detail },
        'AM does not answer: sessions confirmed within AM_DOWN_GRACE_S go on, no other is let in',
      );
    },
    refused(action, answer) {
      answered();
      const key = `${action} ${answer.status}`;
      if (refusals.has(key)) return;
      refusals.add(key);
      log.error({ action, status: answer.status, set: remedy(action, answer.status, flavor) }, 'AM refuses this call');
    },
  };
}

function remedy(action: string, status: number, flavor: 'ping' | 'openam'): string {
  if (status === 400) return 'AM may not know the host name that it is called by: set AM_PUBLIC_URL';
  if (status === 403 && action === 'refresh' && flavor === 'ping')
    return 'community OpenAM refuses the refresh of a session by its own token: set AM_FLAVOR=openam';
  if (status === 404) return 'no such path, realm or API version: check AM_URL, AM_REALM and AM_FLAVOR';
  if (status === 501) return 'no such action at this API version: check AM_FLAVOR';
  return 'check AM_URL, AM_REALM, AM_COOKIE_NAME and AM_FLAVOR';
}
