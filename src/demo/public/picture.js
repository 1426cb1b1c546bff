// What the live picture shows: the proxy's decisions, one event at a time, turned into marks. It knows nothing of a page.

import { sentenceOf } from './words.js';

/** Marks older than this are in nobody's picture. */
const keptMs = 200_000;
const readingMs = 5_000;

/** @param {{ frequencyS: number, flavor: string }} about of AM, as the demo set it */
export function emptyPicture(about) {
  return {
    about,
    requests: [],
    calls: [],
    // times in which AM would ignore a refresh
    windows: [],
    // what was learnt of AM's latest access, and when
    accesses: [],
    counts: { user: 0, background: 0, calls: 0 },
    // requests of the user's that AM does not know of
    untold: 0,
    sentence: '',
    saidAt: -Infinity,
    // AM has answered: worth being said aloud
    isNews: false,
  };
}

/** Requests that AM was not called for. */
export function savedCalls({ user, background, calls }) {
  return Math.max(0, user + background - calls);
}

/** The picture after one more event, which happened at `at`, in milliseconds of the page's clock. */
export function withEvent(picture, event, at) {
  const next = { ...prune(steps[event.type](picture, event, at), at), isNews: event.type === 'answer' };
  // a poller must not talk over what is worth reading
  if (event.request === 'background' && at - picture.saidAt < readingMs) return next;
  return { ...next, sentence: sentenceOf(event, picture, next), saidAt: at };
}

/** AM has ended the session: the stream that would have told it ends in the same moment. */
export function withEnd(picture, at) {
  if (picture.calls.at(-1)?.kind === 'dead') return picture;
  return withEvent(picture, { type: 'answer', action: 'peek', outcome: 'dead' }, at);
}

const steps = { decision: withDecision, call: withCall, answer: withAnswer };

function withDecision(picture, { request, decision, windowLeftMs }, at) {
  if (decision === 'dead' || decision === 'ended') return picture;
  const isUser = request === 'activity';
  const { counts, requests, windows } = picture;
  return {
    ...picture,
    requests: [...requests, { at, isUser, asked: decision === 'call' }],
    windows: windowLeftMs === undefined ? windows : windowUntil(windows, at, at + windowLeftMs),
    counts: isUser ? { ...counts, user: counts.user + 1 } : { ...counts, background: counts.background + 1 },
    untold: picture.untold + (isUser ? 1 : 0),
  };
}

/** A refresh tells of all that the user did before it. */
function withCall(picture, { action, reason }, at) {
  const tells = action === 'refresh';
  const call = { at, action, reason, kind: 'waiting', told: tells ? picture.untold : 0 };
  const { counts } = picture;
  return {
    ...picture,
    calls: [...picture.calls, call],
    counts: action === 'logout' ? counts : { ...counts, calls: counts.calls + 1 },
    untold: tells ? 0 : picture.untold,
  };
}

function withAnswer(picture, event, at) {
  const { calls, windows, accesses, untold, about } = picture;
  const found = calls.findLastIndex(({ action, kind }) => action === event.action && kind === 'waiting');
  // the call itself may be older than what the demo remembers
  const asked = calls[found] ?? { at, action: event.action, reason: 'activity', told: 0 };
  const call = { ...asked, kind: kindOf(event, asked, about) };
  const isTold = call.kind !== 'failed' && !(call.kind === 'ignored' && event.idleS <= about.frequencyS);
  const isOver = call.kind === 'dead' || call.kind === 'logout';
  return {
    ...picture,
    calls: found === -1 ? [...calls, call] : calls.with(found, call),
    windows: isOver ? endWindow(windows, at) : withWindow(windows, event, { at, asked, ...about }),
    accesses: withAccess(accesses, event, isOver, at, about),
    untold: isTold ? untold : untold + call.told,
  };
}

/** How a call is drawn. */
function kindOf({ action, outcome, idleS }, { reason }, { flavor }) {
  if (outcome === 'unknown' || outcome === 'refused') return 'failed';
  if (action === 'logout') return 'logout';
  if (outcome === 'dead') return 'dead';
  if (action === 'peek') return 'peek';
  // OpenAM counts every question as a use, whatever its answer shows
  if (flavor !== 'openam' && idleS > 0) return 'ignored';
  return reason === 'trailing' ? 'trailing' : 'obeyed';
}

/** The proxy's own rules (docs/architecture.md, "The keeper in one page"). */
function withWindow(windows, { action, outcome, idleS = 0 }, { at, asked, frequencyS }) {
  if (outcome !== 'alive') return windows;
  const wholeMs = (frequencyS + 1) * 1000;
  if (action === 'refresh') {
    const until = at + wholeMs - (idleS <= frequencyS ? idleS * 1000 : 0);
    return [...endWindow(windows, asked.at), { from: at, until }];
  }
  const until = at + wholeMs - Math.max(0, idleS - 1) * 1000;
  const last = windows.at(-1);
  // AM was used, by somebody else maybe
  return idleS > frequencyS || until <= Math.max(at, last?.until ?? at) ? windows : windowUntil(windows, at, until);
}

/** The proxy says when the window that is closed now will end. */
function windowUntil(windows, at, until) {
  const last = windows.at(-1);
  if (last === undefined || last.until < at) return [...windows, { from: at, until }];
  return [...windows.slice(0, -1), { ...last, until }];
}

function endWindow(windows, at) {
  const last = windows.at(-1);
  return last === undefined || last.until < at ? windows : [...windows.slice(0, -1), { ...last, until: at }];
}

/** Whole seconds: what differs by less is the same access. */
const sameAccessMs = 1_500;

function withAccess(accesses, { action, outcome, idleS = 0 }, isOver, at, { flavor }) {
  if (isOver) return [...accesses, { at, accessAt: undefined }];
  if (outcome !== 'alive') return accesses;
  const isReset = flavor === 'openam' || (action === 'refresh' && idleS === 0);
  const accessAt = isReset ? at : at - idleS * 1000;
  const known = accesses.at(-1)?.accessAt;
  if (!isReset && known !== undefined && Math.abs(known - accessAt) < sameAccessMs) return accesses;
  return [...accesses, { at, accessAt }];
}

function prune(picture, now) {
  const horizon = now - keptMs;
  const isKept = ({ at }) => at >= horizon;
  const { requests, calls, windows, accesses } = picture;
  // the line at the left edge comes from the last access before it
  const first = accesses.findLastIndex(({ at }) => at < horizon);
  return {
    ...picture,
    requests: requests.filter(isKept),
    calls: calls.filter(isKept),
    windows: windows.filter(({ until }) => until >= horizon),
    accesses: first > 0 ? accesses.slice(first) : accesses,
  };
}
