// How AM was loaded, from its journal: how many calls at once, how many in a second.

/** Times in milliseconds; a call that has not ended is still in flight. */
interface Interval {
  readonly from: number;
  readonly to: number | undefined;
}

/** The most that were in flight at any moment. One that ends as another begins is not counted with it. */
export function mostAtOnce(calls: readonly Interval[]): number {
  const steps = calls.flatMap(({ from, to = Infinity }) => [
    { at: from, by: 1 },
    // no call takes no time
    { at: Math.max(to, from), by: -1 },
  ]);
  steps.sort((a, b) => a.at - b.at || a.by - b.by);
  let now = 0;
  let most = 0;
  for (const { by } of steps) most = Math.max(most, (now += by));
  return most;
}

/** How many there were in each span of `spanMs` from `start` on, until the last one. */
export function perSpan(times: readonly number[], start: number, spanMs: number): number[] {
  const counts: number[] = [];
  for (const at of times) {
    const span = Math.floor((at - start) / spanMs);
    counts[span] = (counts[span] ?? 0) + 1;
  }
  return Array.from(counts, (count) => count ?? 0);
}
