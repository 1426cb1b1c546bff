// A real OpenAM on loopback, on free ports, as long as a command runs; without a command, until Ctrl-C.
//   node scripts/openam/openam.mjs [-- COMMAND...]
// OPENAM_URL names one that runs already: then the command alone is run.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { getPrograms } from './cache.mjs';
import { startControl } from './control.mjs';
import { Failure } from './failure.mjs';
import { createOpenAm } from './server.mjs';

const [program, ...args] = process.argv.slice(process.argv[2] === '--' ? 3 : 2);

let am;
let command;
let ending;
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
]) {
  process.on(signal, () => {
    process.exitCode = code;
    ending ??= end();
  });
}

try {
  const env = process.env['OPENAM_URL'] ? {} : await start();
  if (ending === undefined && program !== undefined) process.exitCode = await run(env);
  else if (ending === undefined && process.env['OPENAM_URL'] === undefined) await once(process, 'SIGINT');
} catch (error) {
  if (ending === undefined) {
    process.exitCode = 1;
    console.error(error instanceof Failure ? `openam: ${error.message}` : error);
  }
}
await (ending ??= end());

/** Resolves with what the command has to know of it. */
async function start() {
  const startedAt = performance.now();
  const programs = await getPrograms(say);
  am = await createOpenAm({ ...programs, say });
  await am.start();
  await am.configure();
  const control = await startControl(am);
  const env = {
    OPENAM_URL: am.url,
    OPENAM_PUBLIC_URL: am.publicUrl,
    OPENAM_ADMIN_PASSWORD: am.adminPassword,
    OPENAM_CONTROL: control.url,
  };
  say(`ready after ${Math.round((performance.now() - startedAt) / 1000)} s`);
  if (program === undefined) for (const [name, value] of Object.entries(env)) console.log(`${name}=${value}`);
  return env;
}

/** Runs the command in a process group of its own, so that what it started ends with it. */
async function run(env) {
  command = spawn(program, args, { stdio: 'inherit', detached: true, env: { ...process.env, ...env } });
  const [code] = await once(command, 'exit');
  return code ?? 1;
}

async function end() {
  if (command !== undefined && command.exitCode === null && command.signalCode === null) {
    process.kill(-command.pid, 'SIGTERM');
    await once(command, 'exit');
  }
  await am?.close();
  // an answer that the control still owes keeps nobody waiting
  process.exit();
}

function say(text) {
  console.error(`openam: ${text}`);
}
