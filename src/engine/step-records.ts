import { Bundle, recordPart } from '../bundle/bundle.ts'
import { encodeEvent } from '../persistence/contract/history-event.ts'
import type { Done, Held, Outcome } from '../persistence/contract/outcomes.ts'
import type { StepRecord, Write } from '../persistence/contract/writes.ts'
import type { StepWait } from '../process/state/transition.ts'
import type { RecordEntry } from '../process/host/host.ts'
import type { Logger } from '../shared/logger.ts'
import { endedAs, evicted, lost, unsavable } from './losses.ts'
import type { PendingWait, Run } from './run.ts'

/** The suspect (C11) beside which a step goes on that only waited. */
export interface Besides {
  /** While a suspect is being claimed to run alone: resolves when it is known what came of that. */
  claimed(): Promise<void> | undefined
  /** The suspect that counts as alone in the store, unless it is this very run. */
  of(run: Run): string | undefined
  /** The store knows that something else runs beside it. */
  told(pid: string): void
}

/** What the records of steps need of their engine. */
export interface StepRecordsContext {
  readonly logger: Logger
  write(write: Write): Promise<Outcome>
  /** The process is not this engine's any more, or leaves memory. */
  lose(run: Run, reason: Error): void
  /** A kill is stored. */
  kill(run: Run, message: string | undefined, deadline: number, force: boolean): void
  /** Its step only waits: somebody else may have its slot. */
  lend(run: Run): void
  takeBack(run: Run): void
  readonly besides: Besides
  /** A step began to wait only. */
  suspended(run: Run): void
  /** The store can't keep a process any more (C9). */
  setAside(run: Run, error: Error): void
}

type Content = Omit<StepRecord, 'kind' | 'pid' | 'fence' | 'count'>

const NOTHING = { parts: {}, consumes: null, history: [] } as const satisfies Content

/**
 * What is written of a step before it ends: what it has done by name (C6), and that it only waits.
 *
 * 1. Each of these writes goes under the claim's fence and a count of its own (C4), in the order in which they are made.
 * 2. What the row says of waiting is for people and for whoever takes the process over, so it is written at the end of a turn,
 *    once for all that happened in it, and nobody waits for it.
 * 3. Nothing of it is written once the commit that ends the step has begun.
 */
export class StepRecords {
  readonly #context: StepRecordsContext

  constructor(context: StepRecordsContext) {
    this.#context = context
  }

