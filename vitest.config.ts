import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  // Examples import `damson`, which tsconfig.json leads to the source.
  resolve: { tsconfigPaths: true },
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**', '.cache/**'],
    globalSetup: ['test/run/temporary-files.ts', 'test/programs/compile.ts'],
    pool: 'forks',
    // Most of the time goes into programs that tests start and wait for: one worker less than there are processors would be one of two.
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // Types are checked with `--typecheck`; npm links `tsc` to either of the two compilers, so name one.
    typecheck: {
      include: ['test/**/*.test-d.ts'],
      checker: fileURLToPath(new URL('node_modules/typescript/bin/tsc', import.meta.url)),
    },
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      reporter: ['text-summary', 'html'],
      thresholds: { lines: 80 },
    },
  },
})
