import { defineConfig } from 'vitest/config';

// The proxy and the conformance suite against a real OpenAM: scripts/openam/openam.mjs runs it.
const common = { testTimeout: 30_000, hookTimeout: 60_000 };
const restart = 'test/openam/restart.test.ts';

export default defineConfig({
  test: {
    globalSetup: ['test/openam/prepare.ts'],
    reporters: ['default', './test/support/closing-line.ts'],
    // tests that wait for sessions to end wait together
    maxConcurrency: 40,
    maxWorkers: 4,
    projects: [
      {
        test: {
          ...common,
          name: 'running',
          include: ['test/openam/*.test.ts'],
          exclude: [restart],
          sequence: { groupOrder: 0 },
        },
      },
      { test: { ...common, name: 'restart', include: [restart], sequence: { groupOrder: 1 } } },
    ],
  },
});