  async record(run: Run, entry: RecordEntry): Promise<void> {
    const { name, text, history, consumes } = entry
    const part = recordPart(name)
    const content: Content = {
      parts: text === undefined ? {} : { [part]: text },
      consumes: consumes ?? null,
      history: history === undefined ? [] : [encodeEvent(history.name, history.data)],
    }
    const leaves = run.shown !== undefined && run.leaving === undefined && !waits(run)
    await (leaves ? this.#leave(run, content) : this.#write(run, content))
    if (text !== undefined) (run.recorded ??= {})[part] = text
  }

  /** Keeps the process as it was saved last, with what the step has recorded since. */
  async checkpoint(run: Run, tag: string): Promise<void> {
    const { saved } = run
    if (saved === undefined) throw lost(run.process.pid)
    const { text } = Bundle.fromParts({ ...saved.head, seq: run.seq }, { ...saved.parts, ...run.recorded })
    await this.#write(run, {
      ...NOTHING,
      checkpoint: { tag, text },
      history: [encodeEvent('checkpoint', { tag })],
    })
  }

  /** The row says from now on when the process is to be excepted. */
  deadline(run: Run, time: number): void {
    this.#write(run, { ...NOTHING, deadline: time }).catch((error: unknown) =>
      this.#report(run, error, 'the deadline of a process could not be written down'),
    )
  }

  suspend(run: Run, wait: StepWait): () => void {
    // The same wait may be given again while it is pending.
    const token: PendingWait = { ...wait, pids: new Set(wait.for.on) }
    const waits = (run.waits ??= new Set())
    waits.add(token)
    run.lastWait = token
    this.#context.lend(run)
    this.#show(run)
    this.#context.suspended(run)
    return () => {
      if (waits.delete(token)) this.#goneOn(run)
    }
  }

  /** See `Host.goOn`. */
  goOn(run: Run, does: boolean): Promise<void> | undefined {
    const { besides } = this.#context
    const shows = run.shown !== undefined || run.leaving !== undefined
    // Also what nobody was told of as waiting has lent its slot while it waited, perhaps to a suspect (C11).
    const joins = besides.claimed() !== undefined || besides.of(run) !== undefined
    if (!joins && (!shows || (!does && waits(run)))) return undefined
    return run.leaving ?? this.#leave(run)
  }

  /** The process is played: what was held is written now, and what came meanwhile lets its step go on. */
  played(run: Run): void {
    this.letGo(run)
    this.#goneOn(run)
  }

  /** What was held is written again, whatever comes of it. */
  letGo(run: Run): void {
    for (const again of run.held ?? []) again()
    run.held = undefined
  }

  /** It is paused where it waits, or where it ended its wait: it has no slot, and holds up no close. */
  heldBack(run: Run): void {
    this.#context.lend(run)
    this.#context.suspended(run)
  }

  evict(run: Run, wait: StepWait): void {
    this.#context.lend(run)
    this.#evict(run, wait).catch((error: unknown) => this.#report(run, error))
  }

  /** The step has ended, or its commit has begun: what it waited for besides does not matter any more. */
  stepEnded(run: Run): void {
    run.waits?.clear()
    run.waits = undefined
    run.lastWait = undefined
    run.shown = undefined
    this.#context.takeBack(run)
  }

  async #evict(run: Run, wait: StepWait): Promise<void> {
    const outcome = await this.#write(
      run,
      {
        ...NOTHING,
        waits: { message: wait.message, for: wait.for },
        evicts: true,
        // Also where the row says so already: what it waits for may have come, and engines learn that it is ready, or when it
        // will be, from this entry (C8).
        history: [encodeEvent('waiting', { message: wait.message })],
      },
      // Its step can't end: what it awaits never settles.
      true,
    )
    if (outcome.released !== true) return
    run.released = true
    this.#context.lose(run, evicted(run.process.pid))
  }

  /** Its step goes on when it waits for nothing more, and is not paused. */
  #goneOn(run: Run): void {
    if (run.waits?.size === 0) {
      if (run.process.paused) return
      this.#context.takeBack(run)
    }
    this.#show(run)
  }

  #show(run: Run): void {
    if (run.showing) return
    run.showing = true
    setImmediate(() => {
      run.showing = false
      const write = this.#shows(run)
      if (write !== undefined) this.#write(run, write).catch((error: unknown) => this.#report(run, error))
    })
  }

  /** What is to be written so that the row says what the step waits for; nothing where it says so already. */
  #shows(run: Run): Content | undefined {
    if (run.lost || run.over || run.writing || run.released || run.leaving !== undefined) return undefined
    const { waits, lastWait } = run
    const [first] = waits ?? []
    if (waits === undefined || first === undefined) {
      if (run.process.paused) return this.#held(run)
      if (run.shown !== undefined) this.#leave(run).catch((error: unknown) => this.#report(run, error))
      return undefined
    }
    const shown = lastWait !== undefined && waits.has(lastWait) ? lastWait : first
    const others = shown !== first && !first.for.on.some((pid) => shown.pids.has(pid))
    const message = others ? `${shown.message}, and others` : shown.message
    if (run.shown === message) return undefined
    return this.#waiting(run, message, shown.for)
  }

  /**
   * The row says that the step goes on, with what else is to be written. It had lent its slot: a suspect that was claimed since does not run
   * alone any more, which the same commit says (C11). One that is just being claimed is awaited.
   */
  #leave(run: Run, content: Content = NOTHING): Promise<void> {
    const left = (): void => {
      run.leaving = undefined
    }
    const claimed = this.#context.besides.claimed()
    const written =
      claimed === undefined ? this.#goesOn(run, content) : this.#goesOnAfter(claimed, run, content)
    run.leaving = written.then(() => {
      left()
      run.shown = undefined
      // What it waits for besides.
      if (waits(run)) this.#show(run)
    })
    run.leaving.catch(left)
    return run.leaving
  }

  async #goesOnAfter(claimed: Promise<void>, run: Run, content: Content): Promise<void> {
    const { seq } = run
    await claimed
    // Its step has ended meanwhile: nothing more is written of it.
    if (run.writing || run.seq !== seq) throw lost(run.process.pid)
    await this.#goesOn(run, content)
  }

  async #goesOn(run: Run, content: Content): Promise<void> {
    const beside = this.#context.besides.of(run)
    const shows = run.shown !== undefined
    if (beside === undefined && !shows && content === NOTHING) return
    const history = shows
      ? [...content.history, encodeEvent('running', { step: run.step ?? undefined })]
      : content.history
    await this.#write(run, { ...content, waits: null, history, ...(beside !== undefined && { beside }) })
    if (beside !== undefined) this.#context.besides.told(beside)
  }

  /** What it waited for came before the row said that it waits: it has to say so to say that it is paused there. */
  #held(run: Run): Content | undefined {
    const { shown, lastWait } = run
    if (shown !== undefined || lastWait === undefined) return undefined
    return this.#waiting(run, lastWait.message, lastWait.for)
  }

  #waiting(run: Run, message: string, conditions: StepWait['for']): Content {
    run.shown = message
    return {
      ...NOTHING,
      waits: { message, for: conditions },
      history: [encodeEvent('waiting', { message })],
    }
  }

  async #write(run: Run, content: Content, force = false): Promise<Done> {
    const { process, fence, seq } = run
    const { pid } = process
    for (;;) {
      if (fence === undefined || run.lost || run.over || run.seq !== seq) throw lost(pid)
      const { refusals, plays } = run
      const count = ++run.records
      let outcome: Outcome
      try {
        outcome = await this.#context.write({ kind: 'record', pid, fence, count, ...content })
      } catch {
        this.#context.lose(run, lost(pid))
        throw lost(pid)
      }
      if (run.lost) throw lost(pid)
      if (outcome.status === 'done') {
        if (outcome.kill !== undefined)
          this.#context.kill(run, outcome.kill.message ?? undefined, outcome.kill.deadline, force)
        if (outcome.pause !== undefined && run.plays === plays)
          process.pause(outcome.pause.message ?? undefined)
        return outcome
      }
      if (outcome.status === 'refused' && outcome.damaged === true) {
        this.#context.setAside(run, outcome.error)
        throw lost(pid)
      }
      if (outcome.status === 'refused' || outcome.status === 'held') {
        if (run.refusals === refusals) {
          run.refusals++
          run.records = count - 1
        }
        if (outcome.status === 'refused') throw unsavable(outcome.error)
        if (outcome.kill !== undefined) {
          // The step does not go on: what it waited for is given up, as all that it waits for besides (C5).
          this.#context.kill(run, outcome.kill.message ?? undefined, outcome.kill.deadline, force)
          process.signal.throwIfAborted()
          throw lost(pid)
        }
        if (run.plays === plays) await this.#untilPlayed(run, outcome)
        continue
      }
      // One before it was refused, so that its count was not the next.
      if (outcome.status === 'fenced' && run.refusals !== refusals) continue
      // What comes after the commit that ended the step says nothing of the claim: the commit does.
      if (run.writing || run.seq !== seq) throw lost(pid)
      const reason = outcome.status === 'ended' ? endedAs(pid, outcome.state) : lost(pid)
      this.#context.lose(run, reason)
      throw reason
    }
  }

  /** Until the process is played, or something else has come of it. */
  async #untilPlayed(run: Run, { pause }: Held): Promise<void> {
    run.process.pause(pause?.message ?? undefined, { waits: true })
    this.heldBack(run)
    if (run.lost || run.over) return
    await new Promise<void>((again) => (run.held ??= new Set()).add(again))
  }

  #report(run: Run, error: unknown, message = 'what a step waits for could not be written down'): void {
    if (run.lost || run.over) return
    this.#context.logger.warn({ err: error, pid: run.process.pid }, message)
  }
}

function waits({ waits }: Run): boolean {
  return waits !== undefined && waits.size > 0
}
