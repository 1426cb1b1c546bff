// The end of it: all checks, the numbers in one table, and whether all is right.
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { secondOf } from './journal.mjs';
import { isActivity } from './requests.mjs';
import { createOracle } from './oracle.mjs';
import { storePatienceMs } from './settings.mjs';

const shownMax = 10;
/** A first request waits for AM too. */
const latencyRoomMs = 250;
/** A machine on which nodes need longer than this for nothing at all cannot tell. */
const busyMs = 200;

export function report({ seed, timeline, journal, users, records: all, atAm, folder }) {
  const records = all.filter(({ kind }) => kind !== 'livez');
  const { sessions } = users;
  const oracle = createOracle({ timeline, endedAtAm: journal.endedAt, gaveUpOn: journal.gaveUpOn });
  const wrong = oracle.judgeAll(all);
  const tooOften = sessions.flatMap(journal.tooOften);
  const ignored = countBy(ignoredRefreshes(sessions, journal), ({ why }) => why);
  const untold = journal.untold(records);
  const lost = lostAtTheEnd(sessions, records, journal, atAm);
  const bySession = groupBy(records, ({ session }) => session);
  const peeked = sessions.filter(
    (session) => peeksOf(session, journal) > journal.peeksBound(session, bySession.get(session) ?? []),
  );
  const extended = sessions.filter((s) => s.way === 'poller' && journal.refreshesOf(s).length > 0 && !s.leaving);
  const leaks = leaksOf(sessions, folder);

  const answered = records.filter(({ error }) => !error);
  const letIn = answered.filter(({ status }) => status === 200);
  const calls = journal.calls;
  show('seed', seed);
  show('time', `${Math.round((Date.now() - timeline.startedAt) / 1_000)} s`);
  show('sessions', `${sessions.length}, of them ${sessions.filter((s) => s.leaving).length} logged out`);
  show('requests', `${records.length}: ${listed(countBy(answered, ({ status }) => status))}`);
  show(
    'refused',
    listed(
      countBy(
        answered.filter(({ status }) => status !== 200 && status !== 202),
        ({ status, code }) => `${status} ${code}`,
      ),
    ),
  );
  show(
    'no answer',
    `${records.length - answered.length}, from nodes that were killed or stopped: ${listed(
      countBy(
        records.filter(({ error }) => error),
        ({ error }) => error,
      ),
    )}`,
  );
  show('AM calls', `${calls}: ${listed(journal.outcomes)}`);
  show('AM calls saved', `${letIn.length - calls} of ${letIn.length} requests that were let in`);
  const quiet = sessions.flatMap((session) => journal.refreshesOf(session).filter(({ at }) => journal.isQuiet(at, at)));
  show(
    'refreshes while Redis and AM were well',
    `${quiet.length}: ${listed(countBy(quiet, ({ outcome }) => outcome))}`,
  );
  show('refreshes ignored by AM', listed(ignored));
  show(
    'disasters',
    listed(countBy(timeline.spans, ({ of, kind }) => `${typeof of === 'number' ? 'node' : of} ${kind}`)),
  );
  show(
    'time with Redis, node by node',
    timeline.samples
      .map((ofNode) => `${Math.round((100 * ofNode.filter(({ hasRedis }) => hasRedis).length) / ofNode.length)} %`)
      .join(', '),
  );
  show('nodes found Redis again after', recoveries(timeline));
  show('logouts that others had to know within 1 s', oracle.stats.heard.size);
  show('logouts that nobody could vouch for', oracle.stats.unvouched.size);
  show('503 and 202 where a busy machine made AM slow', oracle.stats.foundAmSlow);
  const latencies = latencyOf(all, timeline);
  console.table(latencies);

  for (const session of sessions)
    writeFileSync(
      join(folder, 'journal.jsonl'),
      journal
        .of(session)
        .map((e) => JSON.stringify(e) + '\n')
        .join(''),
      { flag: 'a' },
    );
  writeFileSync(
    join(folder, 'records.jsonl'),
    records.map(({ session, ...rest }) => `${JSON.stringify({ session: session.hash, ...rest })}\n`).join(''),
  );
  const late = ['Redis killed', 'Redis stopped'].filter((phase) => isLate(latencies[phase]));
  const checks = [
    ['wrong answers', wrong.map((each) => describe(each, timeline))],
    [
      'refreshes above the bound',
      tooOften.map(({ session, at, ms, calls: n }) => `${session.hash}: ${n} in ${ms} ms, ${ago(at, timeline)}`),
    ],
    ['refreshes in vain, unexplained', Array.from({ length: ignored.unexplained ?? 0 }, () => '')],
    ['peeks above the bound', peeked.map(({ hash }) => hash)],
    ['sessions extended by polls', extended.map(({ hash }) => hash)],
    [
      'clicks that AM was not told of in time',
      untold.map((each) => describe({ ...each, complaint: 'not told' }, timeline)),
    ],
    ['sessions whose last click AM does not know', lost],
    [`p99 without Redis far above that of livez`, late],
    ['tokens in logs or in Redis', leaks],
    // on a machine so busy that Redis never answers in time
    [
      'proofs that could not be made',
      [quiet.length === 0 && 'the bound', oracle.stats.heard.size === 0 && 'logouts'].filter(Boolean),
    ],
    ['problems', timeline.problems],
  ];
  for (const [title, found] of checks) {
    show(title, found.length);
    for (const each of found.slice(0, shownMax)) console.log(`    ${each}`);
    if (found.length > 0) writeFileSync(join(folder, `${title}.txt`), found.join('\n'));
  }
  const isRight = checks.every(([, found]) => found.length === 0);
  console.log(isRight ? 'all is right' : 'SOMETHING IS WRONG');
  return isRight;
}

