// `am-session-proxy check`: the effective configuration.

import { configWarnings, describeConfig, parseConfig } from '../config.js';
import { optionsFromEnv, type Environment } from '../env.js';

export function check(environment: Environment): void {
  const config = parseConfig(optionsFromEnv(environment));
  process.stdout.write(`${describeConfig(config).join('\n')}\n`);
  for (const warning of configWarnings(config)) process.stderr.write(`warning: ${warning}\n`);
}
