// An AM by the simulator's session rules on a virtual clock, without sockets: latency, outages, and a journal.

import { AmTransportError, type AmTransport } from '../../src/am/transport.js';
import { createSessionTable, type Flavor } from '../../src/simulator/sessions.js';
import { hashToken } from '../../src/simulator/tokens.js';
import type { VirtualClock } from './virtual-clock.js';

export interface VirtualCall {
  readonly action: string;
  readonly token: string;
  readonly sentAt: number;
  /** When AM looked at it; undefined: it never did. */
  reachedAt: number | undefined;
  endedAt: number | undefined;
  outcome: string | undefined;
}

export type Weather = 'fine' | 'refusing' | 'hanging' | 'failing' | 'forbidding' | 'losing-sessions' | 'losing-answers';

export interface VirtualAm {
  transport: AmTransport;
  readonly calls: VirtualCall[];
  /** How AM behaves to calls that are sent from now on. */
  weather: Weather;
  /** Calls cannot be aborted any more: their answers come all the same. */
  deaf: boolean;
  /** Round trip in ms; AM looks at the call in its middle. */
  latencyMs: () => number;
  login(username?: string, realm?: string): string;
  /** Another application is used with the session. */
  touchElsewhere(token: string): void;
  /** AM's latest access time of the session in monotonic ms; undefined: it is over. */
  latestAccess(token: string): number | undefined;
  /** Times at which the session was reset by others than us, monotonic ms. */
  readonly touchedElsewhere: Map<string, number[]>;
  endElsewhere(token: string): void;
}

export interface VirtualAmOptions {
  readonly clock: VirtualClock;
  readonly flavor?: Flavor;
  readonly updateFrequencyS?: number;
  readonly maxIdleMinutes?: number;
  readonly maxSessionMinutes?: number;
  /** AM's clock runs ahead by this. */
  readonly skewMs?: number;
}

const cookieName = 'iPlanetDirectoryPro';

export function createVirtualAm(options: VirtualAmOptions): VirtualAm {
  const { clock, flavor = 'ping', updateFrequencyS = 60, maxIdleMinutes = 30, maxSessionMinutes = 120 } = options;
  const skewMs = options.skewMs ?? 0;
  const amNow = () => clock.wall() + skewMs;
  const table = createSessionTable({
    flavor,
    updateFrequencyS,
    maxIdleMinutes,
    maxSessionMinutes,
    clock: { now: amNow },
  });
  const calls: VirtualCall[] = [];
  const touchedElsewhere = new Map<string, number[]>();

  const later = (ms: number) => new Promise<void>((resolve) => void clock.setTimer(resolve, ms));
  const never = (signal: AbortSignal) =>
    new Promise<never>((_resolve, reject) => {
      const abort = () => reject(new AmTransportError('aborted', true));
      if (signal.aborted) abort();
      else signal.addEventListener('abort', abort, { once: true });
    });

  function act(action: string, token: string) {
    if (action === 'refresh') return table.refresh(token);
    if (action === 'logout') return table.logout(token);
    return table.authenticate(token) ?? table.getSessionInfo(token, false, flavor === 'ping' ? 4 : 2);
  }

  const am: VirtualAm = {
    calls,
    touchedElsewhere,
    weather: 'fine',
    deaf: false,
    latencyMs: () => 20,
    transport: async (request, signal) => {
      const action = new URL(request.url).searchParams.get('_action') ?? 'serverinfo';
      const token = request.headers[cookieName] ?? '';
      const weather = am.weather;
      const call: VirtualCall = {
        action,
        token,
        sentAt: clock.now(),
        reachedAt: undefined,
        endedAt: undefined,
        outcome: undefined,
      };
      calls.push(call);
      try {
        if (weather === 'refusing') throw new AmTransportError('ECONNREFUSED', false);
        if (weather === 'hanging') return await never(signal);
        const half = am.latencyMs() / 2;
        await Promise.race([later(half), ...(am.deaf ? [] : [never(signal)])]);
        if (weather === 'failing') return { status: 500, headers: {}, body: '' };
        if (weather === 'losing-sessions') return { status: 401, headers: {}, body: '{"code":401}' };
        if (weather === 'forbidding') return { status: 403, headers: {}, body: '{"code":403}' };
        call.reachedAt = clock.now();
        const date = new Date(amNow()).toUTCString();
        const { status, body, outcome } = act(action, token);
        call.outcome = outcome;
        if (weather === 'losing-answers') return await never(signal);
        await Promise.race([later(half), ...(am.deaf ? [] : [never(signal)])]);
        return { status, headers: { date }, body: JSON.stringify(body) ?? '' };
      } finally {
        call.endedAt = clock.now();
      }
    },
    login(username = 'demo', realm = '/') {
      const token = table.login(username, realm);
      touchedElsewhere.set(token, [clock.now()]);
      return token;
    },
    touchElsewhere(token) {
      if (table.touch(token)) touchedElsewhere.get(token)?.push(clock.now());
    },
    latestAccess(token) {
      const at = table.list().find((session) => session.session === hashToken(token))?.latestAccessTime;
      return at === undefined ? undefined : Date.parse(at) - skewMs - (clock.wall() - clock.now());
    },
    endElsewhere: (token) => void table.logout(token),
  };
  return am;
}
