// What the keeper decides, as lines for a terminal.

import type { CallReason, Decision, KeeperEvent } from '../keeper/events.js';

/** A colour of `util.styleText`, chosen by what the line tells. */
type Tone = 'green' | 'dim' | 'cyan' | 'yellow';

export interface Line {
  readonly tone: Tone;
  readonly text: string;
}

export interface DecisionLinesOptions {
  readonly flavor: 'ping' | 'openam';
  /** The request that is being handled at this moment, such as `GET /api/orders`. */
  readonly currentRequest: () => string | undefined;
  /** Wall clock, milliseconds since 1970. */
  readonly wall: () => number;
}

type EventOf<Type extends KeeperEvent['type']> = Extract<KeeperEvent, { type: Type }>;

/** Who wanted AM to be asked. */
interface Occasion {
  readonly request: string;
  readonly cause: string;
}

const whyAsked: Record<CallReason, string> = {
  activity: 'the window is open',
  trailing: 'the window has ended, activity in it is told now',
  'first-sight': 'seen for the first time',
  'trust-over': "AM's last answer is too old",
  logout: 'the user signs out',
  'logout-retry': 'AM has not heard of the sign-out yet',
};

const whyNot: Record<Exclude<Decision, 'call'>, string> = {
  'window-closed': 'window closed',
  'call-in-flight': 'a call is in flight',
  'backing-off': 'AM gave no usable answer a moment ago',
  trusted: "AM's last answer still holds",
  dead: 'AM said that this session is dead',
  ended: 'signed out here',
};

/** Makes one line of each event but `decision: call`, which the line of the call itself tells. */
export function createDecisionLines(options: DecisionLinesOptions): (event: KeeperEvent) => Line | undefined {
  const { flavor, currentRequest, wall } = options;
  // Each waits for its call, which starts at once unless too many others are in flight.
  const occasions = new Map<string, Occasion>();

  function line(tone: Tone, session: string, { request, cause }: Occasion, text: string): Line {
    const time = new Date(wall()).toLocaleTimeString('en-GB');
    return { tone, text: `${time}  ${session}  ${cause.padEnd(10)}  ${request.padEnd(24)}  ${text}` };
  }

  function decided({ session, request: cause, decision, windowLeftMs }: EventOf<'decision'>): Line | undefined {
    const occasion = { request: currentRequest() ?? '', cause };
    if (decision === 'call') {
      occasions.set(session, occasion);
      return undefined;
    }
    const left = windowLeftMs === undefined ? '' : `, ${Math.ceil(windowLeftMs / 1000)} s left`;
    return line('dim', session, occasion, `AM not called: ${whyNot[decision]}${left}`);
  }

  function called({ session, action, reason }: EventOf<'call'>): Line {
    const occasion = occasions.get(session) ?? { request: currentRequest() ?? '', cause: '' };
    occasions.delete(session);
    return line('green', session, occasion, `AM called: ${action}, ${whyAsked[reason]}`);
  }

  function answered(event: EventOf<'answer'>): Line {
    const { session, outcome, tookMs } = event;
    occasions.delete(session);
    const tone = outcome === 'unknown' || outcome === 'refused' ? 'yellow' : 'cyan';
    const text = `AM answered: ${meaning(event, flavor)}, ${tookMs.toFixed(0)} ms`;
    return line(tone, session, { request: '', cause: '' }, text);
  }

  return (event) => {
    if (event.type === 'decision') return decided(event);
    return event.type === 'call' ? called(event) : answered(event);
  };
}

function meaning({ action, outcome, idleS, detail }: EventOf<'answer'>, flavor: 'ping' | 'openam'): string {
  if (outcome === 'unknown') return `nothing usable (${detail ?? 'no answer'})`;
  if (outcome !== 'alive') return outcome;
  // OpenAM counts every question as an access
  if (action === 'refresh') return flavor === 'openam' || !idleS ? 'alive, obeyed' : `alive, ignored: idle ${idleS} s`;
  return idleS === undefined ? 'alive' : `alive, idle ${idleS} s`;
}
