// Whose request is it? From the SSO cookies of a request to a live session, or to the reason why there is none.

import type { IncomingMessage } from 'node:http';
import type { Credential } from './am/client.js';
import type { SsoCookie } from './am/sso-cookie.js';
import type { Clock } from './clock.js';
import { readCookieValues, readStickyCookie } from './cookie.js';
import { addressKey, type Forwarded } from './forwarded.js';
import type { Keeper } from './keeper/keeper.js';
import type { LiveSession, Verdict } from './keeper/verdict.js';
import type { Logger } from './ops/log.js';
import { createOnceInAWhile } from './ops/once.js';
import type { ProblemCode } from './problem.js';
import { credentialOf } from './token.js';

export interface Admitted {
  readonly kind: 'admitted';
  readonly session: LiveSession;
  readonly credential: Credential;
}

export interface Denied {
  readonly kind: 'denied';
  readonly code: Extract<ProblemCode, `session_${string}` | `am_${string}`>;
  readonly retryAfterS?: number;
  /** Every SSO cookie that came is of a session that is over: nothing is lost by clearing them. */
  readonly isOver: boolean;
  /** AM may still take the cookie for a login: it must be asked to log in all the same. */
  readonly forceAuth: boolean;
}

export type Judgement = Admitted | Denied;

/** `activity`: the user did this; `wait`: and wants AM's answer; `background`: nothing is extended. */
export type Cause = 'activity' | 'wait' | 'background';

export interface SessionJudge {
  /** Judges the request by its SSO cookies. Synchronous where no AM call is needed. */
  judge(req: IncomingMessage, cause: Cause): Judgement | Promise<Judgement>;
  /** The sessions that a logout ends; undefined while the cookie's name is not known. */
  credentials(req: IncomingMessage): Credential[] | undefined;
  /** What `keeper` counts the request's unknown tokens under. */
  client(req: IncomingMessage): string;
}

export interface SessionJudgeOptions {
  readonly keeper: Keeper;
  readonly cookie: SsoCookie;
  readonly forwarded: Forwarded;
  readonly clock: Clock;
  readonly log: Logger;
}

const missing: Denied = { kind: 'denied', code: 'session_missing', isOver: false, forceAuth: false };
const nameUnknown: Denied = {
  kind: 'denied',
  code: 'am_unavailable',
  retryAfterS: 1,
  isOver: false,
  forceAuth: false,
};

/** How many SSO cookies of one request AM is asked about. */
const judgedMax = 3;
/** How many a logout ends: more, lest tossed cookies leave the user's own session alive behind a success. */
const endedMax = 16;

export function createSessionJudge({ keeper, cookie, forwarded, clock, log }: SessionJudgeOptions): SessionJudge {
  const client = (req: IncomingMessage) => addressKey(forwarded.clientAddress(req));
  // whoever sends such cookies must not fill the log
  const maySayStrangers = createOnceInAWhile(clock, 60_000);

  /** All that came; undefined while the cookie's name is not known. */
  function candidates(req: IncomingMessage): Credential[] | undefined {
    if (cookie.name === undefined) return undefined;
    const header = req.headers.cookie;
    const values = readCookieValues(header, cookie.name);
    if (values.length === 0) return [];
    const sticky = readStickyCookie(header);
    return values.map((token) => credentialOf(token, sticky));
  }

  /** Known ones first: a sibling host that tosses cookies must not crowd out the user's own. */
  function chosen(all: readonly Credential[], max: number): Credential[] {
    return all.toSorted((a, b) => Number(keeper.knows(b.id)) - Number(keeper.knows(a.id))).slice(0, max);
  }

  function ask(credential: Credential, cause: Cause, from: string): Verdict | Promise<Verdict> {
    return cause === 'background' ? keeper.peek(credential, from) : keeper.touch(credential, from, cause === 'wait');
  }

  function judge(req: IncomingMessage, cause: Cause): Judgement | Promise<Judgement> {
    const all = candidates(req);
    if (!all) return nameUnknown;
    const [only, another] = all;
    if (!only) return missing;
    if (another) return judgeSeveral(all, cause, client(req));
    const verdict = ask(only, cause, client(req));
    return verdict instanceof Promise ? verdict.then((settled) => ruling(only, settled)) : ruling(only, verdict);
  }

  /**
   * A host-only cookie beside a domain cookie, or one tossed by a sibling host. All are looked at before one is taken
   * for the user: a stranger's live session among them must not pass for the user's own.
   */
  async function judgeSeveral(all: readonly Credential[], cause: Cause, from: string): Promise<Judgement> {
    const rulings = await Promise.all(
      chosen(all, judgedMax).map(async (credential) => ruling(credential, await keeper.peek(credential, from))),
    );

    const admitted = rulings.filter((each) => each.kind === 'admitted');
    const [first] = admitted;
    if (first) {
      if (admitted.some((each) => !isSameUser(each.session, first.session))) {
        if (maySayStrangers())
          log.warn(
            { cookies: all.length },
            'live SSO cookies of different users in one request: none is taken, the user has to log in again',
          );
        return { ...missing, forceAuth: true };
      }
      return cause === 'background' ? first : ruling(first.credential, await ask(first.credential, cause, from));
    }
    const denied = rulings.filter((each) => each.kind === 'denied');
    const worst = denied.toSorted((a, b) => rank(a) - rank(b))[0] ?? missing;
    return {
      ...worst,
      // nothing is cleared while one that was not looked at may be alive
      isOver: all.length <= judgedMax && denied.every((each) => each.isOver),
      forceAuth: denied.some((each) => each.forceAuth),
    };
  }

  return {
    judge,
    client,
    credentials(req) {
      const all = candidates(req);
      return all && chosen(all, endedMax);
    },
  };
}

function ruling(credential: Credential, verdict: Verdict): Judgement {
  switch (verdict.kind) {
    case 'alive':
      return verdict.served
        ? { kind: 'admitted', session: verdict, credential }
        : { kind: 'denied', code: 'session_wrong_realm', isOver: false, forceAuth: false };
    case 'dead':
      return { kind: 'denied', code: 'session_expired', isOver: true, forceAuth: false };
    case 'ended':
      return { kind: 'denied', code: 'session_ended', isOver: true, forceAuth: !verdict.confirmed };
    case 'unknown':
      return {
        kind: 'denied',
        code: 'am_unavailable',
        retryAfterS: verdict.retryAfterS,
        isOver: false,
        forceAuth: false,
      };
    case 'refused':
      return { kind: 'denied', code: 'am_refused', isOver: false, forceAuth: false };
  }
}

/** Among several: what may still turn out alive, then what is alive elsewhere, then what is over. */
function rank({ code }: Denied): number {
  if (code === 'am_unavailable' || code === 'am_refused') return 0;
  return code === 'session_wrong_realm' ? 1 : 2;
}

function isSameUser(a: LiveSession, b: LiveSession): boolean {
  return a.username === b.username && a.realm.toLowerCase() === b.realm.toLowerCase();
}
