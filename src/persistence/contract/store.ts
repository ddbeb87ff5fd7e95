import type { Control } from './control.ts'
import type { EngineIdentity, LoadableClass, ClassRow } from './engines.ts'
import type { Persister } from './persister.ts'
import type { StoredProcess } from './rows.ts'

/*
 * What an engine needs of the place where processes live; a client needs only its `Control`.
 *
 * Everything is asynchronous and batched: no caller may assume that a commit is synchronous or local.
 * Invariants that every back end keeps (test/persistence/store-suite.ts runs them on each):
 *
 * 1. `commit` answers per write; one that is refused touches no other, and what was answered `done` is durable.
 * 2. A write of a running process applies only under the fence of its claim and with the next sequence number (C4).
 *    The same write twice is `done` twice.
 * 3. No write leaves a terminal state (C5). Once a kill is stored, the process can end as `killed` alone.
 * 4. What a wait is for makes the process ready whether it came before, during or after it went to wait (C8): a resume, a signal,
 *    its time, the end of other processes.
 * 5. What waits and is paused does not move until it is played: no record, no transition, no end but that by a kill (C7).
 * 6. `claim` gives a process to one engine at a time, and only those that the engine says it can load (C9).
 */

/** A `Control` that can also run processes: what an engine needs of the place where they live. */
export interface Store extends Control, Persister {
  /** Registers an engine and keeps its lease alive, off the main thread if it can, until `leave`. */
  join(engine: EngineIdentity): Promise<void>
  /** Ends the registration. Processes that the engine still holds are given back; it counts as no crash (C12). */
  leave(engineId: string): Promise<void>
  /** Registers what can be launched by name. */
  describe(classes: readonly ClassRow[]): Promise<void>
  /** The classes and versions of which something wants to run, now or at a time to come. */
  wanted(): Promise<readonly LoadableClass[]>
  /**
   * Hands out up to `limit` ready processes, each under a new fence: the longest ready first, whatever their classes, and of those that became
   * ready at the same time in the order in which they were created.
   */
  claim(request: ClaimRequest): Promise<readonly ClaimedProcess[]>
  /**
   * Whether this engine is to start nothing more until it runs nothing, so that a suspect of these classes can run there alone (C11). At most one
   * engine is told so at a time, and only where no engine has taken a suspect for a minute. Asked again while it drains, it says whether
   * that still holds: it does for a minute at most.
   */
  drain(request: Pick<ClaimRequest, 'engine' | 'classes'>): Promise<boolean>
  /**
   * Takes back what engines held whose program has ended or whose lease ran out (C11), counts the crash for each,
   * does the kills whose deadline has passed, and tells when to look again at the latest.
   * Also unregisters those engines. Cheap when there is nothing to do.
   *
   * With `classes`, it tells of suspects among these alone: those that the caller could run.
   */
  recover(classes?: readonly LoadableClass[]): Promise<Recovered>
}

export interface ClaimRequest {
  readonly engine: string
  /** What the engine can load: a class up to a version (C9). */
  readonly classes: readonly LoadableClass[]
  readonly limit: number
  /**
   * `false`: only processes with fewer than two crashes since their last commit.
   * `true`: only such as have two or more; they have to run alone (C11), which is noted with the claim.
   */
  readonly suspects: boolean
  /** A process that ran alone until now: if anything is claimed, it does not any more (C11). */
  readonly beside?: string | undefined
}

export interface ClaimedProcess extends Omit<StoredProcess, 'before'> {
  readonly fence: number
  /**
   * What ends its wait, where it waits. If several have come: a resume, then the processes it waits for, then a signal,
   * then its time. Null where it was claimed for another reason: its deadline has passed.
   */
  readonly wake: WakeUp | null
  /** Whether it was played since an engine last ran it. */
  readonly played: boolean
}

export interface Recovered {
  /** Processes that were taken back from dead engines. */
  readonly processes: number
  /** Whether anything is ready that is no suspect, of the classes that were named, if any were. */
  readonly ready: boolean
  /** Whether suspects (see `ClaimRequest`) are ready, of the classes that were named, if any were. */
  readonly suspects: boolean
  /** The next deadline of a kill, in wall-clock milliseconds. */
  readonly nextDeadline: number | null
  /** When the next process that now sleeps becomes ready by its time, of the classes that were named, if any were. */
  readonly nextDue: number | null
}

/** What ended a wait. */
export interface WakeUp {
  readonly by: 'resume' | 'signal' | 'timer' | 'handles'
  /** The kept message that is to be consumed; null for a timer and for handles. */
  readonly id: number | null
  /** Encoded; null for a timer and for handles. */
  readonly value: string | null
}
