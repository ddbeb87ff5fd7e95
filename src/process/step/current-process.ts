import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks'
import type { AsyncContext, RunState } from './run-state.ts'

/**
 * A stretch of a step's code that runs without a break, between two `await`s. Its requests have a
 * fixed order, in each run of the step.
 */
export interface Turn {
  /** The run of the step: a `StepFlow`. */
  readonly flow: object
  /** Turns that are certain to come before this one. */
  readonly after: readonly Turn[]
  /** Whether this may still be the turn that runs. */
  runs: boolean
}

/** Where in its step the running code is, as far as its asynchronous context shows. */
export interface FlowPoint {
  /** The run of the step: a `StepFlow`. */
  readonly flow: object
  /**
   * The names of the branches around the code, from the outermost: `book/charge`; empty outside of
   * one.
   */
  readonly branch: string
  readonly turn?: Turn | undefined
}

/** The process whose code runs, perhaps within a step of another process that executes it. */
interface Frame {
  readonly run: RunState
  readonly outer: Frame | undefined
  /** The attempt at a step, if the process may continue without it. */
  readonly attempt?: object | undefined
  readonly point?: FlowPoint | undefined
}

const frames = new AsyncLocalStorage<Frame>()

/**
 * The context in which this module was loaded. It belongs to no caller. Everything that an engine
 * runs is in it.
 */
export const noContext: AsyncContext = presentContext()

/**
 * The context of the caller. It does what `AsyncLocalStorage.snapshot()` does, which took a fifth
 * of the time of `execute()` on Node 20: that makes a deprecated property for each function.
 */
export function presentContext(): AsyncContext {
  const resource = new AsyncResource('DamsonProcess', { requireManualDestroy: true })
  return (call) => resource.runInAsyncScope(call)
}

/**
 * Runs a function as part of a process: within it, also after an `await`, `Process.current()` is
 * that process. The function runs in the asynchronous context of the process, and never in that of
 * the caller: a step must not see the tenant or trace of another request.
 */
export function asProcess<T>(run: RunState, call: () => T): T {
  const outer = frames.getStore()
  if (outer?.run === run) return call()
  // What an engine runs is not within the step that happened to set it going, and must not keep
  // that step in memory.
  return run.context(() => frames.run({ run, outer: run.host.durable ? undefined : outer }, call))
}

/** Runs a function as part of no process. */
export function outsideProcess(call: () => void): void {
  frames.exit(call)
}

/** The process whose step, hook or listener is running. */
export function currentRun(): RunState | undefined {
  return frames.getStore()?.run
}

/**
 * Whether the running code is part of this process, if only as a nested `execute()` within its
 * step.
 */
export function isWithin(run: RunState): boolean {
  return frameOf(run) !== undefined
}

/** Runs a step as an attempt that the process may continue without. */
export function inAttempt<T>(run: RunState, attempt: object, call: () => T): T {
  const frame = frames.getStore()
  return frames.run({ run, outer: frame?.outer, attempt, point: frame?.point }, call)
}

/** Whether the running code is an attempt at a step of this process other than the present one. */
export function isStaleAttempt(run: RunState, present: object | undefined): boolean {
  const at = frameOf(run)
  return at?.attempt !== undefined && at.attempt !== present
}

/** Where in a step of this process the running code is. The step may have ended. */
export function currentPoint(run: RunState): FlowPoint | undefined {
  return frameOf(run)?.point
}

function frameOf(run: RunState): Frame | undefined {
  let at = frames.getStore()
  while (at !== undefined && at.run !== run) at = at.outer
  return at
}

/**
 * Whether the running code is left over from an earlier attempt at a step, as far as that shows.
 * Each attempt but the first begins at a point of its flow.
 */
export function isOfEarlierAttempt(run: RunState, flow: object, isFirst: boolean): boolean {
  const frame = frameOf(run)
  return frame !== undefined && frame.point?.flow !== flow && (frame.point !== undefined || !isFirst)
}

/**
 * Puts the running code, and what it calls and awaits from now on, at this point of a flow. The callers of
 * that code stay where they are.
 */
export function enterPoint(run: RunState, point: FlowPoint | undefined): void {
  const frame = frames.getStore()
  if (frame?.run === run && (point !== undefined || frame.point !== undefined))
    frames.enterWith({ ...frame, point })
}

/** Runs a part of a step at this point of its flow. */
export function atPoint<T>(run: RunState, point: FlowPoint, call: () => T): T {
  const frame = frames.getStore()
  const own = frame?.run === run ? frame : { run, outer: frame }
  return frames.run({ ...own, point }, call)
}
