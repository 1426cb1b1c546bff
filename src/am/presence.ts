// Is AM there? Said once per change that lasts. What the sender of an unknown token can bring about does not count.

import type { Clock, Timer } from '../clock.js';
import type { Logger } from '../ops/log.js';
import { createCount, createOnceInAWhile } from '../ops/once.js';
import type { Refused, Unknown } from './answers.js';

export type AmState = 'starting' | 'up' | 'away';

/** What AM did not answer to. */
interface Absence {
  /** Monotonic ms. */
  readonly since: number;
  /** The last failure. */
  readonly last: Unknown;
}

export interface Presence {
  readonly state: AmState;
  /** AM has answered since the start. */
  readonly wasThere: boolean;
  /** While it is away. */
  readonly absence: Absence | undefined;
  /** The status of each call that AM refused last time and lately, by action. */
  readonly refusals: ReadonlyMap<string, number>;
  /**
   * AM gave an answer that could be used, be it a refusal.
   *
   * @param action it is not refused any more
   */
  answered(action?: string): void;
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
  /** Nothing is said of an absence any more. */
  close(): void;
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
/** One pair of lines, AM away and AM back, in this time. */
const absenceAgainMs = 60 * 1000;
/** A single call without an answer is said to be an absence if none is answered for so long. */
const lastsMs = 5_000;

interface OpenAbsence extends Absence {
  last: Unknown;
  failures: number;
  isSaid: boolean;
  timer: Timer | undefined;
}

export function createPresence({ log, clock, flavor, url }: PresenceOptions): Presence {
  let wasThere = false;
  let absence: OpenAbsence | undefined;
  let saidAt = -Infinity;
  /** Calls without an answer that no line has counted yet. */
  let failures = 0;
  const refusals = new Map<string, { readonly status: number; readonly at: number }>();
  const maySayRefusal = createOnceInAWhile(clock, refusalAgainMs);
  const countStrangers = createCount(clock, strangersAgainMs);
  const maySayBrief = createOnceInAWhile(clock, absenceAgainMs);

  function answered(): void {
    wasThere = true;
    if (!absence) return;
    const over = absence;
    absence = undefined;
    if (over.timer) clock.clearTimer(over.timer);
    // at the level of the outage: who was told of it must see its end
    if (over.isSaid)
      log.warn({ am: 'up', url, forS: seconds(clock.now() - over.since), failed: over.failures }, 'AM answers again');
    else if (over.last.cause !== 'connect') sayBrief(over.last);
  }

  /** One session that AM cannot answer about, or a slow moment: no change, but somebody's user is affected. */
  function sayBrief({ cause, detail }: Unknown): void {
    if (!maySayBrief()) return;
    log.warn(
      { cause, detail, url, failed: failures },
      'AM gave no usable answer to a call, while it answers others: if that goes on, the session of that call is not let in',
    );
    failures = 0;
  }

  /** Changes nothing, but after a restart these may be all the users there are: whoever is on call must find it. */
  function failedStranger({ cause, detail }: Unknown): void {
    if (absence?.isSaid) return;
    const failed = countStrangers();
    if (failed === 0) return;
    log.warn(
      { cause, detail, url, failed },
      'AM gives no usable answer about sessions that it has not confirmed before: they are not let in',
    );
  }

  function failedTrusted(answer: Unknown): void {
    const now = clock.now();
    absence ??= { since: now, last: answer, failures: 0, isSaid: false, timer: undefined };
    absence.last = answer;
    absence.failures++;
    failures++;
    if (absence.isSaid) return;
    // that nobody can be reached, or that AM never answered, is about AM and not about one session
    const lasts = answer.cause === 'connect' || !wasThere || absence.failures > 1;
    const sayAt = Math.max(lasts ? now : now + lastsMs, saidAt + absenceAgainMs);
    if (sayAt <= now) say(absence);
    else absence.timer ??= clock.setTimer(sayLater, sayAt - now);
  }

  function sayLater(): void {
    if (absence && !absence.isSaid) say(absence);
  }

  function say(what: OpenAbsence): void {
    if (what.timer) clock.clearTimer(what.timer);
    what.isSaid = true;
    const now = clock.now();
    const { cause, detail } = what.last;
    const hint = hintFor(what.last);
    const count = { ...(failures > 1 && { failed: failures }) };
    saidAt = now;
    failures = 0;
    log.warn(
      { am: 'away', cause, detail, url, ...count, ...(hint !== undefined && { hint }) },
      'AM does not answer: sessions confirmed within AM_DOWN_GRACE_S (am.downGraceS) go on, no other is let in',
    );
  }

  function isLate(at: number): boolean {
    return clock.now() - at > refusalAgainMs;
  }

  return {
    get state() {
      if (absence) return 'away';
      return wasThere ? 'up' : 'starting';
    },
    get wasThere() {
      return wasThere;
    },
    get absence() {
      return absence;
    },
    get refusals() {
      return new Map([...refusals].flatMap(([action, { status, at }]) => (isLate(at) ? [] : [[action, status]])));
    },
    answered(action) {
      if (action !== undefined) refusals.delete(action);
      answered();
    },
    failed(answer, trusted) {
      const { cause } = answer;
      if (cause === 'busy' || cause === 'aborted') return;
      if (cause !== 'connect' && !trusted) failedStranger(answer);
      else failedTrusted(answer);
    },
    refused(action, answer, trusted) {
      if (trusted) {
        answered();
        refusals.set(action, { status: answer.status, at: clock.now() });
      }
      if (!maySayRefusal(`${action} ${answer.status}`)) return;
      const hint = remedy(action, answer.status, flavor);
      log.error(
        { action, status: answer.status, url, hint },
        `AM refuses this call: ${consequences[action] ?? 'something does not work'} until that is put right`,
      );
    },
    close() {
      if (absence?.timer) clock.clearTimer(absence.timer);
    },
  };
}

/** Of a refusal. */
const consequences: Readonly<Record<string, string>> = {
  serverinfo: "AM's SSO cookie and its domains cannot be asked for",
  refresh: 'no session can be confirmed, none kept alive',
  peek: 'no session can be confirmed',
  logout: 'a logout ends the session here only, not at AM,',
};

function seconds(ms: number): number {
  return Math.round(ms / 1000);
}

function hintFor({ cause, detail }: Unknown): string | undefined {
  if (detail === 'EPROTO') return 'is AM_URL (am.url) https, but a port that speaks plain http?';
  if (/CERT|SELF_SIGNED|ALTNAME/.test(detail)) return "does Node trust AM's certificate? see NODE_EXTRA_CA_CERTS";
  return cause === 'bad-answer' ? "what answers is not AM, or not AM's JSON: check AM_URL (am.url)" : undefined;
}

function remedy(action: string, status: number, flavor: 'ping' | 'openam'): string {
  if (status === 400) return 'AM may not know the host name that it is called by: set AM_PUBLIC_URL (am.publicUrl)';
  if (status === 403 && action === 'refresh' && flavor === 'ping')
    return 'community OpenAM refuses the refresh of a session by its own token: set AM_FLAVOR (am.flavor) to openam';
  if (status === 404)
    return 'no such path, realm or API version: check AM_URL (am.url), AM_REALM (am.realm) and AM_FLAVOR (am.flavor)';
  if (status === 501) return 'no such action at this API version: check AM_FLAVOR (am.flavor)';
  return 'check AM_URL (am.url), AM_REALM (am.realm), AM_COOKIE_NAME (am.cookieName) and AM_FLAVOR (am.flavor)';
}
