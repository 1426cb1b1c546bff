// Given values in, checked values out; or one error with everything that is wrong.

import { ConfigError, shown } from './error.js';
import type { Mistake } from './error.js';
import { Refused } from './parsers.js';
import { brokenRules } from './rules.js';
import { settingOf, variables } from './settings.js';
import type { Values, Variable } from './settings.js';
import { closest } from './suggest.js';

/**
 * @param given what the user set, as typed values or as text
 * @param nameOf how the user knows a setting
 * @param mistakes those found already
 * @throws ConfigError with all mistakes
 */
export function checkSettings(
  given: ReadonlyMap<Variable, unknown>,
  nameOf: (variable: Variable) => string,
  mistakes: readonly Mistake[],
): Values {
  const found = [...mistakes];
  const values: Partial<Record<Variable, unknown>> = {};
  for (const variable of variables) {
    const setting = settingOf(variable);
    const value = given.has(variable) ? given.get(variable) : setting.default;
    if (value === undefined) {
      if (setting.required) {
        found.push({ name: nameOf(variable), problem: `is required; accepted: ${setting.parser.accepts}` });
      }
      continue;
    }
    try {
      values[variable] = setting.parser.parse(value);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      for (const refused of [error, ...error.others]) {
        found.push(mistakeOf(variable, nameOf(variable), value, refused));
      }
    }
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the table pairs every variable with its parser
  const checked = values as Partial<Values>;
  found.push(...brokenRules(checked, nameOf));
  if (found.length > 0) throw new ConfigError(found);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- nothing is missing where there is no mistake
  return checked as Values;
}

function mistakeOf(variable: Variable, name: string, value: unknown, { message, part }: Refused): Mistake {
  const { parser, secret = false } = settingOf(variable);
  const near = typeof value === 'string' && parser.choices ? closest(value, parser.choices) : undefined;
  // A comma in a password splits it: what is left has no `@` to be known by, so then the whole is shown, masked.
  const split = typeof value === 'string' && value.includes('@');
  return {
    name,
    value: shown(part === undefined || split ? value : part, secret),
    problem: `${message || 'is not accepted'}; accepted: ${parser.accepts}${near ? `; did you mean ${near}?` : ''}`,
  };
}
