import type { Process } from '../process.ts'
import type { ProcessState } from '../state/process-state.ts'

/** A hook may be asynchronous where its type says so; the transition then waits for it. */
export type HookResult = void | Promise<void>

/** The hooks of a process, as they are called. They are empty in `Process` and need no super call. */
export interface Hooks {
  onEntering(this: Process, to: ProcessState): HookResult
  onEntered(this: Process, from: ProcessState): HookResult
  onExiting(this: Process, to: ProcessState): HookResult
  onCreate(this: Process): void
  onRun(this: Process): HookResult
  onRunning(this: Process): HookResult
  onExitRunning(this: Process): HookResult
  onWait(this: Process, data: unknown): HookResult
  onWaiting(this: Process): HookResult
  onExitWaiting(this: Process): HookResult
  onPausing(this: Process, message: string | undefined): HookResult
  onPaused(this: Process, message: string | undefined): HookResult
  onPlaying(this: Process): HookResult
  onFinish(this: Process, result: unknown, successful: boolean): HookResult
  onFinished(this: Process): HookResult
  onExcept(this: Process, error: unknown): HookResult
  onExcepted(this: Process): HookResult
  onKill(this: Process, message: string): HookResult
  onKilled(this: Process): HookResult
  onOutputEmitting(this: Process, port: string, value: unknown): void
  onOutputEmitted(this: Process, port: string, value: unknown, dynamic: boolean): void
  onTerminated(this: Process): HookResult
  onClose(this: Process): HookResult
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
