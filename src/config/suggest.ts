// "Did you mean …?": the nearest of the known words, when it is near.

/** Single-character edits between two words; a swap of neighbours counts as one (optimal string alignment). */
function editDistance(a: string, b: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let cost = Math.min(at(last, j) + 1, at(row, j - 1) + 1, at(last, j - 1) + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, at(beforeLast, j - 2) + 1);
      }
      row.push(cost);
    }
    beforeLast = last;
    last = row;
  }
  return at(last, b.length);
}

/** The known word at most `limit` edits away, case left aside; undefined if there is none. */
export function closest<T extends string>(word: string, known: readonly T[], limit = 2): T | undefined {
  // Words of other lengths need not be measured, and a huge one must not be.
  const candidates = known.filter((candidate) => Math.abs(candidate.length - word.length) <= limit);
  const measured = candidates.map((candidate) => ({
    candidate,
    distance: editDistance(word.toLowerCase(), candidate.toLowerCase()),
  }));
  measured.sort((a, b) => a.distance - b.distance);
  const best = measured[0];
  // A word of two letters is two edits away from everything: at least half of it must be right.
  return best && best.distance <= limit && best.distance * 2 <= best.candidate.length ? best.candidate : undefined;
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Infinity;
}
