// A Map that never grows past its bound, and lets go of what is over as new entries come: no timer sweeps.

export interface BoundedMapOptions<V> {
  readonly max: number;
  /** Whether nobody needs the entry any more. */
  readonly isOver: (value: V) => boolean;
  /** Whether others should go before it when there is no room. Default: none. */
  readonly isInUse?: (value: V) => boolean;
  /** Told of an entry that had to go while it was neither over nor deleted. */
  readonly onEvict?: (value: V) => void;
}

/** Each entry that comes may take two with it that are over. */
const sweepScan = 2;

/** How far to look for an entry that is not in use before the oldest goes all the same. */
const evictionScan = 32;

/** The entry set longest ago goes first. */
export class BoundedMap<V> extends Map<string, V> {
  readonly #options: BoundedMapOptions<V>;
  #cursor: IterableIterator<[string, V]>;

  constructor(options: BoundedMapOptions<V>) {
    super();
    this.#options = options;
    this.#cursor = this.entries();
  }

  /** Adds the entry, or makes it the newest. */
  override set(key: string, value: V): this {
    this.delete(key);
    this.#sweep();
    if (this.size >= this.#options.max) this.#evictOne();
    return super.set(key, value);
  }

  /** Goes on where it stopped: entries that live long must not shield those behind them. */
  #sweep(): void {
    for (let scanned = 0; scanned < sweepScan; scanned++) {
      const next = this.#cursor.next();
      if (next.done) {
        this.#cursor = this.entries();
        return;
      }
      const [key, value] = next.value;
      if (this.#options.isOver(value)) this.delete(key);
    }
  }

  #evictOne(): void {
    const { isInUse, onEvict } = this.#options;
    let victim: [string, V] | undefined;
    let scanned = 0;
    for (const entry of this) {
      victim ??= entry;
      if (!isInUse?.(entry[1])) {
        victim = entry;
        break;
      }
      if (++scanned === evictionScan) break;
    }
    if (!victim) return;
    this.delete(victim[0]);
    onEvict?.(victim[1]);
  }
}
