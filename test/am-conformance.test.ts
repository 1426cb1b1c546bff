// The simulator passes the conformance suite that a real OpenAM passes (npm run test:openam).

import { afterAll, beforeAll, describe } from 'vitest';
import { type AmSimulator, createAmSimulator } from '../src/simulator/index.js';
import { describeOpenAm } from './conformance/openam.js';
import type { Target } from './conformance/target.js';

const host = 'openam.example.org';

describe('the simulator, flavour openam', () => {
  let simulator: AmSimulator;
  let am: Target;

  beforeAll(async () => {
    simulator = await createAmSimulator({
      flavor: 'openam',
      maxIdleMinutes: 1,
      cookieDomains: ['example.org'],
      hostNames: [host],
      users: { jürgen: 'geheim-geheim' },
    });
    am = {
      url: simulator.url,
      host: `${host}:${new URL(simulator.url).port}`,
      cookieName: simulator.cookieName,
      maxIdleS: 60,
      maxSessionS: 120 * 60,
      async latestAccess(token) {
        const view = simulator.sessions.find(({ session }) => session === simulator.hash(token));
        if (!view) throw new Error('no such session');
        return Date.parse(view.latestAccessTime) / 1000;
      },
      async wait(seconds) {
        simulator.advance(seconds);
      },
    };
  });

  afterAll(() => simulator.close());

  describeOpenAm(() => am, false);
});
