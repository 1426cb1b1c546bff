// Which AM the demo runs against: the simulator, or a real one that AM_URL names.

import { lookup } from 'node:dns/promises';
import { isIPv4 } from 'node:net';
import { parseConfig } from '../config.js';
import { optionsFromEnv, type Environment } from '../env.js';
import { createAmSimulator, type AmSimulator } from '../simulator/index.js';

export interface DemoAm {
  /** Undefined: a real AM. */
  readonly simulator: AmSimulator | undefined;
  /** Undefined: a real AM stays where it is. */
  readonly takeAway: ((seconds: number) => Promise<void>) | undefined;
  /** After how many seconds it ends a session: idle ones, and all; undefined: only it knows. */
  readonly times: { readonly idleS: number; readonly maximumS: number } | undefined;
  /** The variables that the proxy is to run with. */
  readonly environment: Environment;
}

/** Short times, so that something happens while one watches. */
const usualIdleS = 60;
const usualMaximumS = 20 * 60;
const updateFrequencyS = 6;
const trustS = 15;
const usualPort = 8081;

export async function chooseAm(given: Environment): Promise<DemoAm> {
  const quiet = withDefaults(given, { LOG_LEVEL: 'warn' });
  const amUrl = given['AM_URL']?.trim();
  if (amUrl) {
    const allowHttp = await isThisMachine(amUrl);
    return {
      simulator: undefined,
      takeAway: undefined,
      times: undefined,
      environment: allowHttp ? withDefaults(quiet, { AM_ALLOW_HTTP: 'true' }) : quiet,
    };
  }

  const environment = withDefaults(quiet, {
    AM_UPDATE_FREQUENCY_S: `${updateFrequencyS}`,
    SESSION_TRUST_S: `${trustS}`,
  });
  // the simulator is the AM: where the proxy would find it does not matter yet
  const { am } = parseConfig(optionsFromEnv({ ...environment, AM_URL: 'http://127.0.0.1' }));
  // a session that may be idle for less than two windows can end while its user works
  const idleS = Math.max(usualIdleS, 3 * (am.updateFrequencyS + 1));
  const maximumS = Math.max(usualMaximumS, 60 * am.updateFrequencyS);
  const start = (port: number) =>
    createAmSimulator({
      port,
      flavor: am.flavor,
      updateFrequencyS: am.updateFrequencyS,
      maxIdleMinutes: idleS / 60,
      maxSessionMinutes: maximumS / 60,
      ...(am.cookieName !== undefined && { cookieName: am.cookieName }),
    });
  const simulator = await start(usualPort).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') return start(0);
    throw error;
  });
  const ofAnotherAm = { AM_PUBLIC_URL: undefined, LOGIN_URL: undefined };
  return {
    simulator,
    async takeAway(seconds) {
      await simulator.stop();
      // it may have been closed meanwhile, for good
      setTimeout(() => void simulator.start().catch(() => undefined), seconds * 1000).unref();
    },
    times: { idleS, maximumS },
    environment: { ...environment, ...ofAnotherAm, AM_URL: simulator.url },
  };
}

/** What is blank counts as not given, as everywhere. */
function withDefaults(environment: Environment, defaults: Readonly<Record<string, string>>): Environment {
  const missing = Object.entries(defaults).filter(([name]) => !environment[name]?.trim());
  return { ...environment, ...Object.fromEntries(missing) };
}

/** A name in `/etc/hosts` for loopback, which an AM needs for its cookies: plain http to it leaves nobody's machine. */
async function isThisMachine(url: string): Promise<boolean> {
  if (!URL.canParse(url)) return false;
  const addresses = await lookup(new URL(url).hostname, { all: true }).catch(() => []);
  return (
    addresses.length > 0 &&
    addresses.every(({ address }) => address === '::1' || (isIPv4(address) && address.startsWith('127.')))
  );
}
