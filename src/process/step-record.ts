import { recordPart, type Bundle } from '../bundle/bundle.ts'
import { SpecError, TransitionError } from '../shared/errors.ts'
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
  /** Counts the runs of steps: what began in one is no business of the next. */
  run = 0
  /** Set when the step did not do what it did before: it is paused then, whatever it comes to. */
  conflict: TransitionError | undefined

  constructor(life: Life) {
    this.#life = life
  }

  /** The step begins, or begins again. */
  begin(): void {
    this.run++
    this.#counts = undefined
    this.conflict = undefined
  }

  /** The step has ended for good. */
  clear(): void {
    this.run++
    this.#entries = undefined
    this.#counts = undefined
  }

  load(bundle: Bundle): void {
    for (const name of bundle.recordNames) this.#put(name, { text: bundle.parts[recordPart(name)] as string })
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
        `what a step does durably needs a name, a text without '#', and ${kind} was given ${JSON.stringify(name) ?? String(name)}`,
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
    const text = host.durable ? host.codec.stringify(value, entry) : undefined
    await host.record(process, { name: entry, text, ...rest })
    this.#put(entry, text === undefined ? { value } : { text })
  }

  #put(entry: string, value: Entry): void {
    ;(this.#entries ??= new Map()).set(entry, value)
  }

  #checkOthers(kind: RecordKind, name: string, count: number): void {
    for (const other of kinds) {
      if (other === kind || this.#counts?.has(`${other}:${name}`) === true) continue
      if (this.#entries?.has(numbered(`${other}:${name}`, count)) !== true) continue
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
