/** What users import as `damson/testing`, for tests of their own. */

export { crashAt, type CrashPoint } from './crash-at.ts'
export { SimulatedClock } from './simulated-clock.ts'
export { unreliable, type Unreliability } from './unreliable.ts'
