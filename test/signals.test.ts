// A signal ends the process, also when what runs cannot stop.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';

const signals = new URL('../dist/ops/signals.js', import.meta.url).href;

/** Runs it with a timer that would keep the process for ever, and sends SIGTERM. */
async function endedBySigterm(running: string): Promise<{ code: unknown; signal: unknown; stderr: string }> {
  const script = `
    import { listenToSignals, onSignal } from '${signals}';
    listenToSignals();
    setInterval(() => undefined, 1_000);
    ${running}
    process.stdout.write('ready');`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script]);
  let stderr = '';
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const closed = once(child, 'close');
  await once(child.stdout, 'data');
  child.kill('SIGTERM');
  const [code, signal]: unknown[] = await closed;
  return { code, signal, stderr };
}

test('with 0 while nothing runs, and when what runs has stopped', async () => {
  const ended = { code: 0, signal: null, stderr: '' };
  expect(await endedBySigterm('')).toEqual(ended);
  expect(await endedBySigterm('onSignal(() => Promise.resolve());')).toEqual(ended);
});

test.each([
  ['rejects', "onSignal(() => Promise.reject(new Error('the port is stuck')));"],
  ['throws', "onSignal(() => { throw new Error('the port is stuck'); });"],
])('with 1 and the error on stderr when the stop %s', async (_how, running) => {
  const { code, signal, stderr } = await endedBySigterm(running);
  expect([code, signal]).toEqual([1, null]);
  expect(stderr).toMatch(/^am-session-proxy: could not stop in order: Error: the port is stuck\n/);
});
