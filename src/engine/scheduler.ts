/* This file is longer than 400 lines, because all its rules share the counts of slots and of what is ready. */
import type { LoadableClass } from '../persistence/contract/engines.ts'
import type { ClaimedProcess, Store } from '../persistence/contract/store.ts'
import { SUSPECT_PATIENCE } from '../persistence/rules/drain.ts'
import type { Clock } from '../shared/clock.ts'
import type { Logger } from '../shared/logger.ts'
import type { QueuedLaunch, LaunchQueue } from './launch-queue.ts'
import { setImmediate } from '../shared/timers.ts'

/** What takes a slot: the execution of a process, or the run of an actor. */
export interface Occupant {
  readonly process: { readonly pid: string }
  /** Whether nothing more of it runs here. */
  readonly over: boolean
  /** Whether others may use its slot, because it only waits. */
  slotLent: boolean
  /** The run of the actor that has the slot, for one of its calls. */
  readonly holder?: { slotLent: boolean } | undefined
}

/** Starts the processes to which the scheduler has given a slot. */
export interface Starter {
  /**
   * Continues a claimed process. Returns undefined if the process can't be loaded and is parked;
   * its slot is then given back. A promise where values of other processes are read first; it never
   * rejects.
   */
  resume(claimed: ClaimedProcess): Occupant | undefined | Promise<Occupant | undefined>
  /** Starts a launch that was queued here. Returns undefined if it has to be claimed instead. */
  begin(launch: QueuedLaunch): Occupant | undefined
}

export interface SchedulerOptions {
  /** The id of the engine. */
  readonly engine: string
  readonly store: Store
  /** How many steps may be in flight. */
  readonly concurrency: number
  readonly labels: readonly string[]
  readonly clock: Clock
  readonly logger: Logger
  /** The launches of this engine that wait for a slot. */
  readonly queue: LaunchQueue
}

/** What a scan of the store has found. */
export interface ScanResult {
  /** Whether anything is ready, suspects aside. */
  readonly ready: boolean
  /** Whether a suspect is ready. */
  readonly suspects: boolean
  /** Whether the store has chosen this engine to drain for a suspect. */
  readonly drains: boolean
  /** `claimCount` when the scan began. */
  readonly since: number
}

/**
 * Hands out the engine's slots: to launches here, at once or from the launch queue, and to
 * processes that it claims from the store.
 *
 * 1. No more steps are in flight than there are slots, and a claim never takes more processes than
 *    there are free slots.
 * 2. Nothing is polled. The scheduler claims when the store has reported something ready, or when
 *    the last claim left some behind.
 * 3. A suspect (C11) starts only while nothing runs here, and nothing else starts until the suspect
 *    has committed a step. A suspect whose step only waits does not hold up others, since it may
 *    wait for another suspect. Suspects hold up no other work, unless the store has chosen this
 *    engine to drain for them. After a suspect, other work has its turn for as long as the suspect
 *    had kept it waiting.
 * 4. The process that has waited longest starts first, whoever launched it. The order is that of
 *    the store (`ready_at`, then the row), and a claim keeps it. The launch queue is in the same
 *    order. The scheduler starts queued launches without a claim while it knows of no other ready
 *    process. After a report of one, it claims until a claim leaves nothing behind. While a suspect
 *    runs, every process is claimed.
 * 5. A launch starts at once only if no other process waits for its slot: each process that may be
 *    ready in the store gets a slot first, and the launch queue is empty.
 */
export class Scheduler {
  readonly #options: SchedulerOptions
  /** The classes that the engine can load so far. */
  #classes: readonly LoadableClass[] = []
  #starter: Starter | undefined
  #free: number
  /**
   * How many processes were reported ready since the last claim, besides those in the launch queue.
   */
  #announced = 0
  /**
   * Whether an unknown number of further processes may be ready: before the first scan, and after a
   * claim that left some behind.
   */
  #unknown = true
  /**
   * Whether the last scan found something ready, which may include processes that were never
   * reported.
   */
  #foundReady = false
  /** How many claims have been made. */
  #claimCount = 0
  /** Launches that are being stored and are not in the launch queue. */
  #storing = 0
  #suspects = false
  /**
   * Whether the store has chosen this engine to drain. While steps still run, nothing new starts.
   */
  #drains = false
  /** The suspect that runs alone. */
  #alone: Occupant | undefined
  /** Whether the store knows that other steps run at the same time as that suspect. */
  #accompanied = false
  /** Whether the claim under way is for a suspect. */
  #claimsSuspect = false
  /** The time since which other work waits for a suspect. */
  #since = 0
  /** The time until which other work has its turn. */
  #turn = 0
  #claiming: Promise<void> | undefined
  #scheduled = false
  #stopped = false

