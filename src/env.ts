// The environment in, options out: the one place that reads process.env.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseEnv } from 'node:util';

import { checkSettings } from './config/check.js';
import { ConfigError, printable } from './config/error.js';
import type { Mistake } from './config/error.js';
import type { Options } from './config/options.js';
import { isRecord } from './config/parsers.js';
import { isVariable, settingOf, variables } from './config/settings.js';
import type { Variable } from './config/settings.js';
import { closest } from './config/suggest.js';

/** Variables as in `process.env`. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The process environment, and what a `.env` file in the folder adds to it; the process wins.
 *
 * @param folder default: the working directory; a folder without such a file is fine
 * @throws ConfigError if there is one that cannot be read, or that holds something else than variables
 */
export function readEnvironment(folder: string = process.cwd()): Environment {
  const file = join(folder, '.env');
  const added = parseEnv(readDotEnv(file));
  // Node takes a line without `=` and the next one for one name: that variable would be lost without a word
  const garbled = Object.keys(added).filter((name) => !/^[A-Za-z_]\w*$/.test(name));
  if (garbled.length > 0) {
    const problem = 'holds a line that is no NAME=value';
    throw new ConfigError(garbled.map((name) => ({ name: printable(file), value: printable(name), problem })));
  }
  return { ...added, ...process.env };
}

/**
 * Options from variables. Empty and blank ones count as not given, and blanks around a value do not count.
 *
 * @returns only what was given, ready for `sessionProxy` or `parseConfig`
 * @throws ConfigError (`ERR_CONFIG`) with all mistakes at once, by the names of the variables
 */
export function optionsFromEnv(env: Environment): Options {
  const given = new Map<Variable, string>();
  for (const variable of variables) {
    const text = env[variable]?.trim();
    if (text) given.set(variable, text);
  }
  const values = checkSettings(given, (variable) => variable, misspelt(env));
  const options: Record<string, unknown> = {};
  for (const variable of given.keys()) setOption(options, settingOf(variable).option, values[variable]);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- every value went through the parser of its option
  return options as unknown as Options;
}

function setOption(options: Record<string, unknown>, path: string, value: unknown): void {
  const [first = '', second] = path.split('.');
  if (second === undefined) options[first] = value;
  else options[first] = { ...(isRecord(options[first]) ? options[first] : {}), [second]: value };
}

function readDotEnv(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    if (code === 'ENOENT') return '';
    throw new ConfigError([{ name: printable(file), problem: `cannot be read: ${code}` }]);
  }
}

function misspelt(env: Environment): readonly Mistake[] {
  return Object.keys(env).flatMap((name) => {
    const near = meantVariable(name);
    if (near === undefined || !env[name]?.trim()) return [];
    return [{ name: printable(name), problem: `is not a variable of am-session-proxy; did you mean ${near}?` }];
  });
}

// Words that no other program is likely to have in its variables' first place.
const OUR_PREFIXES = /^(AM|SESSIONS?)_/i;

/**
 * The variable that a name is a slip of. An environment is shared with others, whose names must not stop us:
 * short words (`PORT`) are left alone, and a name that does not begin like ours must be nearer.
 */
function meantVariable(name: string): Variable | undefined {
  if (isVariable(name)) return undefined;
  const distinct = variables.filter((variable) => variable.includes('_'));
  const sameLetters = distinct.find((variable) => lettersOf(variable) === lettersOf(name));
  if (sameLetters !== undefined) return sameLetters;
  const near = closest(name, distinct);
  if (near === undefined) return undefined;
  const ours = OUR_PREFIXES.test(name);
  if (near.length >= (ours ? 8 : 12)) return near;
  return ours || near.length >= 8 ? closest(name, [near], 1) : undefined;
}

function lettersOf(name: string): string {
  return name.replaceAll(/[_-]/g, '').toUpperCase();
}
