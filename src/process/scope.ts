import { AsyncLocalStorage } from 'node:async_hooks'
import type { Life } from './life.ts'

/** What runs here: a process, within another one where a step of that executes it. */
interface Frame {
  readonly life: Life
  readonly outer: Frame | undefined
  /** The attempt at a step that this is, where the process may go on without it. */
  readonly attempt?: object | undefined
}

const scope = new AsyncLocalStorage<Frame>()

/** Runs a function as part of a process: within it, also after an `await`, `Process.current()` is that process. */
export function inScope<T>(life: Life, run: () => T): T {
  const outer = scope.getStore()
  if (outer?.life === life) return run()
  // What an engine runs is not within the step that happened to set it going, and must not keep that in memory.
  return scope.run({ life, outer: life.host.durable ? undefined : outer }, run)
}

/** Runs a function as part of no process. */
export function outOfScope(run: () => void): void {
  scope.exit(run)
}

export function currentLife(): Life | undefined {
  return scope.getStore()?.life
}

/** Whether what runs here is part of this process, if only as a nested `execute()` within its step. */
export function isWithin(life: Life): boolean {
  for (let at = scope.getStore(); at !== undefined; at = at.outer) if (at.life === life) return true
  return false
}

/** Runs a step as an attempt that may be left behind. */
export function inAttempt<T>(life: Life, attempt: object, run: () => T): T {
  return scope.run({ life, outer: scope.getStore()?.outer, attempt }, run)
}

/** Whether what runs here is an attempt at a step of this process other than the present one. */
export function isLeftBehind(life: Life, present: object | undefined): boolean {
  let at = scope.getStore()
  while (at !== undefined && at.life !== life) at = at.outer
  return at?.attempt !== undefined && at.attempt !== present
}
