import { encodeEvent } from '../persistence/contract/event-codec.ts'
import type { Held, Outcome } from '../persistence/contract/outcomes.ts'
import type { StoredCall } from '../persistence/contract/rows.ts'
import type { ClaimedProcess } from '../persistence/contract/store.ts'
import type { ServeCalls } from '../persistence/contract/writes.ts'
import type { ActorObject, AnyActorClass } from '../process/actor/actor-class.ts'
import { killedStateText } from '../process/state/saved-state.ts'
import { errorText } from '../shared/error-text.ts'
import { ClosedError } from '../shared/errors.ts'
import { endOfTurn, setImmediate } from '../shared/timers.ts'
import { ActorState } from './actor-state.ts'
import { CALLS_AT_A_TIME, CallQueue } from './call-queue.ts'
import { CallEnds } from './call-ends.ts'
import { CallRun } from './call-run.ts'
import type { CalledActor, CallEnd, CallParts, LiveCall } from './called-actor.ts'
import { claimLost, endedElsewhere } from './stop-reasons.ts'
import { untilRead } from './store-reader.ts'
import { failureEnd } from './writes.ts'

const LONGEST_TURN = 5 // ms of calls, after which everything else has its turn

/**
 * Runs the calls of one actor, under one claim of it.
 *
 * 1. One call runs at a time, in the order of the store. The next one may start before the end of
 *    the previous one is durable (the exception to C3), but takes no named action before that.
 * 2. The ends of several calls and the state after the last of them are one write, under the fence and
 *    the sequence number of the actor (C4). One such write is in flight at a time.
 * 3. If the store holds the write because one of these calls was killed, that call and all later
 *    ones are undone here, and the later ones run again from the state before it (C5).
 * 4. The claim is given back with the write after which no call may run. The store decides that, so
 *    that no call is missed (C8). The actor then leaves memory.
 */
export class ActorRun implements CalledActor {
  readonly pid: string
  readonly process: { readonly pid: string }
  slotLent = false
  over = false
  readonly fence: number
  readonly retries: number
  hasCrashed: boolean
  readonly #parts: CallParts
  readonly #claimed: ClaimedProcess
  #seq: number
  readonly #state: ActorState
  readonly #queue: CallQueue
  /** The calls that have begun here and whose ends are not durable. */
  readonly #live = new Set<LiveCall>()
  #current: CallRun | undefined
  readonly #ends = new CallEnds(() => void this.#send(false))
  /** Pending while the instance is made from an earlier state. */
  #undoing: Promise<void> | undefined
  #pausing = false
  #killing: { readonly message: string | null } | undefined
  /** Whether the claim was given back. */
  #released = false
  /** Whether this engine may write nothing more for the actor. */
  #lost = false
  #turnBegan = 0

  constructor(claimed: ClaimedProcess, actorClass: AnyActorClass, parts: CallParts) {
    const { row } = claimed
    this.pid = row.pid
    this.process = { pid: row.pid }
    this.fence = claimed.fence
    this.hasCrashed = row.crashes > 0
    this.#state = new ActorState(actorClass, parts.engine.codec)
    this.#queue = new CallQueue(row.pid, parts.engine)
    this.#parts = parts
    this.#claimed = claimed
    this.#seq = row.seq
    const { launch } = claimed.bundle().parts
    this.retries = launch === undefined ? 0 : ((JSON.parse(launch) as { retries?: number }).retries ?? 0)
  }

  get object(): ActorObject {
    return this.#state.object
  }

  get fields(): string {
    return this.#state.fields
  }

  // ---------- notifications ----------

  /** A call was added, or may run now. */
  called(): void {
    this.#queue.changed()
  }

  /** The actor is to be paused after the present call. */
  pause(): void {
    this.#pausing = true
  }

  kill(message: string | null): void {
    this.#killing ??= { message }
    this.#current?.kill(message ?? undefined)
  }

