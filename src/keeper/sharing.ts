// The other nodes are told of this node's tombstones, until they know.

import type { Clock } from '../clock.js';
import type { Cluster } from './cluster.js';
import type { Tombstone } from './tombstone.js';

export interface Sharing {
  /** Resolves within the patience for the store, told or not. */
  share(id: string, stone: Tombstone): Promise<void>;
  /** Those that could not be told. */
  shareUntold(): Promise<void>;
  /** All that are this node's: the store may have lost what it had, and others may not have heard. */
  shareAll(): Promise<void>;
}

export function createSharing(cluster: Cluster, clock: Clock, tombstones: ReadonlyMap<string, Tombstone>): Sharing {
  const untold = new Set<string>();

  async function share(id: string, stone: Tombstone): Promise<void> {
    untold.add(id);
    if (await cluster.end(id, stone.confirmed, stone.until - clock.now())) untold.delete(id);
  }

  /** One after the other: nobody waits for it, and users' own operations go first. */
  async function shareEach(ids: Iterable<string>): Promise<void> {
    for (const id of ids) {
      const stone = tombstones.get(id);
      if (stone?.own && clock.now() < stone.until) await share(id, stone);
      else untold.delete(id);
      if (cluster.state !== 'up') return;
    }
  }

  let working: Promise<void> | undefined;
  /** What comes while another round is under way waits for the next. */
  function oneAtATime(ids: () => Iterable<string>): Promise<void> {
    return (working ??= shareEach(ids()).finally(() => (working = undefined)));
  }

  return {
    share,
    shareUntold: () => (untold.size > 0 ? oneAtATime(() => [...untold]) : Promise.resolve()),
    shareAll() {
      for (const [id, stone] of tombstones) if (stone.own) untold.add(id);
      return oneAtATime(() => [...untold]);
    },
  };
}
