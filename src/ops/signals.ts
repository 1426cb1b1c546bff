// SIGTERM and SIGINT: as the first process of a container, one that listens to neither would be ended by neither.

const signals = ['SIGTERM', 'SIGINT'] as const;

/** Ends the process at once, as long as there is nothing to stop. */
export function exitOnSignal(): void {
  for (const signal of signals) process.on(signal, () => process.exit(0));
}

/** From now on stops what runs, then ends the process with 0. */
export function onSignal(stop: (signal: string) => Promise<void>): void {
  for (const signal of signals) {
    process.removeAllListeners(signal);
    process.on(signal, () => void stop(signal).then(() => process.exit(0)));
  }
}
