// SIGTERM and SIGINT: as the first process of a container, one that listens to neither would be ended by neither.

let stopRunning: (signal: string) => Promise<void> = () => Promise.resolve();

/**
 * Ends the process: at once as long as nothing runs, then when what runs has stopped. With 0, or with 1 when it could not
 * stop. To be called first.
 */
export function listenToSignals(): void {
  // for good: a signal that has arrived but not been heard yet is lost when its listener is exchanged for another
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void end(signal));
}

/** Something runs from now on that has to be stopped. */
export function onSignal(stop: (signal: string) => Promise<void>): void {
  stopRunning = stop;
}

async function end(signal: string): Promise<void> {
  try {
    await stopRunning(signal);
    process.exit(0);
  } catch (error) {
    const reason = error instanceof Error ? (error.stack ?? error.message) : String(error);
    process.stderr.write(`am-session-proxy: could not stop in order: ${reason}\n`);
    process.exit(1);
  }
}
