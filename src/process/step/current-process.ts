import { AsyncLocalStorage } from 'node:async_hooks'
import type { Life } from '../runner/process-runner.ts'
import type { StepFlow, Turn } from './step-flow.ts'

/** Where in its step code is, as far as its asynchronous context has come. */
export interface Place {
  /** The run of the step that this is about. */
  readonly flow: StepFlow
  /** The names of the branches that it is in, from the outermost: `book/charge`; empty outside of one. */
  readonly branch: string
  readonly turn?: Turn | undefined
}

/** What runs here: a process, within another one where a step of that executes it. */
interface Frame {
  readonly life: Life
  readonly outer: Frame | undefined
  /** The attempt at a step that this is, where the process may go on without it. */
  readonly attempt?: object | undefined
  readonly place?: Place | undefined
}

const scope = new AsyncLocalStorage<Frame>()

/** Runs a function in an asynchronous context that was kept. */
export type AsyncContext = <T>(run: () => T) => T

/** The context in which this module was loaded, which is no caller's. All that an engine runs is in it. */
export const noContext: AsyncContext = AsyncLocalStorage.snapshot()

/** The context of whoever calls this. */
export function presentContext(): AsyncContext {
  return AsyncLocalStorage.snapshot()
}

/**
 * Runs a function as part of a process: within it, also after an `await`, `Process.current()` is that process. It is in the asynchronous
 * context of the process, and never in that of whoever happens to call this: a step must not see the tenant or trace of another request.
 */
export function inScope<T>(life: Life, run: () => T): T {
  const outer = scope.getStore()
  if (outer?.life === life) return run()
  // What an engine runs is not within the step that happened to set it going, and must not keep that in memory.
  return life.context(() => scope.run({ life, outer: life.host.durable ? undefined : outer }, run))
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
  const frame = scope.getStore()
  return scope.run({ life, outer: frame?.outer, attempt, place: frame?.place }, run)
}

/** Whether what runs here is an attempt at a step of this process other than the present one. */
export function isStaleAttempt(life: Life, present: object | undefined): boolean {
  const at = frameOf(life)
  return at?.attempt !== undefined && at.attempt !== present
}

/** Where in the step of this process the code is that runs here; it may be a step that has ended. */
export function currentPlace(life: Life): Place | undefined {
  return frameOf(life)?.place
}

function frameOf(life: Life): Frame | undefined {
  let at = scope.getStore()
  while (at !== undefined && at.life !== life) at = at.outer
  return at
}

/** Whether what runs here is what an earlier attempt at a step has left, as far as that shows. Each attempt but the first begins at a place. */
export function isOfEarlier(life: Life, flow: StepFlow, isFirst: boolean): boolean {
  const frame = frameOf(life)
  return frame !== undefined && frame.place?.flow !== flow && (frame.place !== undefined || !isFirst)
}

/** The code that runs here, and what it calls and awaits from now on, is at this place. What has called it does not see that. */
export function enterPlace(life: Life, place: Place | undefined): void {
  const frame = scope.getStore()
  if (frame?.life === life && (place !== undefined || frame.place !== undefined))
    scope.enterWith({ ...frame, place })
}

/** Runs a part of a step at this place. */
export function atPlace<T>(life: Life, place: Place, run: () => T): T {
  const frame = scope.getStore()
  const own = frame?.life === life ? frame : { life, outer: frame }
  return scope.run({ ...own, place }, run)
}
