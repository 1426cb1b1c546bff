// A real OpenAM on loopback, on free ports, as long as a command runs; without a command, until Ctrl-C.
//   node scripts/openam/openam.mjs [-- COMMAND...]
// OPENAM_URL names one that runs already: then the command alone is run.
import { once } from 'node:events';
import { getPrograms } from './cache.mjs';
import { startControl } from './control.mjs';
import { Failure } from './failure.mjs';
import { startLeashed } from './leashed.mjs';
import { createOpenAm } from './server.mjs';

/** A run with a command is over by then. */
const LIMIT_S = 900;

const [program, ...args] = process.argv.slice(process.argv[2] === '--' ? 3 : 2);

const interrupted = new AbortController();
let am;
let starting;
let command;
let ending;
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
]) {
  process.on(signal, () => interrupt(code));
}
if (program !== undefined) {
  setTimeout(() => {
    say(`not done within ${LIMIT_S} s`);
    interrupt(1);
  }, LIMIT_S * 1000);
}

try {
  starting = process.env['OPENAM_URL'] ? Promise.resolve({}) : start();
  const env = await starting;
  if (program !== undefined && ending === undefined) await run(env);
  else if (process.env['OPENAM_URL'] !== undefined)
    say('OPENAM_URL names one that runs: nothing to do without a command');
  else if (ending === undefined) await once(process, 'SIGINT');
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
  const programs = await getPrograms(say, interrupted.signal);
  am = await createOpenAm({ ...programs, say });
  if (interrupted.signal.aborted) await am.close();
  interrupted.signal.throwIfAborted();
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

/** What the command started ends with it when it is interrupted, or this process killed. */
async function run(env) {
  command = startLeashed(program, args, { stdio: ['inherit', 'inherit', 'inherit'], env: { ...process.env, ...env } });
  const code = await command.exited;
  if (!command.isFound()) throw new Failure(`cannot run ${program}: not found`);
  // how it ended when it was interrupted says nothing
  if (ending === undefined) process.exitCode = code;
}

function interrupt(code) {
  if (ending !== undefined) return;
  process.exitCode = code;
  ending = end();
}

async function end() {
  interrupted.abort();
  await command?.end();
  await am?.close();
  // what was under way fails by now, and tidies up
  await starting?.catch(() => undefined);
  // an answer that the control still owes keeps nobody waiting
  process.exit();
}

function say(text) {
  console.error(`openam: ${text}`);
}
