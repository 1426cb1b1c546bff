// What an alive answer of AM changes in a tracked session, and what of it the operator should know.

import type { Alive } from '../am/answers.js';
import type { Flavor } from '../am/flavor.js';
import type { Logger } from '../ops/log.js';
import { createOnce } from '../ops/once.js';
import type { TrackedSession } from './tracked-session.js';
import { learnFromPeek, learnFromRefresh } from './window.js';

export interface LearningOptions {
  readonly flavor: Flavor;
  readonly updateFrequencyS: number;
  readonly servesRealm: (realm: string) => boolean;
  readonly log: Logger;
}

export function createLearning({ flavor, updateFrequencyS, servesRealm, log }: LearningOptions) {
  const isFirst = createOnce();

  return function learn(session: TrackedSession, answer: Alive, action: 'refresh' | 'peek'): void {
    session.served = servesRealm(answer.realm);
    if (flavor.everyCallResets) learnFromRefresh(session, { ...answer, idleS: 0 }, updateFrequencyS);
    else if (action === 'peek') learnFromPeek(session, answer, updateFrequencyS);
    else if (learnFromRefresh(session, answer, updateFrequencyS) === 'beyond-frequency' && isFirst('frequency'))
      log.warn(
        { idleS: answer.idleS, AM_UPDATE_FREQUENCY_S: updateFrequencyS },
        "AM ignored a refresh that was due: AM_UPDATE_FREQUENCY_S is less than AM's Latest Access Time Update Frequency, or the session is client-side",
      );
    if (answer.maxIdleS !== undefined && answer.maxIdleS < 2 * (updateFrequencyS + 1) && isFirst('idle'))
      log.warn(
        { maxIdleS: answer.maxIdleS, AM_UPDATE_FREQUENCY_S: updateFrequencyS },
        "AM's idle time is less than two windows: a session may end between two refreshes while its user works",
      );
  };
}
