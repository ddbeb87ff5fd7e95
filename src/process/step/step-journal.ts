import { recordPart, type Bundle } from '../../bundle/bundle.ts'
import { preview } from '../../ports/plain.ts'
import { SerializationError, SpecError, TransitionError } from '../../shared/errors.ts'
import { lengthProblem, nameProblem } from '../../shared/text.ts'
import type { RecordEntry } from '../host/host.ts'
import type { Came, Transaction } from '../host/transaction.ts'
import { Operation } from './operation.ts'
import type { Cancellation } from './cancellation.ts'
import { isOfEarlierAttempt } from './current-process.ts'
import type { PlayGate } from './play-gate.ts'
import { logOf, type RunState } from './run-state.ts'
import { attemptOf } from '../state/state-data.ts'
import { StepFlow, type Asked } from './step-flow.ts'

/** What a step does by name. */
export type RecordKind = 'effect' | 'sleep' | 'receive' | 'join'
const kinds: readonly RecordKind[] = ['effect', 'sleep', 'receive', 'join']

/** What a step does durably. */
export type OperationKind = RecordKind | 'launch' | 'branch'

/** An operation of the attempt that runs. */
interface Begun {
  readonly kind: OperationKind
  readonly name: string
  operation: Operation<unknown> | undefined
  /** The error that rejected it. */
  failure?: { readonly error: unknown }
}

/** Where the record has an operation. */
export interface Use {
  /** The name of the entry: `effect:book/charge#2`; of a launch or a branch, its kind. */
  readonly entry: string
  /** The full name, with the branches around it. */
  readonly name: string
  /** The branch; empty outside of one. */
  readonly branch: string
}

interface Entry {
  readonly text?: string | undefined
  readonly value?: unknown
}

/**
 * The named actions of the running step (C6): effects, sleeps, received signals. A step that runs
 * again, after a crash or as a retry, finds here what it has already done. The commit that ends the
 * step drops the record.
 *
 * Entries are found by kind and name, never by their order. Further uses of a name are numbered:
 * `effect:charge#2`. `StepFlow` decides where a name may be used again.
 */
export class StepJournal {
  readonly #run: RunState
  readonly #cancellation: Cancellation
  readonly #gate: PlayGate
  /** Called when something that the step does by name has settled. */
  readonly #settled: () => void
  #entries: Map<string, Entry> | undefined
  /** The order of what this run of the step has asked for. */
  #flow: StepFlow | undefined
  /** Operations of this attempt that are in progress, or have failed. */
  readonly #begun = new Set<Begun>()
  /** The waits that the step left pending when it ended. */
  dropped: readonly string[] = []
  /** The number of attempts at steps so far. */
  #attempts = 0
  /** The number of steps so far. */
  #steps = 0
  #underWay = 0
  /**
   * Set when the step did not repeat what it did before: the process then pauses, whatever the
   * outcome of the step.
   */
  conflict: TransitionError | undefined

  constructor(run: RunState, cancellation: Cancellation, gate: PlayGate, settled: () => void) {
    this.#run = run
    this.#cancellation = cancellation
    this.#gate = gate
    this.#settled = settled
  }

  /** The step begins. Returns whether it was begun before. */
  begin(): boolean {
    this.#flow = undefined
    this.conflict = undefined
    this.dropped = []
    return this.#entries !== undefined
  }

  /**
   * The attempt has ended. Forgets its pending operations, so that they can't leak into the next
   * attempt.
   */
  end(): void {
    this.#attempts++
    this.#underWay = 0
    this.#begun.clear()
  }

  /** Why the step is refused: it is uncertain which of its branches a name belongs to. */
  get refusal(): SpecError | undefined {
    return this.#flow?.refusal
  }

  /**
   * The step has returned its command. Waits that are still pending are dropped.
   *
   * @returns why the command does not count: an operation is still in progress, or has failed
   * unseen
   */
  leftOver(): SpecError | undefined {
    const { pid, definition, state } = this.#run
    const step = `the step ${definition.name}${state.label === 'running' ? `.${state.step}` : ''} of process ${pid}`
    const dropped: string[] = []
    for (const { kind, name, operation, failure } of this.#begun) {
      if (failure === undefined && kinds.includes(kind as RecordKind) && kind !== 'effect') {
        dropped.push(`${kind} '${name}'`)
      } else if (failure === undefined) {
        return new SpecError(`${step} ended while its ${kind} '${name}' was in progress: await it`)
      } else if (operation?.isAwaited === false) {
        const { error: cause } = failure
        return new SpecError(
          `the ${kind} '${name}' in ${step} failed, and the step ended without having looked: await it`,
          { cause },
        )
      }
    }
    this.dropped = dropped
    return undefined
  }