  constructor(options: SchedulerOptions) {
    this.#options = options
    this.#free = options.concurrency
  }

  /** Connects the starter, which is built after the scheduler. */
  connect(starter: Starter): void {
    this.#starter = starter
  }

  /** From now on processes of these classes are claimed. */
  claimClasses(classes: readonly LoadableClass[]): void {
    this.#classes = classes
  }

  /** Takes a slot for a launch, if one is free for it (rule 5). */
  takeSlot(): boolean {
    if (this.#stopped || this.#drains || this.#alone !== undefined || this.#takesSuspect) return false
    const isFirst = this.#claiming === undefined && this.#storing === 0 && this.#options.queue.isEmpty
    if (!isFirst || this.#unknown || this.#free <= this.#announced) return false
    this.#free--
    return true
  }

  giveBackSlot(): void {
    this.#free++
    this.#pump()
  }

  /** Call it when an execution is over. */
  executionEnded(execution: Occupant): void {
    if (this.#alone === execution) this.#wasAlone()
    if (!execution.slotLent) this.#free++
    execution.slotLent = false
    this.#pump()
  }

  /**
   * Call it when an execution has committed a transition. A suspect that ran alone is then no
   * longer one.
   */
  executionCommitted(execution: Occupant): void {
    if (this.#alone !== execution) return
    this.#wasAlone()
    this.#pump()
  }

  /** Frees the slot of an execution whose step only waits, until `reclaimSlot`. */
  lendSlot(execution: Occupant): void {
    if (execution.slotLent || execution.over) return
    execution.slotLent = true
    this.#free++
    this.#pump()
  }

  reclaimSlot(execution: Occupant): void {
    if (!execution.slotLent) return
    execution.slotLent = false
    // The number may go below zero for a moment. A step that has begun is not held up, and nothing
    // new starts meanwhile.
    this.#free--
  }

  /**
   * The claim of a suspect while it is under way; undefined otherwise. Resolves when the claim has
   * been answered.
   */
  get suspectClaim(): Promise<void> | undefined {
    return this.#claimsSuspect ? this.#claiming : undefined
  }

  /**
   * The suspect that the store believes to run alone, although this execution continues at the same
   * time.
   */
  suspectBeside(execution: Occupant): string | undefined {
    const { pid } = this.#alone?.process ?? {}
    const isAlone = this.#alone === execution || this.#alone === execution.holder
    return isAlone || this.#accompanied ? undefined : pid
  }

  /**
   * Call it when the store knows that another execution continues at the same time as this suspect.
   */
  markAccompanied(pid: string): void {
    if (this.#alone?.process.pid === pid) this.#accompanied = true
  }

  /** Call it when a launch in the queue is durable. */
  launchQueued(): void {
    // While a suspect runs, a launch must be claimed, so that the store knows that the suspect is
    // not alone (C11).
    if (this.#alone !== undefined) this.#unknown = true
    this.#pump()
  }

  /**
   * Call it before storing a launch that is not queued. Call the returned function when the store
   * has answered or failed.
   */
  launchStoring(): () => void {
    this.#storing++
    return () => {
      this.#storing--
      this.oneReady()
    }
  }

  /** One more process is ready, or may be. */
  oneReady(): void {
    this.#announced++
    this.#pump()
  }

  /** Any number may be ready, since a time has come. */
  manyReady(): void {
    this.#unknown = true
    this.#pump()
  }

  /** How many claims have been made, for `ScanResult.since`. */
  get claimCount(): number {
    return this.#claimCount
  }

  /**
   * Whether this engine would drain for a suspect: other work has had its turn, and has not waited
   * for too long.
   */
  get mayDrain(): boolean {
    const now = this.#options.clock.now()
    if (this.#alone !== undefined) return false
    if (this.#drains) return now < this.#since + SUSPECT_PATIENCE
    return this.#free < this.#options.concurrency && now >= this.#turn
  }

  /** Handles the result of a scan. */
  scanned({ ready, suspects, drains, since }: ScanResult): void {
    this.#suspects = suspects
    if (drains !== this.#drains && this.#alone === undefined) {
      if (drains) this.#since = this.#options.clock.now()
      else this.#giveTurn()
      this.#drains = drains
    }
    this.#foundReady = ready
    // Everything that became ready after the scan was reported by the store. Only a claim since
    // then may have left some behind.
    if (!ready && since === this.#claimCount) this.#unknown = false
    this.#pump()
  }

  stop(): void {
    this.#stopped = true
  }

  /** Resolves when no claim is under way. */
  async settled(): Promise<void> {
    await this.#claiming
  }

  /** Claims after the callbacks of this turn, so that one claim fills all slots that they free. */
  #pump(): void {
    while (this.#mayBegin() && this.#begin());
    if (this.#scheduled || !this.#mayClaim()) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      if (!this.#mayClaim()) return
      this.#claiming = this.#claim().then(
        () => {
          this.#claiming = undefined
          this.#claimsSuspect = false
          this.#pump()
        },
        (error: unknown) => {
          // The next scan, within a second, tries again.
          this.#claiming = undefined
          this.#claimsSuspect = false
          this.#options.logger.error({ err: error, engine: this.#options.engine }, 'nothing could be claimed')
        },
      )
    })
  }

  #mayBegin(): boolean {
    const busy = this.#stopped || this.#claiming !== undefined || this.#free <= 0
    return !busy && !this.#mayFind && !this.#drains && !this.#takesSuspect && this.#alone === undefined
  }

  #begin(): boolean {
    const { queue } = this.#options
    const launch = queue.next()
    if (launch === undefined) return false
    this.#free--
    if (this.#starter?.begin(launch) !== undefined) return true
    this.#free++
    this.#announced++
    return false
  }

  /**
   * Whether a suspect comes next: nothing else runs here, and no other work is ready or has its
   * turn.
   */
  get #takesSuspect(): boolean {
    const { clock, concurrency, queue } = this.#options
    if (!this.#suspects || this.#free < concurrency) return false
    return (
      this.#drains ||
      this.#alone !== undefined ||
      (!this.#mayFind && queue.isEmpty) ||
      clock.now() >= this.#turn
    )
  }

  #wasAlone(): void {
    this.#alone = undefined
    this.#drains = false
    this.#giveTurn()
  }

  /** Other work starts for as long as it has waited. */
  #giveTurn(): void {
    const now = this.#options.clock.now()
    this.#turn = now + (now - this.#since)
  }

  get #mayFind(): boolean {
    return this.#foundReady || this.#unknown || this.#announced > 0
  }

  #mayClaim(): boolean {
    if (this.#stopped || this.#claiming !== undefined || this.#free <= 0) return false
    if (this.#alone !== undefined && !this.#alone.slotLent) return false
    if (this.#takesSuspect) return true
    return this.#mayFind && !(this.#drains && this.#alone === undefined)
  }

  async #claim(): Promise<void> {
    const { engine, store } = this.#options
    const suspects = this.#takesSuspect
    const limit = suspects ? 1 : this.#free
    this.#free -= limit
    this.#claimsSuspect = suspects
    this.#claimCount++
    const isKnown = this.#unknown || this.#announced > 0
    if (!suspects) {
      this.#announced = 0
      this.#unknown = false
      this.#foundReady = false
    }
    let claimed: readonly ClaimedProcess[] = []
    try {
      claimed = await store.claim({
        engine,
        classes: this.#classes,
        labels: this.#options.labels,
        limit,
        suspects,
        beside: this.#alone?.process.pid,
      })
    } catch (error) {
      this.#unknown = true
      throw error
    } finally {
      this.#free += limit - claimed.length
    }
    if (suspects) {
      this.#suspects = claimed.length > 0
      if (!this.#drains) this.#since = this.#options.clock.now()
      if (claimed.length === 0) this.#drains = false
    }
    const { queue } = this.#options
    // A claim that follows no report brings news only if it finds a process that is not in the
    // launch queue.
    const isNews = isKnown || this.#alone !== undefined || !claimed.every(({ row }) => queue.has(row.pid))
    if (!suspects && claimed.length === limit && isNews) this.#unknown = true
    // A closing engine gives these claims back when it leaves.
    if (this.#stopped) return
    for (const one of claimed) {
      const execution = this.#starter?.resume(one)
      if (!suspects) continue
      this.#alone = await execution
      this.#accompanied = false
    }
  }
}
