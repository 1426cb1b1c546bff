// The conformance suite of flavour openam: what the simulator and a real OpenAM 16.0.5 both pass.

import { afterAll, describe } from 'vitest';
import { describeActions } from './actions.js';
import { describeLogins } from './logins.js';
import { describeLogouts } from './logouts.js';
import { describeRealms } from './realms.js';
import { describeRequests } from './requests.js';
import { describeServerinfo } from './serverinfo.js';
import { logOutAll, type Target } from './target.js';
import { describeTimes } from './times.js';
import { describeTokens } from './tokens.js';

/** @param concurrently whether tests that wait wait together; a clock that tests move is no clock for several */
export function describeOpenAm(am: () => Target, concurrently: boolean): void {
  for (const [title, describeSome] of Object.entries({
    actions: describeActions,
    logins: describeLogins,
    logouts: describeLogouts,
    realms: describeRealms,
    requests: describeRequests,
    serverinfo: describeServerinfo,
    tokens: describeTokens,
    times: describeTimes,
  })) {
    describe(title, () => {
      afterAll(() => logOutAll(am()), 60_000);
      describeSome(am, concurrently);
    });
  }
}
