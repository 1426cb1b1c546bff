// Alternating pairs: A B A B …, so that what the machine does meanwhile meets both alike.

export function median(values) {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** What it comes to while nothing else goes on, where all that disturbs makes it more. */
export function lowerQuartile(values) {
  return values.toSorted((a, b) => a - b)[values.length >> 2];
}

/** What this share of them, 0.99 for instance, does not exceed. */
export function percentile(values, share) {
  const sorted = Float64Array.from(values).toSorted();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

/** @returns one list of results for each of `subjects`, in the order of the rounds; every second round goes backwards */
export async function alternate(rounds, subjects, measure) {
  const results = subjects.map(() => []);
  for (let round = 0; round < rounds; round++) {
    const order = [...subjects.keys()];
    if (round % 2 === 1) order.reverse();
    for (const i of order) results[i].push(await measure(subjects[i]));
  }
  return results;
}

/** Of the pairs' own ratios. */
export function ratios(ours, theirs) {
  const all = ours.map((value, i) => value / theirs[i]);
  return { median: median(all), lowest: Math.min(...all), highest: Math.max(...all) };
}
