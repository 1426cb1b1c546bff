// Is AM there? Said once per change. What the sender of an unknown token can bring about does not count.

import type { Clock } from '../clock.js';
import type { Logger } from '../ops/log.js';
import { createOnceInAWhile } from '../ops/once.js';
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
  /**
   * Says what to set when AM refuses a call: once per action and status, again after ten minutes if it goes on.
   *
   * @param trusted as for `failed`
   */
  refused(action: string, answer: Refused, trusted: boolean): void;
}

export interface PresenceOptions {
  readonly log: Logger;
  readonly clock: Clock;
  readonly flavor: 'ping' | 'openam';
  /** Names AM in the log. */
  readonly url: string;
}

const refusalAgainMs = 10 * 60 * 1000;
const strangersAgainMs = 60 * 1000;

export function createPresence({ log, clock, flavor, url }: PresenceOptions): Presence {
  let state: AmState = 'starting';
  const maySayRefusal = createOnceInAWhile(clock, refusalAgainMs);
  const maySayStrangers = createOnceInAWhile(clock, strangersAgainMs);

  function answered(): void {
    // at the level of the outage: who was told of it must see its end
    if (state === 'away') log.warn({ am: 'up', url }, 'AM answers again');
    state = 'up';
  }

  /** Changes nothing, but after a restart these may be all the users there are: whoever is on call must find it. */
  function failedStranger({ cause, detail }: Unknown): void {
    if (state === 'away' || !maySayStrangers()) return;
    log.warn({ cause, detail, url }, 'AM gives no usable answer about sessions that it has not confirmed before');
  }

  return {
    get state() {
      return state;
    },
    answered,
    failed(answer, trusted) {
      const { cause, detail } = answer;
      if (cause === 'busy' || cause === 'aborted') return;
      if (cause !== 'connect' && !trusted) return failedStranger(answer);
      if (state === 'away') return;
      state = 'away';
      const hint = hintFor(answer);
      log.warn(
        { am: 'away', cause, detail, url, ...(hint !== undefined && { hint }) },
        'AM does not answer: sessions confirmed within AM_DOWN_GRACE_S go on, no other is let in',
      );
    },
    refused(action, answer, trusted) {
      if (trusted) answered();
      if (!maySayRefusal(`${action} ${answer.status}`)) return;
      const hint = remedy(action, answer.status, flavor);
      log.error({ action, status: answer.status, url, hint }, 'AM refuses this call');
    },
  };
}

function hintFor({ cause, detail }: Unknown): string | undefined {
  if (detail === 'EPROTO') return 'is AM_URL https to a port that speaks plain http?';
  if (/CERT|SELF_SIGNED|ALTNAME/.test(detail)) return "does Node trust AM's certificate? see NODE_EXTRA_CA_CERTS";
  return cause === 'bad-answer' ? "what answers is not AM, or not AM's JSON: check AM_URL" : undefined;
}

function remedy(action: string, status: number, flavor: 'ping' | 'openam'): string {
  if (status === 400) return 'AM may not know the host name that it is called by: set AM_PUBLIC_URL';
  if (status === 403 && action === 'refresh' && flavor === 'ping')
    return 'community OpenAM refuses the refresh of a session by its own token: set AM_FLAVOR=openam';
  if (status === 404) return 'no such path, realm or API version: check AM_URL, AM_REALM and AM_FLAVOR';
  if (status === 501) return 'no such action at this API version: check AM_FLAVOR';
  return 'check AM_URL, AM_REALM, AM_COOKIE_NAME and AM_FLAVOR';
}
