// What the bench prints: one line for each row, with its goal where there is one.

const [major] = process.versions.node.split('.').map(Number);

/** Between Node 20 and 24 none is set. */
const goals = {
  inFront: major >= 24 ? 1 : major === 20 ? 0.6 : undefined,
  mounted: 1.1,
  addedP99Ms: 0.3,
  touchesPerSecond: 1_000_000,
  bytes: 400,
  startMs: 1_000,
};

const number = (value, digits = 0) =>
  value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });

function judged(value, goal, digits, isAtLeast = false) {
  if (goal === undefined) return '';
  const isMet = isAtLeast ? value >= goal : value <= goal;
  return `${isAtLeast ? '≥' : '≤'} ${number(goal, digits)}  ${isMet ? 'met' : 'MISSED'}`;
}

function print(head, rows) {
  const all = [head, ...rows].map((row) => row.map(String));
  const widths = head.map((_, i) => Math.max(...all.map((row) => [...row[i]].length)));
  const line = (row) => row.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  ');
  console.log(`\n${all.map(line).join('\n')}`);
}

function goalOf(subject) {
  if (subject === 'mounted') return goals.mounted;
  return subject === 'command' || subject === 'wrapped' ? goals.inFront : undefined;
}

export function printCpu(rows) {
  print(
    [
      'CPU time per request, to bare',
      '',
      'ratio',
      'lowest',
      'of best',
      'µs',
      'bare µs',
      'req/s',
      'bare',
      'core',
      'goal',
    ],
    rows.map((row) => [
      row.title,
      row.workload,
      row.ratio.median.toFixed(2),
      row.ratio.lowest.toFixed(2),
      row.ratioOfBest.toFixed(2),
      number(row.microseconds),
      number(row.bareMicroseconds),
      number(row.perSecond),
      number(row.barePerSecond),
      `${Math.round(100 * row.bareCoreShare)} %`,
      judged(row.ratio.median, goalOf(row.subject), 2),
    ]),
  );
  console.log(
    'ratio: median of the pairs; of best: the cheapest round of each; core: what the bare one got of its core (well below 100 %: others use it)',
  );
}

/** @param request the row of a GET by the command, if it was measured */
export function printRefresh(microseconds, requestsOfWindow, request) {
  const share = microseconds / requestsOfWindow;
  const withIt = request && ((request.microseconds + share) / request.bareMicroseconds).toFixed(2);
  console.log(
    `a refresh costs ${number(microseconds)} µs more: ${share.toFixed(1)} µs a request of a user who sends ${requestsOfWindow} in a window${withIt ? `, so that a GET of 1 KB takes ${withIt} of bare's medians` : ''}`,
  );
}

export function printLatency(rows) {
  print(
    [
      'latency at half of what bare does',
      'req/s',
      'p50 ms',
      'p99 ms',
      'bare p99',
      'direct p99',
      'added p50',
      'added p99',
      'pair by pair',
      'p99 of all slices',
      'bare',
      'goal',
    ],
    rows.map((row) => [
      row.title,
      number(row.rate),
      row.p50Ms.toFixed(2),
      row.p99Ms.toFixed(2),
      row.bareP99Ms.toFixed(2),
      row.directP99Ms.toFixed(2),
      row.addedP50Ms.toFixed(2),
      row.addedP99Ms.toFixed(2),
      `${Math.min(...row.addedP99MsOfPairs).toFixed(2)} to ${Math.max(...row.addedP99MsOfPairs).toFixed(2)}`,
      row.p99OfAllMs.toFixed(2),
      row.bareP99OfAllMs.toFixed(2),
      judged(row.addedP99Ms, goals.addedP99Ms, 1),
    ]),
  );
}

export function printHandWritten(rows) {
  print(
    ['against what a team would write', '', 'req/s', 'p50 ms', 'p99 ms', 'AM calls per 1,000', 'failed'],
    rows.map((row) => [
      row.title,
      row.am,
      number(row.perSecond),
      row.p50Ms.toFixed(1),
      row.p99Ms.toFixed(1),
      number(row.amCallsPerThousand, 1),
      Object.values(row.failures).reduce((a, b) => a + b, 0),
    ]),
  );
}

export function printKeeper(rows) {
  print(
    [
      'keeper',
      'touches/s',
      'best',
      'goal',
      'first in a window',
      'µs to meet',
      'bytes',
      'goal',
      'more if pending',
      'RSS MB',
    ],
    rows.map((row) => [
      `${number(row.sessions)} session${row.sessions === 1 ? '' : 's'}`,
      number(row.perSecond),
      number(row.highestPerSecond),
      judged(row.perSecond, goals.touchesPerSecond, 0, true),
      number(row.firstPerSecond),
      row.meetingMicroseconds.toFixed(1),
      row.sessions === 1 ? '' : number(row.bytesTracked),
      row.sessions === 1_000_000 ? judged(row.bytesTracked, goals.bytes, 0) : '',
      row.sessions === 1 ? '' : number(row.bytesPending),
      number(row.rssMb),
    ]),
  );
}

export function printChurn({ tally, amCalls, perMinute }) {
  print(
    ['minute of churn', 'heap MB', 'sessions', 'timers', 'loop held p99 ms', 'most'],
    perMinute.map((row) => [
      row.minute,
      row.heapMb.toFixed(1),
      number(row.sessions),
      number(row.timers),
      row.heldP99Ms.toFixed(1),
      row.heldMaxMs.toFixed(1),
    ]),
  );
  console.log(
    `${number(tally.came)} sessions came, ${number(tally.touches)} touches, ${number(amCalls)} AM calls; a step is 50 ms of that time`,
  );
}

export function printTicks([left, kept]) {
  const [young, old, held] = [left.young, left.old, kept.old].map((ns) => number(ns));
  console.log(
    `\na tick takes ${young} ns in a young process, ${old} ns once the whole heap was collected, ${held} ns then with one kept`,
  );
}

export function printStart({ medianMs, lowestMs, highestMs }) {
  print(
    ['start until ready', 'ms', 'lowest', 'highest', 'goal'],
    [['the command', number(medianMs), number(lowestMs), number(highestMs), judged(medianMs, goals.startMs, 0)]],
  );
}

export function printRedis(rows) {
  print(
    ['Redis', 'scripts per refresh', 'its CPU µs', 'AM calls per session and window'],
    rows.map((row) => [
      `${row.nodes} node${row.nodes === 1 ? '' : 's, each meets every session'}`,
      row.scriptsPerRefresh.toFixed(1),
      number(row.cpuMicrosecondsPerRefresh),
      row.amCallsPerSessionAndWindow.toFixed(2),
    ]),
  );
}

export function printCapacity({ arithmetic, rows }) {
  print(
    [
      'capacity: active users',
      'AM frequency s',
      'requests/s',
      'AM calls/s',
      'Redis scripts/s',
      'in turn',
      'cores',
      'nodes',
      'MB per node',
    ],
    rows.map((row) => [
      number(row.users),
      row.frequencyS,
      number(row.requestsPerSecond),
      number(row.amCallsPerSecond),
      number(row.redisPerSecond),
      number(row.redisPerSecondSpread),
      number(row.cores, 1),
      number(row.nodes),
      number(row.memoryMbPerNode),
    ]),
  );
  console.log(arithmetic.map((line) => `  ${line}`).join('\n'));
}
