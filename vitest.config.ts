import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Cluster tests start real processes; the machines that run them are shared and slow at times.
    testTimeout: 60_000,
    hookTimeout: 120_000,
    pool: 'forks',
  },
});
