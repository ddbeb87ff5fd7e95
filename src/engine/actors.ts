import { eventData } from '../persistence/contract/event-codec.ts'
import type { Change } from '../persistence/contract/rows.ts'
import type { ClaimedProcess } from '../persistence/contract/store.ts'
import type { ActorClasses } from '../process/actor/actor-class.ts'
import { isTerminal } from '../process/state/machine.ts'
import { ActorRun } from './actor-run.ts'
import type { CallParts } from './called-actor.ts'
import { claimLost, endedElsewhere } from './stop-reasons.ts'

/** The actors that this engine holds. */
export class Actors {
  readonly #classes: ActorClasses
  readonly #parts: CallParts
  readonly #runs = new Map<string, ActorRun>()
  readonly #whenEmpty: (() => void)[] = []

  constructor(classes: ActorClasses, parts: CallParts) {
    this.#classes = classes
    this.#parts = parts
  }

  /** Runs the calls of a claimed actor; undefined for anything but an actor of a class of this engine. */
  start(claimed: ClaimedProcess): ActorRun | undefined {
    const { pid, className, mailbox } = claimed.row
    const actorClass = this.#classes.find(className)
    if (actorClass === undefined || mailbox === null) return undefined
    this.#runs.get(pid)?.lose(claimLost(pid))
    const run = new ActorRun(claimed, actorClass, this.#parts)
    this.#runs.set(pid, run)
    void run.run().then(() => {
      if (this.#runs.get(pid) === run) this.#runs.delete(pid)
      this.#parts.scheduler.executionEnded(run)
      if (this.#runs.size === 0) for (const resolve of this.#whenEmpty.splice(0)) resolve()
    })
    return run
  }

  /** Handles a change that this or another program has committed. */
  note(change: Change): void {
    if (this.#runs.size === 0) return
    const { pid, name, actor } = change
    if (actor !== undefined) {
      this.#runs.get(actor)?.called()
      return
    }
    const run = this.#runs.get(pid)
    if (run === undefined) return
    if (name === 'pause requested') run.pause()
    else if (name === 'kill requested') run.kill(eventData(change, name).message ?? null)
    else if (name === 'crashed') run.lose(claimLost(pid))
    else if (name === 'killed') run.lose(endedElsewhere(pid, change.state))
  }

  /**
   * Reads the store again for all actors, because some changes can't be read any more (C7, C8). The
   * answer to the next write of an actor reports requests to it.
   */
  async catchUp(): Promise<void> {
    for (const [pid, run] of this.#runs) {
      run.called()
      const row = await this.#parts.engine.store.read(pid).catch(() => undefined)
      if (row === undefined) continue
      if (isTerminal(row.state)) run.lose(endedElsewhere(pid, row.state))
      if (row.pauseRequested !== null) run.pause()
      if (row.killRequested !== null) run.kill(row.killRequested.message)
    }
  }

  /** Resolves once no actor is held. */
  async empty(): Promise<void> {
    if (this.#runs.size > 0) await new Promise<void>((resolve) => this.#whenEmpty.push(resolve))
  }
}
