// How long to leave AM alone after a call that failed.

const firstMs = 1_000;
const longestMs = 30_000;

/** AM may ask us to stay away, but not for a day. */
const longestRetryAfterMs = 300_000;

/**
 * Milliseconds until the next try: 1 s doubling to 30 s, spread over the upper half so that the sessions of an
 * outage do not come back together; at least what AM asked for with `Retry-After`.
 *
 * @param failures how many calls failed in a row, from 1
 */
export function backoffMs(failures: number, retryAfterS: number | undefined, random: () => number): number {
  const ceiling = Math.min(longestMs, firstMs * 2 ** Math.min(failures - 1, 10));
  const spread = ceiling * (0.5 + random() / 2);
  if (retryAfterS === undefined) return spread;
  return Math.max(spread, Math.min(retryAfterS * 1000, longestRetryAfterMs) + random() * firstMs);
}
