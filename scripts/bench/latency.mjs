// What each proxy adds to the latency, at half of what the bare one can do.
import { alternate, median, percentile } from './pairs.mjs';
import { rightly } from './requests.mjs';
import { subjects } from './subjects.mjs';

const workload = 'GET 1 KB';
/** Of each proxy in a round. */
const slices = 32;

/**
 * A round: open load, at the same rate for each proxy of `started` and for the upstream by itself. Short slices and many: a
 * moment in which the machine stands still spoils one of them.
 *
 * @returns the rate, and by name the percentiles of each in ms
 */
export async function latencyRound(started, { load, places }, { rate, ms }) {
  const direct = { name: 'direct', proxy: { port: Number(new URL(places.upstream).port) } };
  const all = [...started, direct];
  const measured = await alternate(slices, all, async ({ proxy: { port } }) => {
    const run = await load.ask('open', { port, workload, rate, warmUpMs: ms / 4, ms });
    return rightly(run).latencies;
  });
  return { rate, summaries: Object.fromEntries(all.map(({ name }, i) => [name, summaryOf(measured[i])])) };
}

/** One row of the table: a proxy against the bare one, round by round: processes of one proxy differ by a millisecond. */
export function latencyRow(name, rounds) {
  const of = (subject) => rounds.map(({ summaries }) => summaries[subject]);
  const [ours, bare, direct] = [of(name), of('bare'), of('direct')];
  const added = (key) => ours.map((summary, i) => summary[key] - bare[i][key]);
  return {
    title: subjects[name].title,
    subject: name,
    rate: Math.round(median(rounds.map(({ rate }) => rate))),
    slices,
    p50Ms: medianOf(ours, 'p50Ms'),
    p99Ms: medianOf(ours, 'p99Ms'),
    p99OfAllMs: medianOf(ours, 'p99OfAllMs'),
    bareP99Ms: medianOf(bare, 'p99Ms'),
    bareP99OfAllMs: medianOf(bare, 'p99OfAllMs'),
    directP99Ms: medianOf(direct, 'p99Ms'),
    addedP50Ms: median(added('p50Ms')),
    addedP99Ms: median(added('p99Ms')),
    addedP99MsOfPairs: added('p99Ms'),
  };
}

function medianOf(summaries, key) {
  return median(summaries.map((summary) => summary[key]));
}

/**
 * Of the calmer half of a process's slices: what the machine does meanwhile makes the worst hundredth of a slice, and nothing
 * makes it better.
 */
function summaryOf(runs) {
  const sorted = runs
    .map((latencies) => ({ latencies, p99Ms: percentile(latencies, 0.99) }))
    .toSorted((a, b) => a.p99Ms - b.p99Ms)
    .map(({ latencies }) => latencies);
  const calm = sorted.slice(0, Math.ceil(sorted.length / 2)).flat();
  // with all stalls, the machine's and the proxy's own
  return { p50Ms: percentile(calm, 0.5), p99Ms: percentile(calm, 0.99), p99OfAllMs: percentile(sorted.flat(), 0.99) };
}
