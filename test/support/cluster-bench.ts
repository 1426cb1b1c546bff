// Several keepers with one store, on one virtual clock, in front of one virtual AM.

import { createMemoryStores } from '../../src/store/memory.js';
import type { SessionStore, StoreListener } from '../../src/store/session-store.js';
import type { Credential } from '../../src/am/client.js';
import { credentialOf } from '../../src/token.js';
import { createKeeperBench, type KeeperBench, type KeeperBenchOptions } from './keeper-bench.js';
import { createVirtualAm, type VirtualAm } from './virtual-am.js';
import { createVirtualClock, type VirtualClock } from './virtual-clock.js';

/** `hanging`: no answer; `failing`: an error at once; `read-only`: only reads work. */
export type StoreWeather = 'fine' | 'hanging' | 'failing' | 'read-only';

/** How long operations take to reach the store, and their answers to come back, in ms. */
export interface StoreLatency {
  readonly there: number;
  readonly back: number;
}

interface StoreLink extends SessionStore {
  weather: StoreWeather;
  latency: StoreLatency;
  /** Messages of other nodes do not arrive. */
  deaf: boolean;
  /** Operations that were asked for, by name. */
  readonly asked: string[];
  /** As after a connection that was lost. */
  listenAnew(): void;
}

export interface Node extends KeeperBench {
  readonly link: StoreLink;
  /** From an address of its own; resolves with the kind of the verdict. */
  touch(credential: Credential, wait?: boolean): Promise<string>;
  peek(credential: Credential): Promise<string>;
}

export interface ClusterBench {
  readonly clock: VirtualClock;
  readonly am: VirtualAm;
  readonly nodes: Node[];
  /** One more, which starts now; with a clock of its own, where it may be held up alone. */
  join(own?: VirtualClock): Promise<Node>;
  login(username?: string): Credential;
  calls(credential: Credential, action?: string): VirtualAm['calls'];
}

export async function createClusterBench(count: number, options: KeeperBenchOptions = {}): Promise<ClusterBench> {
  const clock = createVirtualClock();
  const { keeper, world: _, ...amOptions } = options;
  const am = createVirtualAm({ clock, ...amOptions });
  const stores = createMemoryStores({ clock });
  const nodes: Node[] = [];

  async function join(own = clock): Promise<Node> {
    const link = linkTo(stores.join(), clock);
    const bench = createKeeperBench({ ...amOptions, world: { clock: own, am }, keeper: { ...keeper, store: link } });
    const client = `192.0.2.${nodes.length + 1}`;
    const node: Node = {
      ...bench,
      link,
      touch: async (credential, wait) => (await bench.keeper.touch(credential, client, wait)).kind,
      peek: async (credential) => (await bench.keeper.peek(credential, client)).kind,
    };
    nodes.push(node);
    // until the store has been found
    await clock.advance(1);
    return node;
  }

  for (let i = 0; i < count; i++) await join();
  return {
    clock,
    am,
    nodes,
    join,
    login: (username) => credentialOf(am.login(username), undefined),
    calls: ({ token }, action) =>
      am.calls.filter((call) => call.token === token && (action === undefined || call.action === action)),
  };
}

function linkTo(store: SessionStore, clock: VirtualClock): StoreLink {
  const asked: string[] = [];
  let listener: StoreListener | undefined;

  const later = (ms: number) => (ms > 0 ? new Promise<void>((resolve) => void clock.setTimer(resolve, ms)) : undefined);

  async function pass<T>(name: string, isWrite: boolean, operation: () => Promise<T>): Promise<T> {
    asked.push(name);
    if (link.weather === 'hanging') return new Promise<T>(() => undefined);
    if (link.weather === 'failing') throw new Error('ECONNREFUSED');
    if (link.weather === 'read-only' && isWrite) throw new Error("READONLY You can't write");
    const { there, back } = link.latency;
    await later(there);
    try {
      return await operation();
    } finally {
      await later(back);
    }
  }

  const link: StoreLink = {
    weather: 'fine',
    latency: { there: 0, back: 0 },
    deaf: false,
    asked,
    listenAnew: () => listener?.onListening(),
    claim: (...args) => pass('claim', true, () => store.claim(...args)),
    settle: (...args) => pass('settle', true, () => store.settle(...args)),
    read: (...args) => pass('read', false, () => store.read(...args)),
    confirm: (...args) => pass('confirm', true, () => store.confirm(...args)),
    end: (...args) => pass('end', true, () => store.end(...args)),
    askToEnd: (...args) => pass('askToEnd', true, () => store.askToEnd(...args)),
    died: (...args) => pass('died', true, () => store.died(...args)),
    check: () => pass('check', true, () => store.check()),
    close: () => store.close(),
    listen(given) {
      listener = given;
      store.listen({
        onListening: () => given.onListening(),
        onWarning: (fields, message) => given.onWarning(fields, message),
        onEnd: (...args) => void (link.deaf || given.onEnd(...args)),
        onAskedToEnd: (...args) => void (link.deaf || given.onAskedToEnd(...args)),
        onDeath: (...args) => void (link.deaf || given.onDeath(...args)),
      });
    },
  };
  return link;
}
