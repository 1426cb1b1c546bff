// Programs that tests need and npm does not have: without one its tests are skipped by hand, and fail in CI.

import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe } from 'vitest';

/** The names they go by, and the package of Debian that has them. */
const programs = {
  openssl: { names: ['openssl'], from: 'openssl' },
  nginx: { names: ['nginx'], from: 'nginx-light' },
  'redis-server': { names: ['redis-server'], from: 'redis-server' },
  promtool: { names: ['promtool'], from: 'prometheus' },
  chromium: { names: ['chromium', 'chromium-browser', 'google-chrome'], from: 'chromium' },
} as const;

export type Program = keyof typeof programs;

/** As `describe`, for tests that need these programs. */
export function describeWith(needed: readonly Program[], title: string, tests: () => void): void {
  const missing = needed.filter((program) => find(program) === undefined);
  if (missing.length === 0) return void describe(title, tests);
  const packages = missing.map((program) => programs[program].from).join(' ');
  const reason = `needs ${missing.join(' and ')}: apt-get install -y ${packages}`;
  if (process.env['CI']) throw new Error(`${title}: ${reason}`);
  console.warn(`skipped: ${title}: ${reason}`);
  describe.skip(`${title} (${reason})`, tests);
}

/** Where it is. */
export function pathOf(program: Program): string {
  const path = find(program);
  if (path === undefined) throw new Error(`there is no ${program} here: see describeWith`);
  return path;
}

function find(program: Program): string | undefined {
  // where Debian has servers, and users other than root do not look
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin'];
  return programs[program].names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
