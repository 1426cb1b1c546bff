// Many sockets and event streams under load, and nothing left behind. `npm run soak` does the same for a minute.

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const soak = fileURLToPath(new URL('../scripts/soak/soak.mjs', import.meta.url));

it('1,000 sockets and 300 event streams under load leave no socket, timer or listener behind', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [soak, '--seconds', '5']).catch(
    (error: { stdout: string }) => error,
  );
  expect(stdout).toContain('nothing was left behind');
}, 60_000);
