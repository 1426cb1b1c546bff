// What just happened, in one sentence.

/** The sentence of an event, with the picture before and after it. */
export function sentenceOf(event, before, after) {
  if (event.type === 'decision') return ofDecision(event, before, after);
  return event.type === 'call' ? ofCall(event, before) : ofAnswer(event, before, after);
}

function ofDecision({ request, decision, windowLeftMs = 0 }, { sentence }, { untold }) {
  if (decision === 'dead' || decision === 'ended') return 'The session is over: the request is answered with 401.';
  // the call itself is told of
  if (decision === 'call') return sentence;
  if (request === 'background') return 'A background request passes. AM is not asked, and its idle clock goes on.';
  const waiting = untold === 1 ? 'One request of yours waits' : `${untold} requests of yours wait`;
  if (decision === 'window-closed')
    return `${waiting}: AM would ignore a call now. It is told in ${seconds(windowLeftMs)}, in one call.`;
  if (decision === 'call-in-flight') return `${waiting} while a call to AM is on its way.`;
  if (decision === 'backing-off') return `${waiting}: AM gave no usable answer a moment ago. You can work on.`;
  return 'Your request passes on what AM said before.';
}

const purposes = {
  activity: 'The window is open: AM is told now.',
  trailing: 'The window has ended: AM is told now what happened in it.',
  'first-sight': 'The proxy meets this session for the first time: AM is asked.',
  'trust-over': "AM's last word has grown old: AM is asked whether the session lives.",
  logout: 'You sign out: AM is told to end the session.',
  'logout-retry': 'AM has not heard of the sign-out yet: it is told again.',
};

function ofCall({ reason }, { sentence }) {
  return purposes[reason] ?? sentence;
}

function ofAnswer({ outcome, action, idleS, detail }, { about }, { calls }) {
  const { kind, told, reason } = calls.findLast((call) => call.action === action && call.kind !== 'waiting');
  switch (kind) {
    case 'obeyed':
    case 'trailing':
      return `AM was told: ${told > 1 ? `${told} requests` : 'one request'}, one call. Its idle clock starts anew.`;
    case 'ignored':
      if (idleS > about.frequencyS)
        return `AM ignored the call. Is its update frequency more than ${seconds(1000 * about.frequencyS)}?`;
      return `AM ignored the call: ${reason === 'first-sight' ? 'the login itself' : 'somebody'} used the session ${seconds(1000 * idleS)} ago. It is told again when the window ends.`;
    case 'peek':
      return about.flavor === 'openam'
        ? 'AM says that the session lives. OpenAM takes the question for a use of it.'
        : 'AM says that the session lives. The question extends nothing.';
    case 'dead':
      return 'AM says that the session is over.';
    case 'logout':
      return 'AM has ended the session.';
    default:
      return outcome === 'refused'
        ? 'AM refuses the call: settings do not fit. The terminal says more.'
        : `AM gave no usable answer${detail ? ` (${detail})` : ''}. You can work on; AM is told when it answers again.`;
  }
}

function seconds(ms) {
  return `${Math.ceil(ms / 1000)} s`;
}
