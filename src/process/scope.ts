import { AsyncLocalStorage } from 'node:async_hooks'
import type { Life } from './life.ts'

/** What runs here: a process, within another one where a step of that executes it. */
interface Frame {
  readonly life: Life
  readonly outer: Frame | undefined
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
