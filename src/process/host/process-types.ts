import type { SavedType } from '../../bundle/codec.ts'
import type { Definable } from '../../spec/process-spec.ts'
import type { LaunchInputsOf, OutputName, OutputsOf, OutputValue } from '../../spec/typing.ts'
import type { Clock } from '../../shared/clock.ts'
import type { Logger } from '../../shared/logger.ts'
import type { LaunchOptions } from './launch-options.ts'
import type { ProcessHandle } from './process-handle.ts'
import type { RefableInputs } from './references.ts'
import type { ProcessState } from '../state/process-state.ts'

/** The class of a process whose type is not declared: all ports are `unknown`. */
export interface Untyped extends Definable {}

/** Options of the constructor of a process. */
export interface ProcessOptions {
  /** Default: a new UUIDv7. */
  readonly pid?: string | undefined
  /** Default: a logger that writes nothing. */
  readonly logger?: Logger | undefined
  /**
   * The user's classes in values that `Bundle.from(process)` saves. An engine has its own option
   * for them.
   */
  readonly types?: readonly SavedType[] | undefined
  /**
   * The clock of timers, if the process runs in memory. Default: the system clock.
   */
  readonly clock?: Clock | undefined
}

/**
 * The arguments of the constructor of a process: its inputs, which are optional if all of them are,
 * and options.
 */
export type ConstructArgs<C> =
  {} extends LaunchInputsOf<C>
    ? [inputs?: LaunchInputsOf<C> | undefined, options?: ProcessOptions]
    : [inputs: LaunchInputsOf<C>, options?: ProcessOptions]

/** What `getStatusInfo` returns. */
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

/** Handles for `join`: one, a list, or named ones. */
export type Joined = ProcessHandle | readonly ProcessHandle[] | Readonly<Record<string, ProcessHandle>>

/** What `join` gives, in the shape of the handles: results, or outputs if `O` is true. */
export type JoinedResults<H, O = false> =
  H extends ProcessHandle<infer R, infer C>
    ? JoinedValue<R, C, O>
    : {
        -readonly [K in keyof H]: H[K] extends ProcessHandle<infer R, infer C> ? JoinedValue<R, C, O> : never
      }
type JoinedValue<R, C, O> = O extends true ? OutputsOf<C> : R

/** The arguments of `launch` for a child. */
export type LaunchChildArgs<C> =
  {} extends LaunchInputsOf<C>
    ? [inputs?: RefableInputs<C> | undefined, options?: LaunchOptions]
    : [inputs: RefableInputs<C>, options?: LaunchOptions]
