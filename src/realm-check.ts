// AM answers for a token of any realm at the path of any realm: only the realm in its answer tells.

import type { Config } from './config.js';
import type { Logger } from './ops/log.js';

/** Realms named in the log at most: their names come from AM, their number should stay ours. */
const namedMax = 100;

/** Whether a session of this realm may be let in; the log names each realm that may not, once. */
export function createRealmCheck(realms: Config['session']['realms'], log: Logger): (realm: string) => boolean {
  if (realms === '*') return () => true;
  const served = new Set(realms);
  const named = new Set<string>();

  return (realm) => {
    const name = realm.toLowerCase();
    if (served.has(name)) return true;
    if (named.size < namedMax && !named.has(name)) {
      named.add(name);
      log.warn(
        { realm, served: realms },
        'sessions of this realm are not let in: it is not in SESSION_REALMS (session.realms)',
      );
    }
    return false;
  };
}