  /** The actor no longer belongs to this engine, so nothing more of it runs or is written here. */
  lose(reason: Error): void {
    if (this.#lost) return
    this.#lost = true
    for (const call of this.#live) call.stop(reason)
    this.#live.clear()
    for (const { answered } of this.#ends.replace()) answered(FENCED)
  }

  // ---------- running ----------

  /** Runs the calls until none may run, or this engine has to stop. Never rejects. */
  async run(): Promise<void> {
    try {
      if (await this.#begin()) await this.#serve()
    } catch (error) {
      await this.fail(error)
    }
    this.over = true
  }

  /** Constructs the actor, or loads it. Returns whether its calls may run. */
  async #begin(): Promise<boolean> {
    const { row } = this.#claimed
    const { parts } = this.#claimed.bundle()
    if (row.killRequested !== null) this.kill(row.killRequested.message)
    if (row.pauseRequested !== null) this.#pausing = true
    const given = parts['parsed'] ?? parts['inputs'] ?? '{}'
    if (row.state !== 'created') {
      await this.#state.load(given, parts['memory'] ?? '{}')
      return true
    }
    const gathered = row.upstream === null ? undefined : await this.#parts.gathering.gather(this.#claimed)
    if (row.upstream !== null && gathered === undefined) return this.#giveBack()
    if (gathered?.starts === false) return this.#except(gathered.error)
    try {
      await this.#state.construct(given, gathered?.inputs)
    } catch (error) {
      return this.#except(error)
    }
    return true
  }

  async #serve(): Promise<void> {
    const { engine, control } = this.#parts
    while (!this.#lost && !this.#released) {
      if (this.#undoing !== undefined) await this.#undoing
      else if (this.#killing !== undefined) await this.#kill(this.#killing.message)
      else if (control.draining !== undefined) return this.#drain()
      else {
        const next = this.#pausing
          ? undefined
          : await this.#queue.take(this.#live, (read) => this.#read(read))
        if (next === undefined) await this.#rest()
        else if (!this.#lost && this.#undoing === undefined) await this.#call(next)
        else this.#queue.clear()
      }
      if (this.#ends.length < CALLS_AT_A_TIME && engine.clock.now() - this.#turnBegan < LONGEST_TURN) continue
      await endOfTurn()
      this.#turnBegan = engine.clock.now()
      if (this.#ends.length >= CALLS_AT_A_TIME) await this.#send(false)
    }
  }

  async #call(stored: StoredCall): Promise<void> {
    const call = new CallRun(this, stored, this.#parts)
    this.#live.add(call)
    this.#current = call
    // The construction is stored in this turn, with the call if that has ended by then.
    if (!this.#state.isStored) setImmediate(() => void this.#send(false))
    await call.run()
    this.#current = undefined
    // The call was killed, or ended elsewhere, and may have changed the instance.
    if (!call.isLost || this.#lost || this.#undoing !== undefined) return
    this.#live.delete(call)
    this.#queue.changed()
    await this.undo()
  }

  /** No call may run: gives the claim back. */
  async #rest(): Promise<void> {
    // A call that was killed meanwhile must still end.
    if (this.#live.size > this.#ends.length && this.#ends.sending === undefined) await endOfTurn()
    else await this.#send(true)
    this.#pausing = false
  }

  // ---------- for its calls ----------

  undo(): Promise<void> {
    return this.#state.undo()
  }

  ended(end: CallEnd): void {
    if (this.#lost || end.call.isLost) {
      end.answered(FENCED)
      return
    }
    this.#state.advance(end.fields)
    this.#ends.add(end)
  }

  get isFlushed(): boolean {
    return this.#ends.length === 0 && this.#ends.sending === undefined && this.#state.isStored
  }

  async flush(): Promise<void> {
    while (!this.isFlushed && !this.#lost) await this.#send(false)
    if (this.#lost) throw claimLost(this.pid)
  }

  async fail(error: unknown): Promise<void> {
    const { engine, control } = this.#parts
    const isClosing = error instanceof ClosedError && control.draining !== undefined
    if (this.#lost || this.#released || isClosing) return
    engine.logger.error({ err: error, pid: this.pid }, 'an actor cannot be run and is parked')
    this.lose(claimLost(this.pid))
    const reason = errorText(error)
    try {
      await engine.commits.write({ kind: 'park', pid: this.pid, fence: this.fence, reason })
    } catch (failure) {
      engine.logger.error({ err: failure, pid: this.pid }, 'an actor could not be parked')
    }
  }

  // ---------- storing ----------

  /** Stores the waiting ends, after those that are being stored. With `releases`, gives the claim back. */
  async #send(releases: boolean): Promise<void> {
    while (this.#ends.sending !== undefined) await this.#ends.sending
    if (this.#lost || this.#released) return
    const ends = this.#ends.take()
    const gives = releases && this.#live.size === ends.length
    if (ends.length === 0 && !gives && this.#state.isStored) return
    await this.#ends.during(this.#store(ends, gives).catch((error: unknown) => this.fail(error)))
  }

  async #store(ends: readonly CallEnd[], releases: boolean): Promise<void> {
    const { engine } = this.#parts
    const { fields, parts } = this.#state.toStore(ends.at(-1)?.fields)
    const write: ServeCalls = {
      ...this.#write,
      parts,
      calls: ends.map((end) => end.write),
      releases,
      history: this.#state.isStored ? [] : [encodeEvent('waiting')],
    }
    let outcome: Outcome
    try {
      outcome = await engine.commits.write(write)
    } catch (error) {
      // It is not known whether the write is durable.
      this.lose(claimLost(this.pid))
      for (const { failed } of ends) failed(error)
      return
    }
    if (outcome.status === 'done') {
      this.#state.stored(fields)
      this.#ends.isCareful = false
      this.#done(ends, outcome.endedAt as number, releases, outcome.released === true)
    } else if (outcome.status === 'held') await this.#held(outcome, ends)
    else if (outcome.status === 'refused') await this.#refused(outcome.error, ends)
    else {
      this.lose(outcome.status === 'ended' ? endedElsewhere(this.pid, outcome.state) : claimLost(this.pid))
      for (const { answered } of ends) answered(FENCED)
    }
  }

  get #write() {
    const { fence, pid } = this
    const content = { parts: {}, calls: [], releases: true, ending: null }
    const seq = this.#seq + 1
    return { kind: 'calls', pid, fence, seq, owner: this.#parts.engine.id, ...content } as const
  }

  #done(ends: readonly CallEnd[], endedAt: number, releases: boolean, isReleased: boolean): void {
    this.#seq++
    this.hasCrashed = false
    this.#released = isReleased
    for (const { call } of ends) this.#live.delete(call)
    if (releases && !isReleased) this.#queue.changed()
    // A pause took effect: calls that ran after these run again once the actor is played.
    if (isReleased) this.#takeBack([], [])
    this.#parts.scheduler.executionCommitted(this)
    for (const { call, answered } of ends)
      answered({ status: 'done', pid: call.pid, released: true, endedAt })
  }

  /** The store has held the ends of these calls. */
  async #held({ calls, kill }: Held, ends: readonly CallEnd[]): Promise<void> {
    const at = calls === undefined ? -1 : ends.findIndex(({ call }) => calls.includes(call.pid))
    const held = ends[at]
    if (held === undefined) {
      this.#takeBack([], ends)
      if (kill === undefined)
        throw new ClosedError('the store has held the calls of an actor without a reason')
      this.kill(kill.message)
      return
    }
    this.#takeBack(ends.slice(0, at), ends.slice(at + 1))
    const row = await this.#read(() => this.#parts.engine.store.read(held.call.pid))
    if (row?.endedAt === null && row.killRequested !== null) {
      // The call ends as killed, with a write of its own.
      held.answered({ status: 'held', kill: row.killRequested })
      return
    }
    const state = row?.state ?? 'killed'
    this.#live.delete(held.call)
    held.answered({ status: 'ended', state })
  }

  /** The store can't keep the end of one of these calls. If there are several, each gets a write of its own. */
  async #refused(error: Error, ends: readonly CallEnd[]): Promise<void> {
    const [first, ...others] = ends
    if (first === undefined) {
      if (this.#state.isStored) throw error
      await this.#except(error)
    } else if (others.length > 0) {
      this.#ends.isCareful = true
      this.#takeBack([first], others)
    } else {
      this.#ends.isCareful = false
      this.#takeBack([], [])
      // The call fails over the value that was refused.
      first.answered({ status: 'refused', error })
    }
  }

  /**
   * Undoes the present call, the calls in `undone`, and those whose ends are not being stored: they
   * run again. The ends in `kept` are stored with the next write.
   */
  #takeBack(kept: readonly CallEnd[], undone: readonly CallEnd[]): void {
    const current = this.#current
    if (undone.length + this.#ends.length === 0 && current === undefined && this.#released) return
    for (const { call, answered } of [...undone, ...this.#ends.replace(kept)]) {
      this.#stop(call)
      answered(FENCED)
    }
    if (current !== undefined) this.#stop(current)
    this.#state.goBack(kept.at(-1)?.fields)
    this.#queue.clear()
    if (this.#released) return
    const undoing = this.undo()
      .catch((error: unknown) => this.fail(error))
      .then(() => {
        if (this.#undoing === undoing) this.#undoing = undefined
      })
    this.#undoing = undoing
  }

  #stop(call: LiveCall): void {
    this.#live.delete(call)
    call.stop(claimLost(call.pid))
    call.giveBack()
  }

  // ---------- ending ----------

  /** The actor can't be constructed. */
  async #except(error: unknown): Promise<false> {
    await this.#end({ state: 'excepted', ...failureEnd(error, this.#parts.engine.codec) })
    return false
  }

  async #kill(message: string | null): Promise<void> {
    while (this.#ends.sending !== undefined) await this.#ends.sending
    await this.#end({ state: 'killed', text: killedStateText(message), message })
  }

  async #end(ending: NonNullable<ServeCalls['ending']>): Promise<void> {
    if (this.#lost) return
    const { state, message } = ending
    const history = [encodeEvent(state, { message: message ?? undefined })]
    const outcome = await this.#parts.engine.commits.write({ ...this.#write, history, ending })
    // A kill was stored meanwhile, and is carried out with the claim (C5).
    if (outcome.status === 'held') await this.#giveBack()
    this.lose(endedElsewhere(this.pid, state))
  }

  async #giveBack(): Promise<false> {
    const { id: owner, commits } = this.#parts.engine
    await commits.write({ kind: 'release', pid: this.pid, fence: this.fence, owner })
    return false
  }

  /** The engine closes: the ended calls are stored. The engine gives its claims back when it leaves (C12). */
  async #drain(): Promise<void> {
    while ((this.#ends.length > 0 || this.#ends.sending !== undefined) && !this.#lost) await this.#send(false)
    this.lose(this.#parts.control.draining as Error)
  }

  /** If the store can't be read now, nothing ends: the read is tried again. */
  #read<T>(read: () => Promise<T>): Promise<T> {
    const isOver = (): boolean => this.#lost || this.#parts.control.draining !== undefined
    return untilRead(read, { pid: this.pid, logger: this.#parts.engine.logger, isOver })
  }
}

const FENCED: Outcome = { status: 'fenced' }
