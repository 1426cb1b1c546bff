// `am-session-proxy --version`

import { readFileSync } from 'node:fs';

export function printVersion(): void {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- npm does not publish a package without it
  const { version } = manifest as { version: string };
  process.stdout.write(`${version}\n`);
}
