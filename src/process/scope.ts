import { AsyncLocalStorage } from 'node:async_hooks'
import type { Life } from './life.ts'

const scope = new AsyncLocalStorage<Life>()

/** Runs a function as part of a process: within it, also after an `await`, `Process.current()` is that process. */
export function inScope<T>(life: Life, run: () => T): T {
  life.outer = scope.getStore()
  return scope.run(life, run)
}

export function currentLife(): Life | undefined {
  return scope.getStore()
}

/** Whether what runs here is part of this process, if only as a nested `execute()` within its step. */
export function isWithin(life: Life): boolean {
  for (let at = scope.getStore(); at !== undefined; at = at.outer) if (at === life) return true
  return false
}
