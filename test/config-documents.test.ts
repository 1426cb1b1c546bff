// .env.example and docs/configuration.md say what the table of settings says.

import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';

import { expect, test } from 'vitest';

import { settingOf, variables } from '../src/config/settings.js';
import type { Variable } from '../src/config/settings.js';
import { parseConfig } from '../src/config.js';
import { optionsFromEnv } from '../src/env.js';

const envExample = readFileSync(new URL('../.env.example', import.meta.url), 'utf8');
const page = readFileSync(new URL('../docs/configuration.md', import.meta.url), 'utf8');

const plain = (text: string): string => text.replaceAll('`', '');

function exampleOf(variable: Variable): string {
  const { about, default: fallback, required, unset = '' } = settingOf(variable);
  if (required) return `# ${plain(about)}. Required.\n${variable}=https://am.example.com/am`;
  if (fallback !== undefined) return `# ${plain(about)}.\n#${variable}=${fallback}`;
  return `# ${plain(about)}. Default: ${plain(unset)}.\n#${variable}=`;
}

function rowOf(variable: Variable): string {
  const { option, about, default: fallback, required, unset = '' } = settingOf(variable);
  const standard = fallback === undefined ? unset : `\`${fallback}\``;
  return `| \`${variable}\` | \`${option}\` | ${required ? 'required' : standard} | ${about} |`;
}

const cellsOf = (line: string): string[] => line.split('|').map((cell) => cell.trim());

test('.env.example lists every variable once, in order, with one line and its default', () => {
  const groups = [...new Set(variables.map((variable) => settingOf(variable).group))];
  const sections = groups.map((group) =>
    [`## ${group}`, ...variables.filter((variable) => settingOf(variable).group === group).map(exampleOf)].join('\n\n'),
  );
  expect(envExample.slice(envExample.indexOf('## '))).toBe(`${sections.join('\n\n')}\n`);
});

test('.env.example works as it stands, and with every default uncommented', () => {
  const asItStands = parseConfig(optionsFromEnv(parseEnv(envExample)));
  expect(asItStands).toEqual(parseConfig({ am: { url: 'https://am.example.com/am' } }));
  const uncommented = envExample.replaceAll(/^#(?=[A-Z_]+=)/gm, '');
  expect(parseConfig(optionsFromEnv(parseEnv(uncommented)))).toEqual(asItStands);
  expect(Object.keys(parseEnv(uncommented)).toSorted()).toEqual(variables.toSorted());
});

test('docs/configuration.md has one row for every setting, with variable, option, default and meaning', () => {
  const rows = page.split('\n').filter((line) => /^\| `[A-Z_]+` /.test(line));
  expect(rows.map(cellsOf)).toEqual(variables.map((variable) => cellsOf(rowOf(variable))));
});
