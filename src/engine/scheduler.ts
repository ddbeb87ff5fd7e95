import type { LoadableClass } from '../persistence/contract/engines.ts'
import type { ClaimedProcess, Store } from '../persistence/contract/store.ts'
import type { Clock } from '../shared/clock.ts'
import type { Logger } from '../shared/logger.ts'
import type { QueuedLaunch, LaunchQueue } from './launch-queue.ts'
import {
  initialState,
  leavesSomeBehind,
  mayClaim,
  mayDrain,
  startsAtOnce,
  startsQueued,
  takesSuspect,
  turnAfterSuspect,
  type Occupant,
  type SchedulingState,
} from './scheduling.ts'
import { setImmediate } from '../shared/timers.ts'

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
  /** The most steps in flight. */
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
 * 4. The process that has waited longest starts first, independent of its launcher. The order is
 *    that of the store (`ready_at`, then the row), and a claim keeps it. The launch queue is in the
 *    same order. The scheduler starts queued launches without a claim while it knows of no other
 *    ready process. After a report of one, it claims until a claim leaves nothing behind. While a
 *    suspect runs, every process is claimed.
 * 5. A launch starts at once only if no other process waits for its slot: each process that may be
 *    ready in the store gets a slot first, and the launch queue is empty.
 */
export class Scheduler {
  readonly #options: SchedulerOptions
  /** The classes that the engine can load so far. */
  #classes: readonly LoadableClass[] = []
  #starter: Starter | undefined
  readonly #state: SchedulingState
  /** How many claims have been made. */
  #claimCount = 0
  /** Whether the store knows that other steps run at the same time as the suspect that runs alone. */
  #accompanied = false
  /** Whether the claim under way is for a suspect. */
  #claimsSuspect = false
  #claiming: Promise<void> | undefined
  #scheduled = false

  constructor(options: SchedulerOptions) {
    this.#options = options
    this.#state = initialState(options.concurrency)
  }

  /** Connects the starter, which is built after the scheduler. */
  connect(starter: Starter): void {
    this.#starter = starter
  }

  /** Sets the classes whose processes are claimed from now on. */
  claimClasses(classes: readonly LoadableClass[]): void {
    this.#classes = classes
  }

