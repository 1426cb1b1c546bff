// The same tests over every form in which users run the proxy.

import { afterAll, afterEach, beforeAll, describe } from 'vitest';
import type { JournalEntry } from '../../src/simulator/index.js';
import { eventually, mounts, startStack, type Mount, type Stack, type StackOptions } from './stack.js';

interface Forms {
  /** Default: all. */
  readonly forms?: readonly Mount[];
  /** For tests that wait: they run side by side, so that none may use faults that meet the sessions of others. */
  readonly atOnce?: boolean;
}

/** One stack per form for all tests in it; faults and the upstream's special answers end with each test. */
export function onEveryMount(
  title: string,
  options: Omit<StackOptions, 'mount'>,
  tests: (stack: () => Stack, mount: Mount) => void,
  { forms = mounts, atOnce = false }: Forms = {},
): void {
  (atOnce ? describe.concurrent : describe).each(forms)(`${title}, in the form %s`, (mount) => {
    let stack: Stack | undefined;
    const current = (): Stack => {
      if (!stack) throw new Error('the stack is not up');
      return stack;
    };
    beforeAll(async () => {
      stack = await startStack({ ...options, mount });
    });
    afterEach(() => {
      if (atOnce) return;
      stack?.am.clearFaults();
      if (stack) stack.upstream.answer = stack.upstream.upgrade = undefined;
    });
    afterAll(() => stack?.close());
    tests(current, mount);
  });
}

/** What AM was asked about this session. */
export function askedAbout({ am }: Stack, token: string, action?: string): JournalEntry[] {
  const session = am.hash(token);
  return am.journal.filter((entry) => entry.session === session && (action === undefined || entry.action === action));
}

/** Waits for a line of the log with this text (the command's come through a pipe); resolves with how many there are. */
export async function logged({ log }: Stack, text: string, atLeast = 1): Promise<number> {
  const count = (): number => log.join('').split(text).length - 1;
  await eventually(() => count() >= atLeast);
  return count();
}
