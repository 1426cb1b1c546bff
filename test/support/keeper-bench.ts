// The keeper on a virtual clock in front of a virtual AM.

import { createAmClient, type Credential } from '../../src/am/client.js';
import { createPresence } from '../../src/am/presence.js';
import { createKeeper, type Keeper, type KeeperOptions } from '../../src/keeper/keeper.js';
import type { KeeperEvent } from '../../src/keeper/events.js';
import { credentialOf } from '../../src/token.js';
import { recordingLogger } from './log.js';
import { createVirtualAm, type VirtualAm, type VirtualAmOptions } from './virtual-am.js';
import { createVirtualClock, type VirtualClock } from './virtual-clock.js';

export interface KeeperBench {
  readonly clock: VirtualClock;
  readonly am: VirtualAm;
  readonly keeper: Keeper;
  readonly log: string[];
  readonly events: KeeperEvent[];
  readonly presence: ReturnType<typeof createPresence>;
  /** Logs in at AM; the session is new to the keeper. */
  login(username?: string, realm?: string): Credential;
  /** Calls of this action that AM got for the session. */
  calls(credential: Credential, action?: string): VirtualAm['calls'];
}

export interface KeeperBenchOptions extends Partial<Omit<VirtualAmOptions, 'clock'>> {
  readonly keeper?: Partial<KeeperOptions>;
  /** Shared with other keepers. */
  readonly world?: { readonly clock: VirtualClock; readonly am: VirtualAm };
}

export const windowMs = 61_000;

export function createKeeperBench({ keeper: overrides, world, ...amOptions }: KeeperBenchOptions = {}): KeeperBench {
  const clock = world?.clock ?? createVirtualClock();
  const am = world?.am ?? createVirtualAm({ clock, ...amOptions });
  const flavor = amOptions.flavor ?? 'ping';
  const updateFrequencyS = overrides?.updateFrequencyS ?? amOptions.updateFrequencyS ?? 60;
  const timeoutMs = overrides?.timeoutMs ?? 3_000;
  const log: string[] = [];
  const logger = recordingLogger(log);
  const presence = createPresence({ log: logger, clock, flavor, url: 'http://127.0.0.1/am' });
  const client = createAmClient({
    am: {
      url: 'http://127.0.0.1/am',
      publicUrl: 'http://127.0.0.1/am',
      realm: '/',
      cookieName: undefined,
      cookies: [],
      flavor,
      updateFrequencyS,
      timeoutMs,
      maxConcurrency: 64,
      downGraceS: 300,
    },
    cookieName: () => 'iPlanetDirectoryPro',
    transport: (request, signal) => am.transport(request, signal),
    clock,
  });
  const events: KeeperEvent[] = [];
  const keeper = createKeeper({
    am: client,
    clock,
    presence,
    log: logger,
    updateFrequencyS,
    timeoutMs,
    maxConcurrency: 64,
    downGraceS: 300,
    trustS: 120,
    sessionsMax: 10_000,
    servesRealm: (realm) => realm === '/',
    observe: (event) => events.push(event),
    random: () => 0.5,
    ...overrides,
  });
  return {
    clock,
    am,
    keeper,
    log,
    events,
    presence,
    login: (username, realm) => credentialOf(am.login(username, realm), undefined),
    calls: ({ token }, action) =>
      am.calls.filter((call) => call.token === token && (action === undefined || call.action === action)),
  };
}

/**
 * A bench with one session that AM confirmed just now, its window closed.
 *
 * @param ageMs how old the session is when it is met
 */
export async function metSession(options: KeeperBenchOptions = {}, ageMs = 70_000) {
  const bench = createKeeperBench(options);
  const session = bench.login();
  await bench.clock.advance(ageMs);
  void bench.keeper.touch(session, '192.0.2.1');
  await bench.clock.advance(100);
  return { ...bench, session };
}
