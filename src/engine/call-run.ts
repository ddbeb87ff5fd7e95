import { savedUpstream } from '../client/launch/upstream.ts'
import { encodeEvent } from '../persistence/contract/event-codec.ts'
import type { Outcome } from '../persistence/contract/outcomes.ts'
import type { StoredCall } from '../persistence/contract/rows.ts'
import type { Advance } from '../persistence/contract/writes.ts'
import { ActorCall, callClass } from '../process/actor-call.ts'
import { retriesOf } from '../process/actor/call-options.ts'
import { construct, recreate } from '../process/host/construction.ts'
import type { AnyProcessClass, Hosted } from '../process/host/process-object.ts'
import { isTerminal } from '../process/state/machine.ts'
import { noContext } from '../process/step/current-process.ts'
import { alarm } from '../shared/clock.ts'
import { InvalidStateError } from '../shared/errors.ts'
import type { RetryOptions } from '../spec/retry-policy.ts'
import { Execution, type Turn } from './execution.ts'
import type { CalledActor, CallParts, LiveCall } from './called-actor.ts'
import { claimLost, endedElsewhere } from './stop-reasons.ts'
import { exceptedWrite } from './writes.ts'

/** After this many milliseconds, the row shows a call that has reported something as running. */
const SHOWN_AFTER = 1_000

/** Runs one call of an actor, with all its attempts. */
export class CallRun implements Turn, LiveCall {
  readonly pid: string
  readonly #actor: CalledActor
  readonly #stored: StoredCall
  readonly #parts: CallParts
  #execution: Execution | undefined
  /** The state of the actor after the call, once it has succeeded. */
  #fields: string | undefined
  #isLost = false
  #beginning: Promise<void> | undefined
  #preparing: Promise<void> | undefined
  /** Set while the call waits for its next attempt. Begins that attempt at once. */
  #endBackOff: (() => void) | undefined
  #cancelBackOff: (() => void) | undefined
  #cancelShow: (() => void) | undefined
  #settle: () => void = () => {}

  constructor(actor: CalledActor, stored: StoredCall, parts: CallParts) {
    this.pid = stored.row.pid
    this.#actor = actor
    this.#stored = stored
    this.#parts = parts
  }

  get actor(): string {
    return this.#actor.pid
  }

  get crashedActor(): string | undefined {
    return this.#actor.hasCrashed ? this.#actor.pid : undefined
  }

  get retryAt(): number | null {
    return this.#stored.row.retryAt
  }

  /** Whether the call no longer runs here, and has not ended here. */
  get isLost(): boolean {
    return this.#isLost || this.#execution?.lost === true
  }

