import type { Store } from '../persistence/store.ts'
import type { LoadableClass, ClaimedProcess } from '../persistence/store.ts'
import type { Logger } from '../shared/logger.ts'
import type { Run } from './run.ts'
import type { Waiting, WaitingRoom } from './waiting-room.ts'

/** What claiming needs of its engine. */
export interface ClaimsContext {
  readonly engine: string
  readonly store: Store
  /** What the engine can load so far. */
  readonly classes: () => readonly LoadableClass[]
  readonly concurrency: number
  readonly logger: Logger
  /** Runs a claimed process, or sets it aside and answers nothing; gives the slot back when it is over. */
  start(claimed: ClaimedProcess): Run | undefined
  /** What was launched here and has no slot so far. */
  readonly room: WaitingRoom
  begin(waiting: Waiting): Run
}

/**
 * Hands out the engine's slots: to launches here, at once or from the waiting room, and to what it claims from the store.
 *
 * 1. No more steps are in flight than there are slots; a claim never takes more processes than are free.
 * 2. Nothing is polled: a claim is made when the store told of something ready, or the last one left some behind.
 * 3. While there are suspects (C11), nothing else is started until one of them has run alone and got a step further. One that
 *    only waits for another process does not run: what it waits for may be a suspect itself.
 * 4. What has waited longest comes first. The waiting room is served only while nothing else is known to be ready; a claim, which goes
 *    by the order of the store, tells so when all that it gets is from there. Beside a suspect everything is claimed.
 */
export class Claims {
  readonly #context: ClaimsContext
  #free: number
  /** Whether there may be something to claim. */
  #more = false
  #suspects = false
  /** The suspect that runs alone. */
  #alone: Run | undefined
  /** The last one that was begun out of the waiting room, until that is committed. */
  #last: Run | undefined
  #claiming: Promise<void> | undefined
  #scheduled = false
  #stopped = false

  constructor(context: ClaimsContext) {
    this.#context = context
    this.#free = context.concurrency
  }

  /** Takes a slot for a launch, if one is to be had. */
  take(): boolean {
    if (this.#stopped || this.#suspects || this.#alone !== undefined || this.#free <= 0) return false
    this.#free--
    return true
  }

  giveBack(): void {
    this.#free++
    this.#pump()
  }

  /** A run is over. */
  ended(run: Run): void {
    if (this.#alone === run) this.#alone = undefined
    this.#lookBehind(run)
    if (!run.lent) this.#free++
    run.lent = false
    this.#pump()
  }

  /** A run got a step further: if it ran alone for being a suspect, it is none any more. */
  committed(run: Run): void {
    this.#lookBehind(run)
    if (this.#alone !== run) return
    this.#alone = undefined
    this.#pump()
  }

  /** Its step only waits: its slot is free until `takeBack`. */
  lend(run: Run): void {
    if (run.lent || run.over) return
    run.lent = true
    this.#free++
    this.#pump()
  }

  takeBack(run: Run): void {
    if (!run.lent) return
    run.lent = false
    // It may go below zero for a moment: a step that has begun is not held up, and nothing new is started meanwhile.
    this.#free--
  }

  /** A launch is in the waiting room. */
  waits(): void {
    // Beside one that ran alone it has to be claimed, so that this is noted (C11).
    if (this.#alone !== undefined) this.#more = true
    this.#pump()
  }

  /** Something may be ready. */
  more(): void {
    this.#more = true
    this.#pump()
  }

  /** What the last look at the store said of suspects. */
  look(suspects: boolean): void {
    this.#suspects = suspects
    this.more()
  }

  stop(): void {
    this.#stopped = true
  }

  /** Resolves when no claim is under way. */
  async settled(): Promise<void> {
    await this.#claiming
  }

  /** Claims after the callbacks of this turn, so that all slots that they free are filled by one claim. */
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
          this.#pump()
        },
        (error: unknown) => {
          // The next look at the store, within a second, tries again.
          this.#claiming = undefined
          this.#context.logger.error({ err: error, engine: this.#context.engine }, 'nothing could be claimed')
        },
      )
    })
  }

  #mayBegin(): boolean {
    const busy = this.#stopped || this.#claiming !== undefined || this.#free <= 0
    return !busy && !this.#more && !this.#suspects && this.#alone === undefined
  }

  #begin(): boolean {
    const { room } = this.#context
    const waiting = room.next()
    if (waiting === undefined) return false
    this.#free--
    const run = this.#context.begin(waiting)
    if (room.isEmpty) this.#last = run
    return true
  }

  /** When the room has become empty, there may be what found no place in it. Not before all that was there is claimed. */
  #lookBehind(run: Run): void {
    if (this.#last !== run) return
    this.#last = undefined
    this.#more = true
    this.#pump()
  }

  #mayClaim(): boolean {
    if (this.#stopped || this.#claiming !== undefined || this.#free <= 0) return false
    if (this.#alone !== undefined && !this.#alone.lent) return false
    return this.#suspects ? this.#free === this.#context.concurrency : this.#more
  }

  async #claim(): Promise<void> {
    const { engine, store, classes } = this.#context
    const suspects = this.#suspects
    const limit = suspects ? 1 : this.#free
    this.#free -= limit
    this.#more = false
    let claimed: readonly ClaimedProcess[] = []
    try {
      claimed = await store.claim({
        engine,
        classes: classes(),
        limit,
        suspects,
        beside: this.#alone?.process.pid,
      })
    } catch (error) {
      this.#more = true
      throw error
    } finally {
      this.#free += limit - claimed.length
    }
    if (suspects) this.#suspects = claimed.length > 0
    const { room } = this.#context
    const mayBegin = this.#alone === undefined && claimed.every(({ row }) => room.has(row.pid))
    if ((claimed.length === limit && !mayBegin) || suspects) this.#more = true
    // The engine that is closing gives them back when it leaves.
    if (this.#stopped) return
    for (const one of claimed) {
      const run = this.#context.start(one)
      if (suspects) this.#alone = run
    }
  }
}
