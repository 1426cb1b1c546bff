// Compiles src, and copies beside it the files that tsc does not know (pages of the demo). The new dist takes the place of
// the old one at once: what runs from it sees no half of one.
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, renameSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const next = `${root}node_modules/.dist-next`;

rmSync(next, { recursive: true, force: true });
execFileSync(process.execPath, [`${root}node_modules/typescript/bin/tsc`, '-p', root, '--outDir', next], {
  stdio: 'inherit',
});
cpSync(`${root}src/demo/public`, `${next}/demo/public`, { recursive: true });
chmodSync(`${next}/cli.js`, 0o755);

rmSync(`${root}dist`, { recursive: true, force: true });
renameSync(next, `${root}dist`);