  /** Resolves once the call has ended here, or no longer runs here. */
  async run(): Promise<void> {
    const { gathering } = this.#parts
    const { parts } = this.#stored.bundle()
    const { refers, after } = savedUpstream(parts)
    const needs = refers === true || after !== undefined
    let inputs: Readonly<Record<string, unknown>> | undefined
    if (needs && this.#stored.row.state === 'created') {
      const gathered = await gathering.gather(this.#stored)
      if (gathered === undefined || this.isLost) return this.stop(claimLost(this.pid))
      if (!gathered.starts) return this.#fail(gathered.error)
      inputs = gathered.inputs
    }
    let process: Hosted
    try {
      process = noContext(() => this.#construct(inputs))
    } catch (error) {
      return this.#fail(error)
    }
    await new Promise<void>((resolve) => {
      this.#settle = resolve
      void this.#drive(this.#begun(process))
    })
  }

  kill(message: string | undefined): void {
    this.#execution?.process.kill(message)
  }

  /** Stops the call: nothing more of it runs or counts here. */
  stop(reason: Error): void {
    this.#isLost = true
    if (this.#execution !== undefined) this.#parts.control.stop(this.#execution, reason)
    this.#settle()
  }

  /** If the row shows the call as running here, makes the row show it as not running. */
  giveBack(): void {
    const execution = this.#execution
    if (execution !== undefined && !execution.claimPending) void this.#parts.control.release(execution)
  }

  // ---------- its process ----------

  #construct(inputs: Readonly<Record<string, unknown>> | undefined): Hosted {
    const { engine, host } = this.#parts
    const { row } = this.#stored
    const bundle = this.#stored.bundle()
    const { parts } = bundle
    const processClass = callClass(row.className)
    const options = { host, logger: engine.logger, pid: row.pid, created: new Date(row.createdAt) }
    let process: Hosted
    if (row.state === 'created') {
      const { launch = '{}' } = parts
      const { retry } = JSON.parse(launch) as { readonly retry?: RetryOptions }
      const retries = this.#actor.retries === 0 ? undefined : retriesOf(this.#actor.retries)
      const given = inputs ?? (engine.codec.parse(parts['inputs'] ?? '{}', 'inputs') as typeof inputs)
      const referring = inputs && { inputs: parts['inputs'] ?? '{}', launch }
      process = construct(processClass, given, { ...options, retry: retry ?? retries, referring })
    } else {
      const load = (): AnyProcessClass => processClass
      process = recreate(bundle, { ...options, loader: { load, identify: () => row.className } })
    }
    const saved = process.bundle().parts
    const text = saved['parsed'] ?? saved['inputs'] ?? '{}'
    const method = row.className.slice(row.className.indexOf('.') + 1)
    ActorCall.serve(process, {
      actor: this.#actor.pid,
      method,
      // Each attempt gets arguments of its own, since the actor may keep them.
      call: () => {
        const { args } = engine.codec.parse(text, 'inputs') as { readonly args: readonly unknown[] }
        return this.#actor.object.call(method, args)
      },
    })
    return process
  }

  #begun(process: Hosted): Execution {
    const { executions, control } = this.#parts
    const { row, fence } = this.#stored
    const { seq, step, progress } = row
    const execution = new Execution(process, { fence, seq, step, saved: this.#stored.bundle(), progress })
    execution.claimPending = true
    execution.holder = this.#actor
    execution.turn = this
    execution.rerunsStep = row.state === 'running'
    this.#execution = execution
    executions.replace(execution)
    control.deliver(process, { kill: row.killRequested && { message: row.killRequested.message } })
    return execution
  }

  async #drive(execution: Execution): Promise<void> {
    const { executions, scheduler, control } = this.#parts
    const { process } = execution
    try {
      // While it backs off it is idle, and the next run waits until it is woken.
      while (!execution.lost && !isTerminal(process.state)) await process.run(() => !execution.lost)
    } catch (error) {
      if (!execution.lost) await this.#actor.fail(error)
    }
    execution.over = true
    execution.cancelKill?.()
    this.#cancelShow?.()
    this.#cancelBackOff?.()
    scheduler.reclaimSlot(execution)
    executions.remove(execution)
    if (!isTerminal(process.state)) control.stop(execution, claimLost(this.pid))
    this.#settle()
  }

  /** Ends the call without running it. */
  #fail(error: unknown): void {
    const { engine } = this.#parts
    const write = exceptedWrite(this.#stored, error, engine)
    // A handle reads the end from the store.
    const ignored = (): void => {}
    this.#actor.ended({ call: this, write, fields: this.#actor.fields, answered: ignored, failed: ignored })
  }

  // ---------- for its host ----------

  prepare(): Promise<void> | undefined {
    if (this.#actor.isFlushed && this.#execution?.claimPending === false) return undefined
    return (this.#preparing ??= this.#prepare().finally(() => (this.#preparing = undefined)))
  }

  async #prepare(): Promise<void> {
    await this.#actor.flush()
    await this.#begin()
  }

  /** Resolves once the row shows the call as running. */
  #begin(): Promise<void> {
    return (this.#beginning ??= this.#storeBegin().finally(() => (this.#beginning = undefined)))
  }

  async #storeBegin(): Promise<void> {
    const { engine, control } = this.#parts
    const execution = this.#execution as Execution
    if (execution.lost) throw claimLost(this.pid)
    if (!execution.claimPending) return
    const { process, fence = 0, seq, saved } = execution
    if (execution.rerunsStep) process.keepStepNumber()
    const bundle = process.bundle()
    const parts: Record<string, string> = {}
    for (const [name, text] of Object.entries(bundle.parts))
      if (saved?.parts[name] !== text) parts[name] = text
    const outcome = await engine.commits.write({
      kind: 'advance',
      pid: this.pid,
      fence,
      seq: seq + 1,
      owner: engine.id,
      begins: true,
      actorFence: this.#actor.fence,
      state: 'running',
      step: 'run',
      status: bundle.head.status ?? null,
      parts,
      dropped: [],
      paused: null,
      consumes: null,
      history: [encodeEvent('running', { step: 'run' })],
      ending: null,
      attempt: process.attempt,
    })
    if (outcome.status === 'done') {
      execution.claimPending = false
      execution.fence = fence + 1
      execution.seq++
      execution.step = 'run'
      execution.saved = bundle
      control.deliver(process, outcome)
      return
    }
    if (outcome.status === 'held') control.deliver(process, { kill: outcome.kill })
    else if (outcome.status === 'refused') throw outcome.error
    else this.stop(outcome.status === 'ended' ? endedElsewhere(this.pid, outcome.state) : claimLost(this.pid))
    process.signal.throwIfAborted()
    throw claimLost(this.pid)
  }

  succeeded(): void {
    this.#fields = undefined
    this.#fields = this.#actor.object.text()
  }

  async undo(): Promise<void> {
    this.#fields = undefined
    await this.#actor.undo()
  }

  get settling(): Promise<void> | undefined {
    return this.#beginning?.catch(() => {})
  }

  mayStore(): Promise<void> {
    return this.#actor.flush()
  }

  failed(write: Advance, answered: (outcome: Outcome) => void, failed: (error: unknown) => void): void {
    const { engine } = this.#parts
    const execution = this.#execution as Execution
    const began = execution.claimPending ? [encodeEvent('running', { step: 'run' })] : []
    const { crashedActor } = this
    const history = [...began, ...write.history]
    const content = { actorFence: this.#actor.fence, crashedActor, history }
    engine.commits.send(
      { ...write, ...content },
      (outcome) => {
        answered(outcome)
        if (outcome.status !== 'done') return
        // The next attempt begins as the first one did: its row shows it only when it must.
        execution.claimPending = true
        execution.released = false
        execution.journalCount = 0
        this.#cancelShow?.()
        this.#cancelShow = undefined
      },
      failed,
    )
  }

  backsOff(until: number): void {
    const { engine, scheduler, control } = this.#parts
    const execution = this.#execution as Execution
    const undoing = this.#actor.undo()
    const begin = async (): Promise<void> => {
      this.#endBackOff = undefined
      await undoing
      scheduler.reclaimSlot(execution)
      if (!execution.lost) execution.process.wake(undefined, { by: 'timer' })
    }
    const end = (): void => void begin().catch((error: unknown) => this.#actor.fail(error))
    this.#cancelBackOff = alarm(engine.clock, until, end)
    this.#endBackOff = () => {
      this.#cancelBackOff?.()
      end()
    }
    scheduler.lendSlot(execution)
    control.stopIfDraining(execution)
  }

  retry(): void {
    this.#endBackOff?.()
  }

  ended(write: Advance, answered: (outcome: Outcome) => void, failed: (error: unknown) => void): void {
    const isShown = this.#execution?.claimPending === false
    const began = isShown ? [] : [encodeEvent('running', { step: 'run' })]
    const history = [...began, ...write.history]
    const fields = this.#fields ?? this.#actor.fields
    this.#actor.ended({ call: this, write: { ...write, history }, fields, answered, failed })
    this.#settle()
  }

  reported(): void {
    if (this.#cancelShow !== undefined || this.#execution?.claimPending !== true) return
    this.#cancelShow = this.#parts.engine.clock.after(SHOWN_AFTER, () => {
      if (this.#execution?.over === false && !this.isLost) this.#begin().catch(() => {})
    })
  }

  /**
   * If a call waited for a later call of its own actor, it would wait for ever.
   */
  waits(pids: readonly string[]): void {
    for (const pid of pids) void this.#refuseOwn(pid)
  }

  async #refuseOwn(pid: string): Promise<void> {
    const { engine } = this.#parts
    // It may have been queued just now.
    await engine.handles
      .find(pid)
      ?.submitted()
      .catch(() => {})
    const row = await engine.store.read(pid).catch(() => undefined)
    const isOwn = row?.endedAt === null && (row.actor === this.#actor.pid || pid === this.#actor.pid)
    if (!isOwn || this.#execution?.over !== false) return
    this.#execution.process.expire(ownCallError(this.pid, pid))
  }
}

function ownCallError(call: string, awaited: string): Error {
  return new InvalidStateError(
    `the call ${call} waits for ${awaited}, which its own actor runs after it: it would wait for ever. Queue the call without waiting for it, or call the method of \`this\``,
  )
}
