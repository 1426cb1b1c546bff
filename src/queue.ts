// A queue whose entries may leave from anywhere: for what comes and goes with every request.

export interface Entry<T> {
  readonly value: T;
  before: Entry<T> | undefined;
  after: Entry<T> | undefined;
  isQueued: boolean;
}

export interface Queue<T> extends Iterable<T> {
  readonly size: number;
  readonly first: Entry<T> | undefined;
  /** As the last. */
  add(value: T): Entry<T>;
  /** It becomes the last, unless it has left. */
  requeue(entry: Entry<T>): void;
  /** More than once does no harm. */
  remove(entry: Entry<T>): void;
}

/**
 * In the place of a Set or Map of all requests. Of the tables that those leave behind as they grow and shrink each refers
 * to the next; once one of them is old, V8 takes all that ever stood in the later ones for alive, until its next major
 * collection: a proxied request took 1.2 times as long on Node 24.
 */
export function createQueue<T>(): Queue<T> {
  let first: Entry<T> | undefined;
  let last: Entry<T> | undefined;
  let size = 0;

  function append(entry: Entry<T>): void {
    entry.isQueued = true;
    entry.before = last;
    if (last) last.after = entry;
    else first = entry;
    last = entry;
    size++;
  }

  function remove(entry: Entry<T>): void {
    if (!entry.isQueued) return;
    const { before, after } = entry;
    if (before) before.after = after;
    else first = after;
    if (after) after.before = before;
    else last = before;
    entry.before = undefined;
    entry.after = undefined;
    entry.isQueued = false;
    size--;
  }

  return {
    get size() {
      return size;
    },
    get first() {
      return first;
    },
    add(value) {
      const entry: Entry<T> = { value, before: undefined, after: undefined, isQueued: false };
      append(entry);
      return entry;
    },
    requeue(entry) {
      if (!entry.isQueued) return;
      remove(entry);
      append(entry);
    },
    remove,
    *[Symbol.iterator]() {
      for (let entry = first; entry; entry = entry.after) yield entry.value;
    },
  };
}
