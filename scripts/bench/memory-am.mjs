// A keeper of the product without sockets: its AM answers at once, out of memory.
import { createAmClient } from '../../dist/am/client.js';
import { createPresence } from '../../dist/am/presence.js';
import { createKeeper } from '../../dist/keeper/keeper.js';
import { credentialOf } from '../../dist/token.js';

const silent = Object.fromEntries(
  ['fatal', 'error', 'warn', 'info', 'debug', 'trace'].map((name) => [name, () => undefined]),
);

/** @param maxIdleMin AM's idle time */
export function createMemoryKeeper({ clock, sessionsMax, updateFrequencyS, trustS, downGraceS, maxIdleMin }) {
  const flavor = 'ping';
  const url = 'http://127.0.0.1/am';
  const am = { url, publicUrl: url, realm: '/', cookieName: 'iPlanetDirectoryPro', cookies: [], flavor };
  const limits = { updateFrequencyS, timeoutMs: 3_000, maxConcurrency: 20_000, downGraceS };
  let calls = 0;

  const transport = ({ url: asked, headers }) => {
    calls++;
    const body = asked.includes('_action=logout')
      ? '{"result":"Successfully logged out"}'
      : JSON.stringify({
          uid: `user-${headers.iPlanetDirectoryPro.slice(-7)}`,
          realm: '/',
          idletime: 0,
          maxidletime: maxIdleMin,
          maxsessiontime: 120,
          maxtime: 7_200,
        });
    const date = new Date(clock.wall()).toUTCString();
    return Promise.resolve({ status: 200, headers: { date }, body });
  };
  const keeper = createKeeper({
    am: createAmClient({ am: { ...am, ...limits }, cookieName: () => am.cookieName, transport, clock }),
    presence: createPresence({ log: silent, clock, flavor, url, graceS: downGraceS }),
    clock,
    log: silent,
    ...limits,
    trustS,
    sessionsMax,
    servesRealm: () => true,
  });
  return { keeper, calls: () => calls };
}

/** As long as those of AM; new strings each time, as each request brings them. */
export function credential(i) {
  const number = String(i).padStart(7, '0');
  return credentialOf(
    `AQIC5wM2LY4SfcyTz6bQ0iXh8dJrkPq3uZ1vNfWc7gEoAaM.*AAJTSQACMDEAAlNLABM${number.padStart(20, '4')}`,
    '01',
  );
}
