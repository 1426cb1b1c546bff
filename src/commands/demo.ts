// `am-session-proxy demo`: an AM, a sample API, a sample page and the proxy, with a line for each decision.

import { fileURLToPath } from 'node:url';
import { styleText } from 'node:util';
import { systemClock } from '../clock.js';
import { parseConfig } from '../config.js';
import { chooseAm } from '../demo/am.js';
import { startSampleApi, type SampleApi } from '../demo/api.js';
import { createCookieDomains } from '../demo/cookie-domains.js';
import { createDecisionLines, type Line } from '../demo/decisions.js';
import { guide } from '../demo/guide.js';
import { createLiveEvents } from '../demo/live.js';
import { watchRequests } from '../demo/requests.js';
import { optionsFromEnv, type Environment } from '../env.js';
import type { SessionProxyOptions } from '../parts.js';
import { onSignal } from '../ops/signals.js';
import { listen } from './serve.js';

const publicFolder = fileURLToPath(new URL('../demo/public', import.meta.url));

/**
 * Runs until SIGTERM or SIGINT. The simulator stands in for AM unless `AM_URL` names one. Both are on one host: cookies
 * know no ports, so the one that AM sets on 127.0.0.1:8081 comes to the proxy on 127.0.0.1:3000.
 *
 * @throws ConfigError; the error of `listen`, such as EADDRINUSE
 */
export async function demo(environment: Environment): Promise<void> {
  const { simulator, takeAway, times, environment: settings } = await chooseAm(environment);
  let api: SampleApi | undefined;
  let port: number | undefined;
  const requests = watchRequests((localPort) => localPort === port);

  async function close(): Promise<void> {
    requests.close();
    await api?.close();
    await simulator?.close();
  }

  try {
    const fromEnv = optionsFromEnv(settings);
    const { am } = parseConfig(fromEnv);
    const live = createLiveEvents({ clock: systemClock, currentRequest: requests });
    const isSimulator = simulator !== undefined;
    const cookieDomains = createCookieDomains(am);
    const known = { isSimulator, flavor: am.flavor, frequencyS: am.updateFrequencyS, ...times };
    api = await startSampleApi({
      live: live.serve,
      takeAmAway: takeAway,
      about: async () => ({ ...known, cookieDomains: await cookieDomains() }),
    });
    const lineOf = createDecisionLines({ flavor: am.flavor, currentRequest: requests.name, wall: Date.now });
    const print = createPrinter(environment);
    const options: SessionProxyOptions = {
      ...fromEnv,
      // the page and the API that it calls are ours, whatever else a .env in this folder is for
      basePath: undefined,
      publicRoutes: [{ path: '/demo', target: api.url }],
      routes: [{ path: '/api', target: api.url }],
      staticDir: publicFolder,
      onEvent(event) {
        live.note(event);
        const line = lineOf(event);
        if (line) print(line);
      },
    };
    const proxy = await listen(options);
    port = Number(new URL(proxy.url).port);
    onSignal(async (signal) => {
      await proxy.stop(signal);
      await close();
    });
    const domains = isSimulator ? [] : await cookieDomains();
    process.stdout.write(guide({ page: proxy.url, api: api.url, am, isSimulator, domains }));
  } catch (error) {
    await close();
    throw error;
  }
}

/** Colours where somebody looks: on a terminal, and unless NO_COLOR (no-color.org) is set. */
function createPrinter(environment: Environment): (line: Line) => void {
  const inColour = process.stdout.isTTY && !environment['NO_COLOR'];
  return ({ tone, text }) => process.stdout.write(`${inColour ? styleText(tone, text) : text}\n`);
}
