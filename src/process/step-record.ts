import { recordPart, type Bundle } from '../bundle/bundle.ts'
import { preview } from '../ports/plain.ts'
import { SerializationError, SpecError, TransitionError } from '../shared/errors.ts'
import type { RecordEntry } from './host.ts'
import type { Life } from './life.ts'

/** What a step does by name. */
export type RecordKind = 'effect' | 'sleep' | 'receive' | 'join'
const kinds: readonly RecordKind[] = ['effect', 'sleep', 'receive', 'join']

interface Entry {
  readonly text?: string | undefined
  readonly value?: unknown
}

/**
 * What the step that runs has done by name (C6): effects, sleeps, receipts. A step that runs again, after a crash or to be retried,
 * finds here what it has done already; with the commit that ends the step it is gone.
 *
 * Entries are found by kind and name, never by their order; a name that comes again counts on: `effect:charge#2`.
 */
export class StepRecord {
  readonly #life: Life
  #entries: Map<string, Entry> | undefined
  /** How often each kind and name came in this run of the step. */
  #counts: Map<string, number> | undefined
  /** Counts the attempts at steps. */
  #attempts = 0
  /** Counts the steps. */
  #steps = 0
  #underWay = 0
  /** Set when the step did not do what it did before: it is paused then, whatever it comes to. */
  conflict: TransitionError | undefined

  constructor(life: Life) {
    this.#life = life
  }

  /** The step begins; whether it does so again. */
  begin(): boolean {
    this.#counts = undefined
    this.conflict = undefined
    return this.#entries !== undefined
  }

  /** The attempt at the step has ended: what it has left pending is no business of the next. */
  end(): void {
    this.#attempts++
    this.#underWay = 0
  }

  /** The step has ended for good. */
  clear(): void {
    this.#steps++
    this.#entries = undefined
  }

  /**
   * What has come, unless the attempt at the step that asked for it has ended meanwhile: then whoever asked is told by the signal, or never.
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

  /** Whether something is under way that the step does by name. */
  get busy(): boolean {
    return this.#underWay > 0
  }

  async #during<T>(work: PromiseLike<T>): Promise<T> {
    const attempt = this.#attempts
    const { signal } = this.#life.control
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

  /** The text of an entry, where there is one. */
  text(entry: string): string | undefined {
    const found = this.#entries?.get(entry)
    if (found === undefined) return undefined
    return found.text ?? this.#life.host.codec.stringify(found.value, `record.${entry}`)
  }

  *texts(): Iterable<readonly [name: string, text: string]> {
    for (const name of this.#entries?.keys() ?? []) yield [name, this.text(name) as string]
  }

  /**
   * The entry that this use of a name has, or is to have.
   *
   * @throws SpecError for what is no name
   * @throws TransitionError where the step did something of another kind under it
   */
  next(kind: RecordKind, name: string): string {
    if (typeof name !== 'string' || name === '' || name.includes('#')) {
      throw new SpecError(
        `what a step does durably needs a name, a text without '#', and ${kind} was given ${preview(name)}`,
      )
    }
    const base = `${kind}:${name}`
    const counts: Map<string, number> = (this.#counts ??= new Map())
    const count = (counts.get(base) ?? 0) + 1
    counts.set(base, count)
    const entry = numbered(base, count)
    if (this.#entries !== undefined && !this.#entries.has(entry)) this.#checkOthers(kind, name, count)
    return entry
  }

  /** What was recorded under an entry. */
  get(entry: string): Readonly<Record<string, unknown>> | undefined {
    const found = this.#entries?.get(entry)
    if (found === undefined) return undefined
    const value = found.text === undefined ? found.value : this.#life.host.codec.parse(found.text, entry)
    return value as Readonly<Record<string, unknown>>
  }

  /**
   * Adds an entry, or says more in it; durable when it resolves.
   *
   * @throws SerializationError for what can't be saved, where the process is run out of a store (C10)
   */
  async add(
    entry: string,
    value: Readonly<Record<string, unknown>>,
    rest: Pick<RecordEntry, 'history' | 'consumes'>,
  ): Promise<void> {
    const { host, process } = this.#life
    const beside = this.#beside(entry)
    const kept = beside.length === 0 ? value : { ...value, beside }
    const text = this.#textOf(entry, kept)
    const step = this.#steps
    const write = async (): Promise<void> => {
      await host.record(process, { name: entry, text, ...rest })
      if (step === this.#steps) this.#put(entry, text === undefined ? { value: kept } : { text })
    }
    await this.during(write())
  }

  /** In memory too, so that each attempt gets a copy of its own; there it may be something that can't be saved. */
  #textOf(entry: string, value: unknown): string | undefined {
    const { durable, codec } = this.#life.host
    try {
      return codec.stringify(value, entry)
    } catch (error) {
      if (durable || !(error instanceof SerializationError)) throw error
      return undefined
    }
  }

  #put(entry: string, value: Entry): void {
    ;(this.#entries ??= new Map()).set(entry, value)
  }

  /** What else this run of the step has begun under the name of an entry: it need not have been recorded. */
  #beside(entry: string): readonly RecordKind[] {
    const [own, name] = [
      entry.slice(0, entry.indexOf(':')),
      entry.slice(entry.indexOf(':') + 1).replace(/#\d+$/, ''),
    ]
    return kinds.filter((kind) => kind !== own && this.#counts?.has(`${kind}:${name}`) === true)
  }

  #checkOthers(kind: RecordKind, name: string, count: number): void {
    for (const other of kinds) {
      if (other === kind || this.#counts?.has(`${other}:${name}`) === true) continue
      const done = this.get(numbered(`${other}:${name}`, count))
      // It was begun before too, and came to nothing that was recorded.
      if (done === undefined || (done['beside'] as readonly string[] | undefined)?.includes(kind) === true)
        continue
      throw (this.conflict = new TransitionError(
        `the step has done the ${other} '${name}' before and now does the ${kind} '${name}': its code has changed meanwhile. ` +
          'Give the new one another name, or take the old entry out of `record` in `static upgrade`; then play the process',
      ))
    }
  }
}

function numbered(base: string, count: number): string {
  return count === 1 ? base : `${base}#${count}`
}
