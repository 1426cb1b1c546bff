// The simulator's options: documented, checked all at once, completed with defaults.

import { type Clock, MAX_SECONDS, systemClock } from './clock.js';
import type { Flavor } from './sessions.js';

export interface AmSimulatorOptions {
  /** `ping` (default): AM 7 and later, Identity Cloud, as documented. `openam`: community OpenAM, as measured. */
  readonly flavor?: Flavor;
  /** Name of the SSO cookie. Default `iPlanetDirectoryPro`. */
  readonly cookieName?: string;
  /** Latest Access Time Update Frequency in seconds, default 60. `openam` has no such rule. */
  readonly updateFrequencyS?: number;
  /** Address to listen on, default `127.0.0.1`. */
  readonly host?: string;
  /** Port to listen on; 0, the default, takes any free one. */
  readonly port?: number;
  /** Idle time in minutes after which a session ends, default 30. Fractions keep tests short. */
  readonly maxIdleMinutes?: number;
  /** Minutes from login after which a session ends, default 120. */
  readonly maxSessionMinutes?: number;
  /** Where time comes from; default the system's clock. */
  readonly clock?: Clock;
  /** Seconds by which AM's clock is ahead (or, negative, behind). Default 0. */
  readonly clockSkewS?: number;
  /** Domains of AM's cookies. Default none: host-only cookies. */
  readonly cookieDomains?: readonly string[];
  /** Whether AM's cookies are `Secure`. Default false. */
  readonly cookieSecure?: boolean;
  /** Passwords by user name, beside `demo` / `changeit`. Every user exists in every realm. */
  readonly users?: Readonly<Record<string, string>>;
  /** Milliseconds between AM's work and its answer. Default 0. */
  readonly latencyMs?: number;
  /** `Host` names that AM knows; it answers 400 to others. Default: any. */
  readonly hostNames?: readonly string[];
}

export type SimulatorConfig = Readonly<Required<Omit<AmSimulatorOptions, 'hostNames'>>> & {
  readonly hostNames: readonly string[] | undefined;
};

const FLAVORS: readonly unknown[] = ['ping', 'openam'] satisfies Flavor[];
// RFC 6265 section 4.1.1: a cookie's name is a token of HTTP.
const COOKIE_NAME = /^[\w!#$%&'*+.^`|~-]+$/;
const HOST_NAME = /^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/i;

interface Rule {
  readonly accepts: (value: unknown) => boolean;
  readonly wanted: string;
}

const number = (wanted: string, accepts: (value: number) => boolean): Rule => ({
  wanted,
  accepts: (value) => typeof value === 'number' && Number.isFinite(value) && accepts(value),
});
const listOf = (wanted: string, pattern: RegExp): Rule => ({
  wanted,
  accepts: (value) =>
    Array.isArray(value) && value.every((entry: unknown) => typeof entry === 'string' && pattern.test(entry)),
});
const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const RULES: Record<keyof AmSimulatorOptions, Rule> = {
  flavor: { wanted: "'ping' or 'openam'", accepts: (value) => FLAVORS.includes(value) },
  cookieName: { wanted: 'a cookie name', accepts: (value) => isCookieName(value) },
  updateFrequencyS: number('a number of seconds, 0 or more', (value) => value >= 0),
  host: { wanted: 'an address to listen on', accepts: (value) => typeof value === 'string' && value !== '' },
  port: number('a port from 0 to 65535', (value) => Number.isInteger(value) && value >= 0 && value <= 65535),
  maxIdleMinutes: number('a number of minutes above 0', (value) => value > 0),
  maxSessionMinutes: number('a number of minutes above 0', (value) => value > 0),
  clock: {
    wanted: 'an object with now, wall, setTimer and clearTimer',
    accepts: (value) =>
      isRecord(value) && ['now', 'wall', 'setTimer', 'clearTimer'].every((name) => typeof value[name] === 'function'),
  },
  clockSkewS: number(
    `a number of seconds, at most ${MAX_SECONDS} either way`,
    (value) => Math.abs(value) <= MAX_SECONDS,
  ),
  cookieDomains: listOf('a list of domain names', HOST_NAME),
  cookieSecure: { wanted: 'true or false', accepts: (value) => typeof value === 'boolean' },
  users: {
    wanted: 'passwords by user name, none of them empty',
    accepts: (value) =>
      isRecord(value) &&
      Object.entries(value).every(([name, password]) => name !== '' && typeof password === 'string' && password !== ''),
  },
  latencyMs: number('a number of milliseconds, 0 or more', (value) => value >= 0),
  hostNames: listOf('a list of host names', HOST_NAME),
};

const isOption = (name: string): name is keyof AmSimulatorOptions => Object.hasOwn(RULES, name);

function show(name: string, value: unknown): string {
  if (name === 'users') return 'a value that does not fit';
  return typeof value === 'function' ? 'a function' : (JSON.stringify(value) ?? String(value));
}

export function isCookieName(value: unknown): value is string {
  return typeof value === 'string' && COOKIE_NAME.test(value);
}

/** Throws a TypeError that lists every mistake. An option that is undefined counts as absent. */
export function parseOptions(options: AmSimulatorOptions): SimulatorConfig {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  const mistakes = given.flatMap(([name, value]) => {
    if (!isOption(name)) return [`${name}: no such option; there are ${Object.keys(RULES).join(', ')}`];
    const { accepts, wanted } = RULES[name];
    return accepts(value) ? [] : [`${name}: expected ${wanted}, not ${show(name, value)}`];
  });
  if (mistakes.length > 0) throw new TypeError(`Bad options for the AM simulator:\n  ${mistakes.join('\n  ')}`);

  return Object.freeze({
    flavor: options.flavor ?? 'ping',
    cookieName: options.cookieName ?? 'iPlanetDirectoryPro',
    updateFrequencyS: options.updateFrequencyS ?? 60,
    host: options.host ?? '127.0.0.1',
    port: options.port ?? 0,
    maxIdleMinutes: options.maxIdleMinutes ?? 30,
    maxSessionMinutes: options.maxSessionMinutes ?? 120,
    clock: options.clock ?? systemClock,
    clockSkewS: options.clockSkewS ?? 0,
    cookieDomains: options.cookieDomains ?? [],
    cookieSecure: options.cookieSecure ?? false,
    users: { demo: 'changeit', ...options.users },
    latencyMs: options.latencyMs ?? 0,
    hostNames: options.hostNames,
  });
}
