// Compiles src to dist, and copies beside it the files that tsc does not know (pages of the demo).
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
rmSync(`${root}dist`, { recursive: true, force: true });
execFileSync(process.execPath, [`${root}node_modules/typescript/bin/tsc`, '-p', root], { stdio: 'inherit' });
if (existsSync(`${root}src/demo/public`))
  cpSync(`${root}src/demo/public`, `${root}dist/demo/public`, { recursive: true });
chmodSync(`${root}dist/cli.js`, 0o755);
