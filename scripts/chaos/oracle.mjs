// The oracle: knows for each answer whether it was allowed. What is not is a wrong answer.
import { afterOutageMs, graceMs, logoutReachMs, trustMs, windowMs } from './settings.mjs';

/** For the generator's own delays: it shares two cores with all processes of the test. */
const slackMs = 500;

export function createOracle({ timeline, endedAtAm, gaveUpOn }) {
  /** When each life of a node first and last let a session in. */
  const known = new Map();
  const stats = { foundAmSlow: 0, heard: new Set(), unvouched: new Set() };

  const knownKey = ({ session, node, at }) => `${node}.${timeline.lifeAt(node, at)}.${session.hash}`;

  /** @returns what is wrong with the answer; undefined: nothing */
  function judge(record) {
    const { session, node, at, until, error, status, code, name } = record;
    const isDown = timeline.troubles(node, at, until).length > 0;
    if (error) return isDown ? undefined : `no answer from a living node: ${error}`;
    if (name !== undefined && name !== session.user) return `the answer is for ${name}, not for ${session.user}`;
    if (record.kind === 'livez') return status === 200 ? undefined : `livez: ${status}`;
    if (record.kind === 'logout') return judgeLogout(record);
    const passesUntil = mayPassUntil(record);
    switch (status) {
      case 200:
        if (name === undefined) return '200 without a name';
        return at <= passesUntil ? undefined : 'let in after its logout';
      case 401:
        if (code !== 'session_expired' && code !== 'session_ended') return `401 ${code}`;
        return session.leaving && until >= session.leaving.from ? undefined : 'a live session was refused with 401';
      case 503:
        if (code !== 'am_unavailable' || !(isAmAway(at, until) || foundAmSlow(record)))
          return `503 ${code} while AM was well`;
        return at - known.get(knownKey(record))?.last < graceMs / 2 && !session.leaving
          ? '503 to a session that the node knew before the outage'
          : undefined;
      default:
        return `${status} ${code}`;
    }
  }

  function judgeLogout(record) {
    const { at, until, status, am } = record;
    if (status === 200 && (am === 'ended' || am === 'already-ended')) return undefined;
    if (status === 202 && am === 'pending' && (isAmAway(at, until) || foundAmSlow(record))) return undefined;
    return `logout: ${status} ${am}`;
  }

  /** On a busy machine a call may take longer than the time-out: the node, or AM's journal, says so. */
  function foundAmSlow({ session, node, at, until }) {
    const isSlow = timeline.missedAm(node, at - afterOutageMs(0), until) || gaveUpOn(session, at, until);
    if (isSlow) stats.foundAmSlow++;
    return isSlow;
  }

  /** AM does not answer, or did not a moment ago and has not been asked again. */
  function isAmAway(at, until) {
    return timeline
      .troubles('am', -Infinity, until)
      .some((span) => at <= span.to + afterOutageMs(Math.min(span.to, until) - span.from));
  }

  /** From when on AM was well until the request, for whoever has to ask it. */
  function amWellFrom(at) {
    const spans = timeline.troubles('am', -Infinity, at);
    return Math.max(-Infinity, ...spans.map(({ from, to }) => to + afterOutageMs(to - from)));
  }

  /** Until when a request sent to this node may be let in. */
  function mayPassUntil({ session, node, at }) {
    const { leaving } = session;
    if (!leaving) return Infinity;
    if (leaving.until > at) return Infinity;
    const life = timeline.lifeAt(node, at);
    if (leaving.how === 'here') {
      if (node === leaving.node && life === leaving.life) return leaving.until;
      const heardBy = isVouchedFor(session) ? reachedAt(leaving, node, life) : undefined;
      if (heardBy !== undefined) {
        stats.heard.add(session.hash);
        return heardBy + logoutReachMs + slackMs;
      }
    }
    // what the node knows of itself: AM says so once trust is over, or at the end of the window
    const saidByAm = Math.max(
      leaving.until,
      toldAmAt(session, at),
      amWellFrom(at),
      ...awakeAgain(node, leaving.until, at),
    );
    return saidByAm + trustMs + windowMs + slackMs;
  }

  /**
   * From when on AM knows of the logout, but for its own outages: a node goes on telling it. One that is killed before AM has
   * heard takes the logout with it.
   */
  function toldAmAt(session, at) {
    const { leaving } = session;
    if (leaving.am !== 'pending') return leaving.until;
    const isKilled = timeline.lifeAt(leaving.node, at) !== leaving.life;
    return isKilled || !isVouchedFor(session) ? endedAtAm(session) : leaving.until;
  }

  /**
   * Whether the node of the logout could know that there was such a session: it has met it, AM said so, Redis, or another
   * node that was awake. What stood in Redis may be lost, and with AM away there is no telling it from an invented one.
   */
  function isVouchedFor(session) {
    const { leaving } = session;
    const isVouched =
      leaving.am !== 'pending' ||
      hasMet(session, leaving.node) ||
      (timeline.hasStore(leaving.node, leaving.from, leaving.until + slackMs) &&
        timeline.lives.some((_, node) => isInStore(session, node) || canVouch(session, node)));
    if (!isVouched) stats.unvouched.add(session.hash);
    return isVouched;
  }

  /** Whether the life of the node at the time of the logout had let it in. */
  function hasMet(session, node) {
    const { from, until } = session.leaving;
    return known.get(knownKey({ session, node, at: until }))?.first <= from;
  }

  function canVouch(session, node) {
    const { from, until } = session.leaving;
    const isAwake = timeline.troubles(node, from, until + logoutReachMs).length === 0;
    return hasMet(session, node) && isAwake && timeline.hasStore(node, from, until + logoutReachMs);
  }

  /** Whether some life of the node met it with Redis there, which has kept its keys since. */
  function isInStore(session, node) {
    return timeline.lives[node].some(({ from: bornAt }) => {
      const { first } = known.get(knownKey({ session, node, at: bornAt })) ?? {};
      return (
        first <= session.leaving.from &&
        timeline.hasStore(node, first - slackMs, first + slackMs) &&
        timeline.troubles('redis', first, session.leaving.from).every(({ kind }) => kind !== 'killed, back empty')
      );
    });
  }

  /** When the node could hear of the logout through Redis; undefined: it may not have. */
  function reachedAt(leaving, node, life) {
    const { from, until } = leaving;
    if (timeline.lifeAt(leaving.node, until) !== leaving.life) return undefined;
    // a node that started later, or slept, hears of it later
    const heard = Math.max(until, timeline.lives[node][life]?.servesFrom ?? until, ...awakeAgain(node, from, until));
    const isHeard =
      timeline.hasStore(leaving.node, from, until + slackMs) && timeline.hasStore(node, from, heard + logoutReachMs);
    return isHeard ? heard : undefined;
  }

  function awakeAgain(node, from, until) {
    return timeline.troubles(node, from, until).map(({ to }) => to);
  }

  return {
    stats,
    /** Records in the order of their answers. */
    judgeAll(records) {
      const wrong = [];
      for (const record of records.toSorted((a, b) => a.until - b.until)) {
        const complaint = judge(record);
        if (complaint) wrong.push({ ...record, complaint });
        const key = record.session.hash && knownKey(record);
        if (key && record.status === 200)
          known.set(key, { first: known.get(key)?.first ?? record.until, last: record.until });
      }
      return wrong;
    },
  };
}
