/*
 * The timers and clocks of the platform, as they were when this module was loaded. A test that
 * replaces the global ones (`vi.useFakeTimers()`) replaces them for its own code only, and must not
 * stop an engine. No other file of the library may use the global ones; the linter enforces that.
 */

const {
  setTimeout: startTimeout,
  clearTimeout: stopTimeout,
  setInterval: startInterval,
  clearInterval: stopInterval,
  setImmediate: startImmediate,
  queueMicrotask: startMicrotask,
} = globalThis

export {
  startTimeout as setTimeout,
  stopTimeout as clearTimeout,
  startInterval as setInterval,
  stopInterval as clearInterval,
  startImmediate as setImmediate,
  startMicrotask as queueMicrotask,
}

/** Resolves once everything else in this turn of the event loop is done. */
export function endOfTurn(): Promise<void> {
  return new Promise((resolve) => startImmediate(resolve))
}

/** Resolves after so many milliseconds. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    startTimeout(resolve, milliseconds)
  })
}

/** Wall-clock milliseconds since 1970. */
export const wallClock: () => number = Date.now.bind(Date)

const { performance: timeline } = globalThis

/** Milliseconds that never go back, counted from the start of this thread. */
export const elapsed: () => number = timeline.now.bind(timeline)

/**
 * Milliseconds that never go back. Unlike `elapsed`, this clock is the same in all threads of the
 * machine.
 */
export function machineTime(): number {
  return Number(highResolution() / 1000n) / 1000
}

// A browser has neither threads of ours nor this clock.
const highResolution: () => bigint =
  globalThis.process?.hrtime?.bigint.bind(globalThis.process.hrtime) ??
  (() => BigInt(Math.round(elapsed() * 1e6)))
