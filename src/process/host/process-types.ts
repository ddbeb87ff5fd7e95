import type { SavedType } from '../../bundle/codec.ts'
import type { Definable } from '../../spec/process-spec.ts'
import type { LaunchInputsOf, OutputName, OutputsOf, OutputValue } from '../../spec/typing.ts'
import type { Clock } from '../../shared/clock.ts'
import type { Logger } from '../../shared/logger.ts'
import type { LaunchOptions, ProcessHandle } from './process-handle.ts'
import type { ProcessState } from '../state/process-state.ts'

/** A process whose class does not say what it is: all ports are `unknown`. */
export interface Untyped extends Definable {}

export interface ProcessOptions {
  /** Default: a new UUIDv7. */
  readonly pid?: string | undefined
  /** Default: one that keeps silent. */
  readonly logger?: Logger | undefined
  /** Own classes in values that `Bundle.from(process)` saves. An engine has its own. */
  readonly types?: readonly SavedType[] | undefined
  /** What its timers go by where it runs in memory; a test may move it. Default: the machine's clock. */
  readonly clock?: Clock | undefined
}

/** What a process is made with: its inputs, which may be left out if all of them may, and options. */
export type ConstructArgs<C> =
  {} extends LaunchInputsOf<C>
    ? [inputs?: LaunchInputsOf<C> | undefined, options?: ProcessOptions]
    : [inputs: LaunchInputsOf<C>, options?: ProcessOptions]

/** What `getStatusInfo` tells. */
export interface StatusInfo {
  readonly pid: string
  readonly className: string
  readonly state: ProcessState
  readonly paused: boolean
  readonly status: string | undefined
  readonly creationTime: Date
  /** The process in one line. */
  readonly processString: string
}

/** Outputs by their dotted names, or nested. */
export type SeveralOutputs<C> =
  | { readonly [Name in OutputName<C>]?: OutputValue<C, Name> | undefined }
  | { readonly [Name in keyof OutputsOf<C>]?: OutputsOf<C>[Name] | undefined }

/** Handles to be joined: one, a list, or named ones. */
export type Joined = ProcessHandle | readonly ProcessHandle[] | Readonly<Record<string, ProcessHandle>>

/** What joined handles come to, in their shape. */
export type JoinedResults<H> =
  H extends ProcessHandle<infer R, infer _>
    ? R
    : { -readonly [K in keyof H]: H[K] extends ProcessHandle<infer R, infer _> ? R : never }

/** What a child is launched with. */
export type LaunchChildArgs<C> =
  {} extends LaunchInputsOf<C>
    ? [inputs?: LaunchInputsOf<C> | undefined, options?: LaunchOptions]
    : [inputs: LaunchInputsOf<C>, options?: LaunchOptions]
