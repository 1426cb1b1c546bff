// SIGTERM and SIGINT: as the first process of a container, one that listens to neither would be ended by neither.

let stopRunning: (signal: string) => Promise<void> = () => Promise.resolve();

/** Ends the process with 0: at once as long as nothing runs, then when what runs has stopped. To be called first. */
export function listenToSignals(): void {
  // for good: a signal that has arrived but not been heard yet is lost when its listener is exchanged for another
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.on(signal, () => void stopRunning(signal).then(() => process.exit(0)));
}

/** Something runs from now on that has to be stopped. */
export function onSignal(stop: (signal: string) => Promise<void>): void {
  stopRunning = stop;
}
