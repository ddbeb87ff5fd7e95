import type { ProcessObject } from '../host/process-object.ts'
import type { ProcessState } from '../state/process-state.ts'

/** A hook may be asynchronous if its type says so; the transition then waits for it. */
export type HookResult = void | Promise<void>

/**
 * The hooks of a process, as they are called. They are empty in `Process` and need no super call.
 */
export interface Hooks {
  onEntering(this: ProcessObject, to: ProcessState): HookResult
  onEntered(this: ProcessObject, from: ProcessState): HookResult
  onExiting(this: ProcessObject, to: ProcessState): HookResult
  onCreate(this: ProcessObject): void
  onRun(this: ProcessObject): HookResult
  onRunning(this: ProcessObject): HookResult
  onExitRunning(this: ProcessObject): HookResult
  onWait(this: ProcessObject, data: unknown): HookResult
  onWaiting(this: ProcessObject): HookResult
  onExitWaiting(this: ProcessObject): HookResult
  onPausing(this: ProcessObject, message: string | undefined): HookResult
  onPaused(this: ProcessObject, message: string | undefined): HookResult
  onPlaying(this: ProcessObject): HookResult
  onFinish(this: ProcessObject, result: unknown, successful: boolean): HookResult
  onFinished(this: ProcessObject): HookResult
  onExcept(this: ProcessObject, error: unknown): HookResult
  onExcepted(this: ProcessObject): HookResult
  onKill(this: ProcessObject, message: string): HookResult
  onKilled(this: ProcessObject): HookResult
  onOutputEmitting(this: ProcessObject, port: string, value: unknown): void
  onOutputEmitted(this: ProcessObject, port: string, value: unknown, dynamic: boolean): void
  onTerminated(this: ProcessObject): HookResult
  onClose(this: ProcessObject): HookResult
}

export const hookNames = [
  'onEntering',
  'onEntered',
  'onExiting',
  'onCreate',
  'onRun',
  'onRunning',
  'onExitRunning',
  'onWait',
  'onWaiting',
  'onExitWaiting',
  'onPausing',
  'onPaused',
  'onPlaying',
  'onFinish',
  'onFinished',
  'onExcept',
  'onExcepted',
  'onKill',
  'onKilled',
  'onOutputEmitting',
  'onOutputEmitted',
  'onTerminated',
  'onClose',
] as const satisfies readonly (keyof Hooks)[]