  /** Takes a slot for a launch, if one is free for it (rule 5). */
  takeSlot(): boolean {
    const { clock, queue } = this.#options
    if (!startsAtOnce(this.#state, queue.isEmpty, clock.now())) return false
    this.#state.free--
    return true
  }

  giveBackSlot(): void {
    this.#state.free++
    this.#pump()
  }

  /** Call it when an execution is over. */
  executionEnded(execution: Occupant): void {
    if (this.#state.alone === execution) this.#wasAlone()
    if (!execution.slotLent) this.#state.free++
    execution.slotLent = false
    this.#pump()
  }

  /**
   * Call it when an execution has committed a transition. A suspect that ran alone is then no
   * longer one.
   */
  executionCommitted(execution: Occupant): void {
    if (this.#state.alone !== execution) return
    this.#wasAlone()
    this.#pump()
  }

  /** Frees the slot of an execution whose step only waits, until `reclaimSlot`. */
  lendSlot(execution: Occupant): void {
    if (execution.slotLent || execution.over) return
    execution.slotLent = true
    this.#state.free++
    this.#pump()
  }

  reclaimSlot(execution: Occupant): void {
    if (!execution.slotLent) return
    execution.slotLent = false
    // The number may go below zero for a moment. A step that has begun is not held up, and nothing
    // new starts meanwhile.
    this.#state.free--
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
    const { pid } = this.#state.alone?.process ?? {}
    const isAlone = this.#state.alone === execution || this.#state.alone === execution.holder
    return isAlone || this.#accompanied ? undefined : pid
  }

  /**
   * Call it when the store knows that another execution continues at the same time as this suspect.
   */
  markAccompanied(pid: string): void {
    if (this.#state.alone?.process.pid === pid) this.#accompanied = true
  }

  /** Call it when a launch in the queue is durable. */
  launchQueued(): void {
    // While a suspect runs, a launch must be claimed, so that the store knows that the suspect is
    // not alone (C11).
    if (this.#state.alone !== undefined) this.#state.unknown = true
    this.#pump()
  }

  /**
   * Call it before storing a launch that is not queued. Call the returned function when the store
   * has answered or failed.
   */
  launchStoring(): () => void {
    this.#state.storing++
    return () => {
      this.#state.storing--
      this.oneReady()
    }
  }

  /** One more process is ready, or may be. */
  oneReady(): void {
    this.#state.announced++
    this.#pump()
  }

  /** Any number of processes may be ready, because a time has passed. */
  manyReady(): void {
    this.#state.unknown = true
    this.#pump()
  }

  /** How many claims have been made, for `ScanResult.since`. */
  get claimCount(): number {
    return this.#claimCount
  }

  /** Whether this engine would drain for a suspect. */
  get mayDrain(): boolean {
    return mayDrain(this.#state, this.#options.clock.now())
  }

  /** Handles the result of a scan. */
  scanned({ ready, suspects, drains, since }: ScanResult): void {
    this.#state.suspects = suspects
    if (drains !== this.#state.drains && this.#state.alone === undefined) {
      if (drains) this.#state.since = this.#options.clock.now()
      else this.#giveTurn()
      this.#state.drains = drains
    }
    this.#state.foundReady = ready
    // Everything that became ready after the scan was reported by the store. Only a claim since
    // then may have left some behind.
    if (!ready && since === this.#claimCount) this.#state.unknown = false
    this.#pump()
  }

  stop(): void {
    this.#state.stopped = true
  }

  /** Resolves when no claim is under way. */
  async settled(): Promise<void> {
    await this.#claiming
  }

  /** Claims after the callbacks of this turn, so that one claim fills all slots that they free. */
  #pump(): void {
    while (this.#startsQueued() && this.#begin());
    if (this.#scheduled || !this.#mayClaim()) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      if (!this.#mayClaim()) return
      this.#state.claiming = true
      this.#claiming = this.#claim().then(
        () => {
          this.#claimEnded()
          this.#pump()
        },
        (error: unknown) => {
          // The next scan, within a second, tries again.
          this.#claimEnded()
          this.#options.logger.error({ err: error, engine: this.#options.engine }, 'nothing could be claimed')
        },
      )
    })
  }

  #startsQueued(): boolean {
    const { clock, queue } = this.#options
    return startsQueued(this.#state, queue.isEmpty, clock.now())
  }

  #mayClaim(): boolean {
    const { clock, queue } = this.#options
    return mayClaim(this.#state, queue.isEmpty, clock.now())
  }

  #claimEnded(): void {
    this.#state.claiming = false
    this.#claiming = undefined
    this.#claimsSuspect = false
  }

  #begin(): boolean {
    const { queue } = this.#options
    const launch = queue.next()
    if (launch === undefined) return false
    this.#state.free--
    if (this.#starter?.begin(launch) !== undefined) return true
    this.#state.free++
    this.#state.announced++
    return false
  }

  #wasAlone(): void {
    this.#state.alone = undefined
    this.#state.drains = false
    this.#giveTurn()
  }

  /** Other work starts for as long as it has waited. */
  #giveTurn(): void {
    this.#state.turn = turnAfterSuspect(this.#state, this.#options.clock.now())
  }

  async #claim(): Promise<void> {
    const state = this.#state
    const { clock, engine, labels, queue, store } = this.#options
    const suspects = takesSuspect(state, queue.isEmpty, clock.now())
    const limit = suspects ? 1 : state.free
    state.free -= limit
    this.#claimsSuspect = suspects
    this.#claimCount++
    const isKnown = state.unknown || state.announced > 0
    if (!suspects) {
      state.announced = 0
      state.unknown = false
      state.foundReady = false
    }
    let claimed: readonly ClaimedProcess[] = []
    try {
      claimed = await store.claim({
        engine,
        classes: this.#classes,
        labels,
        limit,
        suspects,
        beside: state.alone?.process.pid,
      })
    } catch (error) {
      state.unknown = true
      throw error
    } finally {
      state.free += limit - claimed.length
    }
    if (suspects) {
      state.suspects = claimed.length > 0
      if (!state.drains) state.since = clock.now()
      if (claimed.length === 0) state.drains = false
    } else {
      const queued = claimed.map(({ row }) => queue.has(row.pid))
      if (leavesSomeBehind(state, { isKnown, limit, queued })) state.unknown = true
    }
    // A closing engine gives these claims back when it leaves.
    if (state.stopped) return
    for (const one of claimed) {
      const execution = this.#starter?.resume(one)
      if (!suspects) continue
      state.alone = await execution
      this.#accompanied = false
    }
  }
}
