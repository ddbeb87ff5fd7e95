/** The entry point `damson/testing`, for the tests of users. */

export { crashAt } from './crash-at.ts'
export type { CrashAtCommit, CrashAtWrite, CrashPoint } from './crash-point.ts'
export { SimulatedClock, type SimulatedClockOptions } from './simulated-clock.ts'
export type { ContextOf, ProcessSnapshot, WaitsFor } from './process-snapshot.ts'
export { TestBench, type TestBenchOptions } from './test-bench.ts'
export { unreliable, type Unreliability } from './unreliable.ts'
