/** What users import as `damson/testing`, for tests of their own. */

export { crashAt } from './crash-at.ts'
export type { CrashAtCommit, CrashAtWrite, CrashPoint } from './crash-point.ts'
export { SimulatedClock, type SimulatedClockOptions } from './simulated-clock.ts'
export type { ContextOf, Standstill, WaitsFor } from './standstill.ts'
export { TestBench, type TestBenchOptions } from './test-bench.ts'
export { unreliable, type Unreliability } from './unreliable.ts'
