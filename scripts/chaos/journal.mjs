// What AM's journal proves: how often it was called for a session, which calls were in vain, and that no activity was lost.
import { isActivity } from './requests.mjs';
import { afterOutageMs, frequencyS, nodeCount, timeoutMs, trustMs, windowMs } from './settings.mjs';

/** Claims and windows from before a trouble are over by then. */
const claimMs = timeoutMs + windowMs;
const toldMs = windowMs + 2 * timeoutMs;
const slackMs = 500;
/** How long the longest outage of AM in the plan has an effect. */
const outageReachMs = afterOutageMs(4_000);
/** For the first failures in a row. */
const backoffMs = 4_000;

/** AM counts in whole seconds, and the clocks of two processes are some milliseconds apart. */
export const secondOf = (at) => Math.floor((at - 20) / 1_000) * 1_000;

export function createJournal(timeline) {
  const bySession = new Map();
  let calls = 0;
  const outcomes = {};

  function add(entries) {
    for (const entry of entries) {
      const { action, session } = entry;
      const outcome = entry.aborted ? 'given up' : entry.fault ? 'fault' : (entry.outcome ?? entry.status);
      calls++;
      const key = `${action}: ${outcome}`;
      outcomes[key] = (outcomes[key] ?? 0) + 1;
      if (!bySession.has(session)) bySession.set(session, []);
      bySession.get(session).push(entry);
    }
  }

  const of = (session) => bySession.get(session.hash) ?? [];
  const refreshesOf = (session) =>
    of(session)
      .filter(({ action }) => action === 'refresh')
      .toSorted((a, b) => a.at - b.at);

  /** Whether a node gave up a call for the session, and need not have asked again: on a busy machine AM is slow. */
  const gaveUpOn = (session, at, until) =>
    of(session).some(
      ({ aborted, finishedAt }) => aborted && finishedAt >= at - backoffMs && finishedAt <= until + slackMs,
    );

  /** All nodes have Redis, AM is well: one refresh per session and window over all nodes. */
  function isQuiet(from, to) {
    return (
      timeline.isShared(from - claimMs, to + slackMs) && timeline.troubles('am', from - outageReachMs, to).length === 0
    );
  }

  /**
   * In any time T no more refreshes than ⌈T/window⌉ + 1 over all nodes. Where Redis is away each node throttles for itself,
   * and the others are to it as another application that touches the session: AM takes one access a frequency at most, each
   * of them ends a node's window once, and the first may be a window old. A node that
   * starts anew is another one. Who hears that the session is dead, or nothing at all, is not counted.
   */
  function tooOften(session) {
    const refreshes = refreshesOf(session).filter(
      (entry) => entry.outcome !== 'dead' && !entry.fault && !entry.aborted,
    );
    const broken = [];
    for (const [i, first] of refreshes.entries())
      for (let k = i + 1; k < refreshes.length; k++) {
        const ms = refreshes[k].at - first.at;
        const alone = Math.floor(Math.max(0, ms - 1_000) / (frequencyS * 1_000)) + 2;
        const allowed = isQuiet(first.at, refreshes[k].at)
          ? Math.ceil(ms / windowMs) + 1
          : livesDuring(first.at, refreshes[k].at) * alone;
        if (k - i + 1 > allowed) broken.push({ session, at: first.at, ms, calls: k - i + 1 });
      }
    return broken;
  }

  const livesDuring = (from, to) =>
    timeline.lives.reduce(
      (total, ofNode) => total + 1 + ofNode.filter((life) => life.from > from && life.from <= to).length,
      0,
    );

  /** Why AM did not obey: somebody else's access shortly before. */
  function whyIgnored(session, refresh) {
    const before = refreshesOf(session).findLast(({ id }) => id < refresh.id);
    const lately = refresh.at - (frequencyS + 1) * 1_000;
    if (session.loginAt >= lately - 1_000) return 'right after the login';
    if (!before) return 'unexplained';
    const from = Math.min(before.at, lately);
    if (!timeline.isShared(from - claimMs, refresh.at + slackMs)) return 'Redis was away';
    if (before.aborted || before.fault) return 'the answer before was lost';
    if (timeline.troubles('am', from - outageReachMs, refresh.at).length > 0) return 'AM was away';
    for (let node = 0; node < nodeCount; node++)
      if (timeline.troubles(node, from, refresh.at).length > 0) return 'a node was killed or stopped';
    return 'unexplained';
  }

  /**
   * When AM must have heard of a click that a node took. The claim of a node that dies or stops with it, and one that Redis
   * took over too late for its owner, hold the others up for as long as it lasts; an outage of AM, until its end.
   */
  function toldBy({ at, until }) {
    const isDisturbed = timeline.isDisturbed(at - claimMs, until + toldMs);
    const by = until + toldMs + slackMs + (isDisturbed ? claimMs : 0);
    const outages = timeline.troubles('am', at - outageReachMs, by);
    return Math.max(by, ...outages.map(({ from, to }) => to + afterOutageMs(to - from) + toldMs));
  }

  /** A node that is killed takes what it has not told with it. */
  const livedToTell = (click) => timeline.troubles(click.node, click.at, toldBy(click)).length === 0;

  /** The user's clicks that AM has not heard of in time, where nothing happened to their node. */
  function untold(records) {
    const accesses = new Map();
    return records.filter((record) => {
      const { session, node, kind, status, at } = record;
      if (status !== 200 || !isActivity(kind)) return false;
      const by = toldBy(record);
      if ((session.leaving?.from ?? Infinity) <= by || by > timeline.endedAt || !livedToTell(record)) return false;
      if (gaveUpOn(session, at, by) || timeline.missedAm(node, at, by)) return false;
      if (!accesses.has(session))
        accesses.set(
          session,
          of(session).filter(({ reset }) => reset),
        );
      const second = secondOf(at);
      return !(
        session.loginAt >= second || accesses.get(session).some((entry) => entry.at >= second && entry.at <= by)
      );
    });
  }

  /** One for each life of a node that met it, and what trust needs: each node asks at most once in it. */
  function peeksBound(session, records) {
    const met = new Map();
    for (const { node, at, until, status } of records) {
      if (status !== 200) continue;
      const life = `${node}.${timeline.lifeAt(node, at)}`;
      const span = met.get(life) ?? { from: at, to: until };
      met.set(life, { from: span.from, to: until });
    }
    let bound = 0;
    for (const { from, to } of met.values()) bound += 1 + Math.ceil((to - from) / trustMs);
    return bound;
  }

  return {
    add,
    of,
    refreshesOf,
    tooOften,
    whyIgnored,
    untold,
    livedToTell,
    peeksBound,
    outcomes,
    get calls() {
      return calls;
    },
    gaveUpOn,
    isQuiet,
    endedAt(session) {
      const ended = of(session).find(({ outcome, action }) => action === 'logout' && outcome === 'ended');
      return ended?.at ?? Infinity;
    },
  };
}
