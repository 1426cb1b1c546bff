// What runs here, in one line of the log: nobody has to ask for the configuration at night.

import type { Config } from '../config.js';
import { masked } from '../config/error.js';
import { packageVersion } from './version.js';

/**
 * No secrets: AM's URL cannot have any, that of Redis is masked.
 *
 * @param hasOwnStore the team handed in a store
 */
export function describeStart({ am, session, routes, redisUrl }: Config, hasOwnStore: boolean): object {
  return {
    version: packageVersion(),
    node: process.version,
    am: am.url,
    realm: am.realm,
    flavor: am.flavor,
    updateFrequencyS: am.updateFrequencyS,
    trustS: session.trustS,
    downGraceS: am.downGraceS,
    routes: routes.filter(({ access }) => access === 'session').length,
    publicRoutes: routes.filter(({ access }) => access === 'public').length,
    store: hasOwnStore ? 'handed in' : redisUrl === undefined ? 'memory' : masked(redisUrl),
  };
}