function ignoredRefreshes(sessions, journal) {
  return sessions.flatMap((session) =>
    journal
      .refreshesOf(session)
      .filter(({ outcome }) => outcome === 'ignored')
      .map((refresh) => ({ session, refresh, why: journal.whyIgnored(session, refresh) })),
  );
}

const peeksOf = (session, journal) =>
  journal.of(session).filter(({ action, outcome }) => action === 'getSessionInfo' && outcome === 'alive').length;

/** For each live session AM's latest access must not be before the last click that a node took and lived to tell. */
function lostAtTheEnd(sessions, records, journal, atAm) {
  const accessOf = new Map(atAm.map(({ session, latestAccessTime }) => [session, Date.parse(latestAccessTime)]));
  const lastClick = new Map();
  for (const record of records) {
    const { session, kind, status, at } = record;
    if (status === 200 && isActivity(kind) && at > (lastClick.get(session)?.at ?? 0) && journal.livedToTell(record))
      lastClick.set(session, record);
  }
  return sessions
    .filter((session) => !session.leaving)
    .flatMap((session) => {
      const access = accessOf.get(session.hash);
      if (access === undefined) return [`${session.hash} is not alive at AM`];
      const { at = 0, node } = lastClick.get(session) ?? {};
      const late = secondOf(at) - access;
      return late > 0
        ? [`${session.hash} (${session.user}): ${late} ms before its last click, at node ${node}, ${at}`]
        : [];
    });
}

function leaksOf(sessions, folder) {
  const text = readdirSync(folder, { recursive: true })
    .map((name) => join(folder, name))
    .filter((path) => statSync(path).isFile())
    .map((path) => readFileSync(path, 'latin1'))
    .join('\n');
  return sessions.filter(({ token }) => text.includes(token)).map(({ hash }) => hash);
}

function isLate(row) {
  if (!row || row['/livez p99'] > busyMs) return false;
  return row.p99 > 2 * row['/livez p99'] + latencyRoomMs;
}

function latencyOf(records, timeline) {
  const rows = {};
  const living = records.filter(
    ({ node, at, until, error, kind }) =>
      !error && kind !== 'logout' && timeline.troubles(node, at - 1_000, until).length === 0,
  );
  for (const [phase, group] of groupBy(living, ({ at }) => timeline.phaseAt(at))) {
    // it asks neither Redis nor AM: what the machine and the node themselves take
    const livez = percentiles(group.filter(({ kind }) => kind === 'livez'));
    const users = group.filter(({ kind }) => kind !== 'livez');
    const slow = users.filter(({ ms }) => ms > livez.p99 + storePatienceMs).length;
    rows[phase] = {
      requests: users.length,
      ...percentiles(users),
      '/livez p99': livez.p99,
      [`> that + ${storePatienceMs}`]: slow,
    };
  }
  return rows;
}

/** From the end of each trouble of Redis until each node had it again, as its metrics said. */
function recoveries({ spans, samples }) {
  const found = spans
    .filter(({ of }) => of === 'redis')
    .flatMap(({ to }) =>
      samples.flatMap((ofNode) => {
        const had = ofNode.findLast((sample) => sample.to < to)?.hasRedis;
        const next = ofNode.find((sample) => sample.from >= to && sample.hasRedis);
        const isSame = next && spans.every((span) => span.of === 'am' || span.to <= to || span.from > next.to);
        return isSame && !had ? [next.from - to] : [];
      }),
    )
    .toSorted((a, b) => a - b);
  if (found.length === 0) return 'none lost it';
  return `${found[Math.floor(found.length / 2)]} ms (half of them), ${found.at(-1)} ms (the last)`;
}

function percentiles(group) {
  const sorted = group.map(({ ms }) => ms).toSorted((a, b) => a - b);
  const at = (share) => Math.round(sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0);
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}

function describe({ session, node, kind, at, until, status, code, error, complaint }, timeline) {
  const { leaving } = session;
  const left = leaving ? `; left ${leaving.how} at ${leaving.node ?? 'AM'}, ${at - leaving.until} ms before` : '';
  const what = `${complaint}: ${kind} at node ${node} ${ago(at, timeline)}, ${until - at} ms, ${status ?? error} ${code ?? ''}`;
  return `${what} (${session.user} ${session.hash}${left}) after: ${timeline.before(until).join('; ')}`;
}

const ago = (at, timeline) => `at ${((at - timeline.startedAt) / 1_000).toFixed(2)} s in "${timeline.phaseAt(at)}"`;

function countBy(items, keyOf) {
  const counts = {};
  for (const each of items) counts[keyOf(each)] = (counts[keyOf(each)] ?? 0) + 1;
  return counts;
}

const listed = (counts) =>
  Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ') || 'none';

function show(title, value) {
  console.log(`${title.padEnd(44)} ${value}`);
}

function groupBy(items, keyOf) {
  const groups = new Map();
  for (const each of items) {
    const key = keyOf(each);
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(each);
  }
  return groups;
}
