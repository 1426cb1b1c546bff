// Options in, one frozen Config out: everything is checked here, once, at start.

import { assemble } from './config/assemble.js';
import { checkSettings } from './config/check.js';
import { printable, shown } from './config/error.js';
import type { Mistake } from './config/error.js';
import type { Options } from './config/options.js';
import { isRecord } from './config/parsers.js';
import { settingOf, variables } from './config/settings.js';
import type { Variable } from './config/settings.js';
import { closest } from './config/suggest.js';
import type { Config } from './config/types.js';

export { configWarnings, describeConfig } from './config/describe.js';
export { ConfigError } from './config/error.js';
export type { Mistake } from './config/error.js';
export type { Options } from './config/options.js';
export { canonicalRealm } from './config/realm.js';
export type { Config, Route } from './config/types.js';

const GROUPS = new Set(['am', 'session']);

const variableOf = new Map<string, Variable>(variables.map((variable) => [settingOf(variable).option, variable]));

/**
 * Checks options and fills in the defaults.
 *
 * @param options as documented at {@link Options}; text as in the environment is taken as well
 * @param otherKeys keys at the top that are somebody else's; any other unknown key is a mistake
 * @returns deeply frozen
 * @throws ConfigError (`ERR_CONFIG`) with all mistakes at once
 */
export function parseConfig(options: Options, otherKeys: readonly string[] = []): Config {
  const given = new Map<Variable, unknown>();
  const mistakes: Mistake[] = [];
  for (const [path, value] of entriesOf(options, otherKeys, mistakes)) {
    const variable = variableOf.get(path);
    if (variable === undefined) mistakes.push(unknownOption(path));
    else if (value !== undefined) given.set(variable, value);
  }
  return assemble(checkSettings(given, (variable) => settingOf(variable).option, mistakes));
}

/** All options by their full names; groups that are no objects become mistakes. */
function entriesOf(options: unknown, otherKeys: readonly string[], mistakes: Mistake[]): [string, unknown][] {
  if (!isRecord(options)) {
    mistakes.push({ name: 'options', value: shown(options, false), problem: 'are no object' });
    return [];
  }
  return Object.entries(options).flatMap(([key, value]): [string, unknown][] => {
    if (otherKeys.includes(key)) return [];
    if (!GROUPS.has(key)) return [[key, value]];
    if (isRecord(value)) return Object.entries(value).map(([inner, innerValue]) => [`${key}.${inner}`, innerValue]);
    if (value !== undefined) mistakes.push({ name: key, value: shown(value, false), problem: 'is no object' });
    return [];
  });
}

function unknownOption(path: string): Mistake {
  const near = closest(path, [...variableOf.keys()]) ?? optionKnownAs(path);
  const hint = near === undefined ? '' : `; did you mean ${near}?`;
  return { name: printable(path), problem: `is not an option of am-session-proxy${hint}` };
}

/** Finds `am.realm` for `realm`, which was put outside its group, and for `AM_REALM`, which is its variable. */
function optionKnownAs(path: string): string | undefined {
  const ending = `.${path.split('.').at(-1) ?? ''}`;
  const variable = variables.find((name) => name === path || `.${settingOf(name).option}`.endsWith(ending));
  return variable && settingOf(variable).option;
}
