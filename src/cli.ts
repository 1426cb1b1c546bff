#!/usr/bin/env node
// The command: serve, demo, simulator, check.

import { parseArgs } from 'node:util';
import { ConfigError } from './config.js';
import { readEnvironment } from './env.js';
import { listenToSignals } from './ops/signals.js';
import { ListenError } from './ops/listen-error.js';

const usage = `am-session-proxy: keeps AM sessions alive while their users work, and guards the APIs behind it

  am-session-proxy             serve, configured by the environment and ./.env
  am-session-proxy demo        simulator, sample API, sample page and the proxy on http://127.0.0.1:3000
  am-session-proxy simulator   an AM to develop against
  am-session-proxy check       print the effective configuration, secrets masked

Every variable is in .env.example. Exit codes: 64 usage, 69 cannot listen, 78 configuration.
`;

const exitUsage = 64;
const exitUnavailable = 69;
const exitConfig = 78;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { help: { type: 'boolean', short: 'h' }, version: { type: 'boolean', short: 'v' } },
  });
  if (values.help) return void process.stdout.write(usage);
  if (values.version) {
    const { printVersion } = await import('./commands/version.js');
    return printVersion();
  }
  const [command = 'serve', ...rest] = positionals;
  if (rest.length > 0) throw new UsageError(`unexpected: ${rest.join(' ')}`);
  const environment = readEnvironment();
  // each command loads only what it needs
  switch (command) {
    case 'serve':
      return (await import('./commands/serve.js')).serve(environment);
    case 'check':
      return (await import('./commands/check.js')).check(environment);
    case 'simulator':
      return (await import('./commands/simulator.js')).simulator(environment);
    case 'demo':
      return (await import('./commands/demo.js')).demo(environment);
    default:
      throw new UsageError(`no such command: ${command}`);
  }
}

class UsageError extends Error {}

listenToSignals();
main().catch((error: unknown) => {
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (error instanceof UsageError || code.startsWith('ERR_PARSE_ARGS')) {
    process.stderr.write(`${message}\n\n${usage}`);
    process.exitCode = exitUsage;
  } else if (error instanceof ConfigError) {
    process.stderr.write(`${message}\n`);
    process.exitCode = exitConfig;
  } else {
    process.stderr.write(`am-session-proxy: ${message}\n`);
    process.exitCode = error instanceof ListenError ? exitUnavailable : 1;
  }
});