  /**
   * Does something as an operation of the step. A rejection of the returned promise never ends the
   * program.
   */
  operation<T>(kind: OperationKind, name: string, work: (use: Use) => Promise<T>): Operation<T> {
    const begun: Begun = { kind, name, operation: undefined }
    const operation = Operation.of(this.#operate(begun, work))
    begun.operation = operation
    return operation
  }

  async #operate<T>(begun: Begun, work: (use: Use) => Promise<T>): Promise<T> {
    const attempt = this.#attempts
    const { kind, name } = begun
    const isFirst = attemptOf(this.#run.state) === 1
    if (isOfEarlierAttempt(this.#run, this.flow, isFirst)) return this.#never(kind, name)
    let asked: Asked | undefined
    this.#begun.add(begun)
    try {
      this.#cancellation.throwIfAborted()
      const use = this.#ask(kind, name)
      asked = use.asked
      const value = await work(use)
      if (attempt === this.#attempts) this.#begun.delete(begun)
      await this.#handOut(asked)
      return value
    } catch (error) {
      if (begun.operation?.isAwaited === true) this.#begun.delete(begun)
      else begun.failure = { error }
      await this.#handOut(asked)
      throw error
    }
  }

  /**
   * Runs a part of the step as a branch of it. @throws SpecError for an invalid name, or the name
   * of a branch in progress
   */
  async inBranch<T>(name: string, run: () => T | PromiseLike<T>): Promise<Awaited<T>> {
    checkName('a branch', name)
    return this.flow.inBranch(name, run)
  }

  /** The order of operations in this run of the step. */
  get flow(): StepFlow {
    return (this.#flow ??= new StepFlow(this.#run))
  }

  /** Code left over from an earlier attempt can take no more named actions. */
  #never<T>(kind: OperationKind, name: string): Promise<T> {
    const { pid, definition } = this.#run
    logOf(this.#run).warn(
      { pid, process: definition.name, operation: `${kind} '${name}'` },
      'code left over from an earlier attempt at a step is still running; it has no effect',
    )
    return new Promise(() => {})
  }

  /**
   * Hands results out one by one, in a step that does several things at the same time.
   */
  async #handOut(asked: Asked | undefined): Promise<void> {
    if (asked === undefined) return
    const handedOut = this.#cancellation.isAborted ? asked.drop() : asked.handOut()
    if (handedOut === undefined) return
    await this.during(handedOut)
    this.#settled()
  }

  #ask(kind: OperationKind, name: string): Use & { readonly asked: Asked } {
    const flow = this.flow
    const { branch } = flow
    if (kind === 'launch') return { entry: kind, name, branch, asked: flow.ask(undefined) }
    if (kind === 'branch') return { entry: kind, name, branch, asked: flow.askBranch() }
    checkName(`what a step does durably (${kind})`, name)
    const full = branch === '' ? name : `${branch}/${name}`
    const problem = lengthProblem(full)
    if (problem !== undefined)
      throw new SpecError(`the name of a ${kind} with those of its branches ${problem}`)
    const base = `${kind}:${full}`
    const asked = flow.ask(base)
    const entry = numbered(base, asked.count)
    if (this.#entries !== undefined && !this.#entries.has(entry)) this.#checkOthers(kind, full, asked.count)
    return { entry, name: full, branch, asked }
  }

  /** The step will not run again. */
  clear(): void {
    this.#steps++
    this.#entries = undefined
  }

  /**
   * Resolves with the result. If the attempt that asked has already ended, rejects with the abort
   * reason once the signal aborts; otherwise never settles.
   */
  async during<T>(work: PromiseLike<T>): Promise<T> {
    const attempt = this.#attempts
    this.#underWay++
    try {
      return await this.#during(work)
    } finally {
      if (attempt === this.#attempts) this.#underWay--
    }
  }

  /** Whether an operation of the step is in progress. */
  get busy(): boolean {
    return this.#underWay > 0
  }

  async #during<T>(work: PromiseLike<T>): Promise<T> {
    const attempt = this.#attempts
    const { signal } = this.#cancellation
    let result: PromiseSettledResult<T>
    try {
      result = { status: 'fulfilled', value: await work }
    } catch (error) {
      result = { status: 'rejected', reason: error }
    }
    if (attempt !== this.#attempts) {
      if (signal.aborted) throw signal.reason
      return new Promise<T>(() => {})
    }
    if (result.status === 'fulfilled') return result.value
    throw result.reason
  }

  load(bundle: Bundle): void {
    for (const name of bundle.recordNames) this.#put(name, { text: bundle.parts[recordPart(name)] })
  }

  /** The text of an entry; undefined if there is none. */
  text(entry: string): string | undefined {
    const found = this.#entries?.get(entry)
    if (found === undefined) return undefined
    return found.text ?? this.#run.host.codec.stringify(found.value, `record.${entry}`)
  }

  *texts(): Iterable<readonly [name: string, text: string]> {
    for (const name of this.#entries?.keys() ?? []) yield [name, this.text(name) as string]
  }

  /** The value of an entry; undefined if there is none. */
  get(entry: string): Readonly<Record<string, unknown>> | undefined {
    const found = this.#entries?.get(entry)
    if (found === undefined) return undefined
    const value = found.text === undefined ? found.value : this.#run.host.codec.parse(found.text, entry)
    return value as Readonly<Record<string, unknown>>
  }

  /**
   * Adds or replaces an entry. Durable when the promise resolves.
   *
   * @throws SerializationError for what can't be saved, if the process is run out of a store
   * (C10)
   */
  async add(
    entry: string,
    value: Readonly<Record<string, unknown>>,
    rest: Pick<RecordEntry, 'history' | 'consumes'>,
  ): Promise<void> {
    const { host, hosted } = this.#run
    // A store holds the write back by itself, until the process is played.
    if (!host.durable && this.#gate.isHeld) await this.during(this.#gate.pass(this.#cancellation))
    const kept = this.#kept(entry, value)
    const text = this.#textOf(entry, kept)
    const step = this.#steps
    const write = async (): Promise<void> => {
      await host.record(hosted, { name: entry, text, ...rest })
      if (step === this.#steps) this.#put(entry, text === undefined ? { value: kept } : { text })
    }
    await this.during(write())
  }

  /**
   * Calls `act` within a transaction of the store, and adds an entry with the value that it returns in the
   * same transaction. If `act` throws, neither is stored. The store may have to call it again.
   *
   * @throws SpecError if the host has no transactions
   * @throws SerializationError for a value that can't be saved
   */
  async addWithin(
    entry: string,
    act: (tx: Transaction) => unknown,
    rest: Pick<RecordEntry, 'history'>,
  ): Promise<Came> {
    const { host, hosted, definition } = this.#run
    if (host.transaction === undefined)
      throw new SpecError(
        `${definition.name} calls this.transaction, and it runs out of a store: run it in an engine whose store is an SQLite file or a Postgres database`,
      )
    const step = this.#steps
    let text: string | undefined
    const entryOf = (value: unknown): RecordEntry => {
      text = this.#textOf(entry, this.#kept(entry, { value }))
      return { name: entry, text, ...rest }
    }
    const came = await this.during(host.transaction(hosted, act, entryOf))
    if ('value' in came && step === this.#steps) this.#put(entry, { text })
    return came
  }

  #kept(entry: string, value: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
    const beside = this.#beside(entry)
    return beside.length === 0 ? value : { ...value, beside }
  }

  /**
   * The text of an entry. In memory too, so that each attempt gets a copy of its own; undefined
   * there for a value that can't be saved.
   */
  #textOf(entry: string, value: Readonly<Record<string, unknown>>): string | undefined {
    const { durable, codec } = this.#run.host
    try {
      // The parts of a failure that can't be saved are left out.
      return 'error' in value ? codec.stringifyFailure(value, entry) : codec.stringify(value, entry)
    } catch (error) {
      if (durable || !(error instanceof SerializationError)) throw error
      return undefined
    }
  }

  #put(entry: string, value: Entry): void {
    ;(this.#entries ??= new Map()).set(entry, value)
  }

  /**
   * The other kinds of operations that this run of the step has begun under the name of an entry.
   * They need not have been recorded.
   */
  #beside(entry: string): readonly RecordKind[] {
    const [own, name] = [
      entry.slice(0, entry.indexOf(':')),
      entry.slice(entry.indexOf(':') + 1).replace(/#\d+$/, ''),
    ]
    return kinds.filter((kind) => kind !== own && this.#flow?.has(`${kind}:${name}`) === true)
  }

  #checkOthers(kind: RecordKind, name: string, count: number): void {
    for (const other of kinds) {
      if (other === kind || this.#flow?.has(`${other}:${name}`) === true) continue
      const done = this.get(numbered(`${other}:${name}`, count))
      // That operation was also begun before, and recorded nothing.
      if (done === undefined || (done['beside'] as readonly string[] | undefined)?.includes(kind) === true)
        continue
      throw (this.conflict = new TransitionError(
        `the step has done the ${other} '${name}' before and now does the ${kind} '${name}': its code has changed meanwhile. ` +
          'Give the new one another name, or take the old entry out of `record` in `static upgrade`; then play the process',
      ))
    }
  }
}

/** @throws SpecError for what can't be the name of an operation */
function checkName(what: string, name: unknown): void {
  const problem = nameProblem(name) ?? (String(name).includes('#') ? "must be without '#'" : undefined)
  if (problem === undefined) return
  throw new SpecError(
    `${what} needs a name, a text without '#', and was given ${preview(name)}: it ${problem}`,
  )
}

function numbered(base: string, count: number): string {
  return count === 1 ? base : `${base}#${count}`
}
