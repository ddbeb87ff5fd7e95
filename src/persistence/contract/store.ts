import type { PostgresTransaction, SqliteTransaction } from '../../process/host/transaction.ts'
import type { WakeUp } from '../../process/state/transition.ts'
import type { Control } from './control.ts'
import type { Capabilities, EngineIdentity, LoadableClass, ClassRow } from './engines.ts'
import type { DueResults } from './result-lifetime.ts'
import type { Outcome } from './outcomes.ts'
import type { Persister } from './persister.ts'
import type { StoredCall, StoredProcess } from './rows.ts'
import type { StepRecord } from './writes.ts'

/*
 * What an engine needs of the place where processes live; a client needs only its `Control`.
 *
 * Everything is asynchronous and batched: no caller may assume that a commit is synchronous or
 * local. Every back end keeps these invariants (test/persistence/store-suite.ts runs them on each):
 *
 * 1. `commit` answers each write. A refused write affects no other, and a write that was answered
 *    `done` is durable.
 * 2. A write of a running process applies only under the fence of its claim and with the next
 *    sequence number (C4). The same write twice is `done` twice.
 * 3. No write leaves a terminal state (C5). Once a kill is stored, the process can only end as
 *    `killed`.
 * 4. A resume, a signal, a time or the end of other processes makes the waiting process ready
 *    whether it came before, during or after the wait began (C8).
 * 5. A process that waits and is paused does not move until it is played: it makes no record and no
 *    transition, and only a kill ends it (C7).
 * 6. `claim` gives a process to one engine at a time, and only to an engine that can load it (C9) and
 *    has the label that it asks for.
 * 7. The result of a process is not dropped while a process that has not ended may still take it
 *    (`rules/result-dropping.ts`).
 */

/**
 * The user's own rows in the database of a store (`this.transaction`): a step record is stored in
 * one transaction with what the user writes. Depending on `kind`, the user's function runs within
 * one call, or between two.
 */
export type Transactions =
  | {
      readonly kind: 'sqlite'
      /**
       * Calls `act` within a transaction, and stores the record that it returns in the same one. With an
       * outcome other than `done`, or if `act` throws, nothing is stored. If the store has the record
       * already, answers `done` without calling `act`.
       */
      run(head: RecordHead, act: (tx: SqliteTransaction) => StepRecord): Promise<Outcome>
    }
  | {
      readonly kind: 'postgres'
      begin(): Promise<OpenTransaction>
    }

/** A transaction on Postgres that has begun. It ends with `commit` or with `rollback`. */
export interface OpenTransaction {
  readonly tx: PostgresTransaction
  /**
   * Stores the record together with what was written. With an outcome other than `done`, nothing is stored.
   *
   * @throws PersistenceError if the transaction is lost and the function must run again
   */
  commit(record: StepRecord): Promise<Outcome>
  rollback(): Promise<void>
  /** Whether a statement has failed because the connection broke or others were in the way. */
  readonly isLost: boolean
}

/** What identifies a step record among those of its process. */
export type RecordHead = Pick<StepRecord, 'kind' | 'pid' | 'fence' | 'count' | 'seq' | 'crashedActor'>

/** A `Control` that can also hand out processes to run. */
export interface Store extends Control, Persister {
  /**
   * Registers an engine and keeps its lease alive, off the main thread where possible, until
   * `leave`.
   */
  join(engine: EngineIdentity): Promise<void>
  /**
   * Ends the registration and gives back the processes that the engine still holds. Counts as no
   * crash.
   */
  leave(engineId: string): Promise<void>
  /** Registers classes that can be launched by name. */
  describe(classes: readonly ClassRow[]): Promise<void>
  /** The classes and versions of the processes that want to run, now or at a time to come. */
  wanted(): Promise<readonly LoadableClass[]>
  /**
   * Hands out up to `limit` ready processes, each under a new fence. The process that has been
   * ready longest comes first, whatever its class; of those that became ready at the same time, the
   * one that was created first.
   */
  claim(request: ClaimRequest): Promise<readonly ClaimedProcess[]>
  /**
   * The next calls that an actor may run, in their order, at most `LARGEST_LOAD`; none of `except`.
   * The claim of the actor is the right to run them.
   */
  calls(actor: string, limit: number, except: readonly string[]): Promise<readonly StoredCall[]>
  /**
   * Whether this engine must start nothing until it runs nothing, so that a suspect that it can run
   * runs there alone. The store chooses at most one engine at a time, and only if no engine has
   * taken a suspect for a minute. When the draining engine calls it again, returns whether it must
   * continue to drain, for at most a minute.
   */
  drain(request: Pick<ClaimRequest, 'engine' | 'classes' | 'labels'>): Promise<boolean>
  /**
   * Takes back the processes of engines whose program has ended or whose lease has expired, and
   * counts the crash for each. Unregisters those engines. Carries out the kills whose deadline has
   * passed. Reports when to call it again at the latest. Cheap when there is nothing to do.
   *
   * With `runs`, the report covers only what an engine with these classes and labels can run.
   */
  recover(runs?: Capabilities): Promise<Recovered>
  /**
   * Ends the sessions whose program has died. Returns at most `limit` processes whose results are due to
   * be dropped (`DropDue`). Cheap when there is nothing to do.
   */
  dueResults(limit: number): Promise<DueResults>
  /** Undefined for a store that has no place for rows of the user. */
  readonly transactions?: Transactions | undefined
}

export interface ClaimRequest extends Capabilities {
  readonly engine: string
  readonly limit: number
  /**
   * `false`: claims only processes with fewer than two crashes since their last commit. `true`:
   * claims only suspects, which have two crashes or more and must run alone (C11). The row notes
   * that.
   */
  readonly suspects: boolean
  /** A process that has run alone until now. A claim ends that (C11). */
  readonly beside?: string | undefined
}

export interface ClaimedProcess extends Omit<StoredProcess, 'before'> {
  readonly fence: number
  /**
   * What ended the wait of a waiting process. Of several, the first of: a resume, the end of the
   * processes that it waits for, a signal, its time. Null if it was claimed because its deadline
   * has passed.
   */
  readonly wake: StoredWakeUp | null
  /** Whether the process was played since an engine last ran it. */
  readonly played: boolean
}

/** The report of `recover`. Times are in wall-clock milliseconds. */
export interface Recovered {
  /** The number of processes that were taken back from dead engines. */
  readonly processes: number
  /** Whether any process is ready, suspects aside. */
  readonly ready: boolean
  /** Whether any suspect is ready. */
  readonly suspects: boolean
  /** The next deadline of a stored kill, or timeout of a call that waits for others, of any class. */
  readonly nextDeadline: number | null
  /** When the next sleeping process becomes ready. */
  readonly nextDue: number | null
}

/** What ended a wait, as it is stored. */
export interface StoredWakeUp {
  readonly by: WakeUp['by']
  /** The kept message that the wake-up consumes; null for a timer and for handles. */
  readonly id: number | null
  /** The encoded value; null for a timer and for handles. */
  readonly value: string | null
}
