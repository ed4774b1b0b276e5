import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
    pool: 'forks',
    // PGlite takes seconds to start while another test does the same on two cores.
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});
