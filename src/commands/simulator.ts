// `am-session-proxy simulator`: an AM to develop against, on HOST:PORT under /am.

import { parseConfig } from '../config.js';
import { optionsFromEnv, type Environment } from '../env.js';
import { explainListenError } from '../ops/listen-error.js';
import { createAmSimulator } from '../simulator/index.js';
import { onSignal } from '../ops/signals.js';

export async function simulator(environment: Environment): Promise<void> {
  // the simulator is the AM: where the proxy would find it does not matter here
  const { am, host, port } = parseConfig(optionsFromEnv({ ...environment, AM_URL: 'http://127.0.0.1' }));
  const running = await createAmSimulator({
    host,
    port,
    flavor: am.flavor,
    updateFrequencyS: am.updateFrequencyS,
    ...(am.cookieName !== undefined && { cookieName: am.cookieName }),
  }).catch((error: unknown) => {
    throw explainListenError(error, { host, port, setting: 'PORT' });
  });
  process.stdout.write(`AM simulator (${am.flavor}) on ${running.url}\nuser demo, password changeit\n`);
  onSignal(() => running.close());
}
