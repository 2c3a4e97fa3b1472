/** `npm run test:interop`: against other people's programs, which are fetched first; no part of `npm test`. */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/interop/**/*.interop.ts'],
    testTimeout: 300_000,
    // Maven fetches 100 MB the first time.
    hookTimeout: 900_000,
    fileParallelism: false,
    pool: 'forks',
  },
});
