// Dockerfile, .dockerignore and compose.yaml without a docker: what they name is there, and their commands do what they say.

import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { isVariable, variables } from '../src/config/settings.js';
import { parseConfig } from '../src/config.js';
import { optionsFromEnv } from '../src/env.js';
import { startCommand } from './support/command.js';
import { request } from './support/http.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (name: string): string => readFileSync(`${root}${name}`, 'utf8');
/** One instruction a line. */
const dockerfile = read('Dockerfile').replaceAll(/\\\n\s*/g, '');
const compose = read('compose.yaml');

const instructions = (name: string): string[] =>
  [...dockerfile.matchAll(new RegExp(`^(?:HEALTHCHECK .*)?${name} (.+)$`, 'gm'))].map(([, rest = '']) => rest);
const listOf = (json: string): string[] => JSON.parse(json) as string[];

test('what the Dockerfile copies is there, and .dockerignore lets it pass', () => {
  const sources = instructions('COPY')
    .filter((rest) => !rest.startsWith('--from='))
    .flatMap((rest) => rest.split(' ').slice(0, -1));
  const passing = read('.dockerignore')
    .split('\n')
    .filter((line) => line.startsWith('!'))
    .map((line) => line.slice(1));
  expect([...new Set(sources)].toSorted()).toEqual(passing.toSorted());
  for (const source of sources) expect(existsSync(root + source), source).toBe(true);
  expect(read('.dockerignore')).toMatch(/^\*$/m);
});

test('the image runs as somebody else than root, by number, and without a shell', () => {
  expect(instructions('USER')).toEqual(['1000:1000']);
  const [program, ...rest] = listOf(instructions('ENTRYPOINT')[0] ?? '');
  expect(program).toBe('node');
  expect(rest.at(-1)).toBe('dist/cli.js');
  // what the figures of docs/performance.md were measured with
  const { scripts } = JSON.parse(read('package.json')) as { scripts: { bench: string } };
  expect(scripts.bench).toContain(`node ${rest.slice(0, -1).join(' ')} scripts/`);
  expect(instructions('CMD')).toHaveLength(1);
});

test('the image is built on a Node that all dependencies support', () => {
  const { packages } = JSON.parse(read('package-lock.json')) as { packages: Record<string, { engines?: Engines }> };
  for (const [, major] of dockerfile.matchAll(/^FROM node:(\d+)-slim/gm))
    for (const [name, { engines }] of Object.entries(packages))
      if (name === 'node_modules/http-proxy-middleware') expect(engines?.node, name).toContain(`^${major}.`);
});

interface Engines {
  readonly node?: string;
}

test('the health check tells a command that runs from one that does not', async () => {
  const [check = ''] = instructions('CMD');
  const { exit, child, says } = startCommand([], {
    AM_URL: 'http://127.0.0.1:9/am',
    PORT: '0',
    ...environmentOfImage(),
  });
  const url = await says(/listens on (\S+)/);
  const { port } = new URL(url);
  // not ready, for there is no AM; but alive, and a restart would mend nothing
  expect((await request(`http://127.0.0.1:${port}`, '/readyz')).status).toBe(503);
  expect(await exitCodeOf(check, port)).toBe(0);
  child.kill('SIGTERM');
  expect(await exit).toBe(0);
  expect(await exitCodeOf(check, port)).toBe(1);
});

/** The same but for the port. */
function environmentOfImage(): Record<string, string> {
  const pairs = (instructions('ENV')[0] ?? '').split(' ').map((pair) => pair.split('='));
  const environment = Object.fromEntries(pairs) as Record<string, string>;
  for (const name of Object.keys(environment)) expect(name === 'NODE_ENV' || isVariable(name), name).toBe(true);
  delete environment['PORT'];
  return environment;
}

function exitCodeOf(command: string, port: string): Promise<number> {
  const [program = '', ...args] = listOf(command);
  return new Promise((resolve) => {
    const child = execFile(program, args, { env: { PATH: process.env['PATH'], PORT: port } }, () =>
      resolve(child.exitCode ?? -1),
    );
  });
}

test('compose.yaml publishes the metrics of each node, and everything for this machine alone', () => {
  const published = [...compose.matchAll(/'([\d.]+):(\d+):(\d+)'/g)];
  expect(published.map(([, address]) => address)).toEqual(published.map(() => '127.0.0.1'));
  const admin = /ADMIN_PORT: '(\d+)'/.exec(compose)?.[1];
  expect(published.filter(([, , , inside]) => inside === admin)).toHaveLength(2);
  for (const [, , port] of published) expect(compose).toContain(`http://localhost:${port}`);
});

test('compose.yaml sets only variables that exist, to values that are taken', () => {
  const pairs = [...compose.matchAll(/\b([A-Z][A-Z_]+): '?([^'\n}]+?)'?(?= }|$)/gm)];
  const given = Object.fromEntries(pairs.map(([, name = '', value = '']) => [name, value]));
  const names: readonly string[] = variables;
  expect(Object.keys(given).filter((name) => !names.includes(name))).toEqual([]);
  const { am, routes, redisUrl, publicUrl } = parseConfig(optionsFromEnv(given));
  // browsers know the simulator and both nodes by one name, or its cookie would not come to them
  expect(new URL(am.publicUrl).hostname).toBe('localhost');
  expect(new URL(publicUrl ?? '').hostname).toBe('localhost');
  for (const url of [am.url, routes[0]?.target, redisUrl])
    expect(compose).toContain(`\n  ${new URL(url ?? '').hostname}:\n`);
});
