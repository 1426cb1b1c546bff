// What an alive answer of AM changes in a tracked session, and what of it the operator should know.

import type { Alive } from '../am/answers.js';
import type { Flavor } from '../am/flavor.js';
import type { Logger } from '../ops/log.js';
import { createOnce } from '../ops/once.js';
import type { SessionAction } from './events.js';
import type { TrackedSession } from './tracked-session.js';
import { learnFromPeek, learnFromRefresh } from './window.js';

export interface LearningOptions {
  readonly flavor: Flavor;
  readonly updateFrequencyS: number;
  readonly servesRealm: (realm: string) => boolean;
  readonly log: Logger;
}

/** Takes over what AM answered. */
export type Learn = (session: TrackedSession, answer: Alive, action: SessionAction) => void;

export function createLearning({ flavor, updateFrequencyS, servesRealm, log }: LearningOptions): Learn {
  const isFirst = createOnce();

  return function learn(session, answer, action) {
    session.served = servesRealm(answer.realm);
    if (flavor.everyCallResets) learnFromRefresh(session, { ...answer, idleS: 0 }, updateFrequencyS);
    else if (action === 'peek') learnFromPeek(session, answer, updateFrequencyS);
    else if (learnFromRefresh(session, answer, updateFrequencyS) === 'beyond-frequency' && isFirst('frequency'))
      log.warn(
        { idleS: answer.idleS, updateFrequencyS },
        "AM ignored a refresh that was due: AM_UPDATE_FREQUENCY_S (am.updateFrequencyS) is less than AM's Latest Access Time Update Frequency, or the session is client-side",
      );
    if (answer.maxIdleS !== undefined && answer.maxIdleS < 2 * (updateFrequencyS + 1) && isFirst('idle'))
      log.warn(
        { maxIdleS: answer.maxIdleS, updateFrequencyS },
        "AM's idle time is less than two windows: a session may end between two refreshes while its user works; raise it, or lower AM's update frequency and AM_UPDATE_FREQUENCY_S (am.updateFrequencyS) with it",
      );
  };
}
