import { Bundle, outputPart, recordPart, type BundleParts } from '../../bundle/bundle.ts'
import { registeredName } from '../../bundle/loader.ts'
import { decodeMemory, encodeMemory, record } from '../../bundle/memory-part.ts'
import { copyOf, frozenCopy, preview } from '../../ports/plain.ts'
import { launchRetry, type RetryOptions } from '../../spec/retry-policy.ts'
import { IncompatibleBundle, PortValidationError, SerializationError } from '../../shared/errors.ts'
import { defineOwn, getOwn, holderAt, setAt, setOwn } from '../../shared/own.ts'
import type { RunState } from '../step/run-state.ts'
import type { KeptRequests } from './pending-requests.ts'
import { isTerminal } from '../state/machine.ts'
import { decodeState, encodeState, type StateExtras } from '../state/saved-state.ts'
import { errorText, keepsRecord, stepOf, type StateData } from '../state/state-data.ts'

interface Output {
  readonly value: unknown
  readonly text?: string
}

/** The options of a launch that are saved with the process. */
interface SavedLaunch {
  readonly retry?: number | RetryOptions
  /** Whether the saved inputs have references. */
  readonly refers?: true
}

/** Makes bundles of a process and loads them. Texts that can't change any more are made once. */
export class Snapshot {
  readonly #run: RunState
  #inputs: string | undefined
  #parsed: string | undefined
  #memory: string | undefined
  /** What could not be saved in earlier bundles. */
  #notes: readonly string[] = []
  #outputs: Map<string, Output> | undefined
  #created: string | undefined
  #launch: string | undefined
  /** What the process kept when its step began, if the step may run again. */
  #mark: { readonly memory: string | undefined; readonly outputs: Map<string, Output> } | undefined

  constructor(run: RunState) {
    this.#run = run
  }

  /**
   * Keeps an output that was emitted.
   *
   * @throws SerializationError if it is to be kept and can't be saved (C10)
   * @throws PortValidationError if it is to be within a value that was emitted before
   */
  output(port: string, value: unknown): void {
    this.#requireOutside(port)
    const { durable, codec } = this.#run.host
    const text = durable ? codec.stringify(value, `outputs.${port}`) : undefined
    // The process holds a copy of the saved value, so later changes by its code have no effect.
    const held = text === undefined || typeof value !== 'object' ? copyOf(value) : codec.parse(text)
    const output = text === undefined ? { value: held } : { value: held, text }
    let before: unknown
    try {
      const [holder, key] = holderAt(this.#run.outputs, port)
      before = getOwn(holder, key)
      setOwn(holder, key, held)
    } catch (error) {
      throw new PortValidationError([{ port: `outputs.${port}`, message: (error as Error).message }])
    }
    const kept: Map<string, Output> = (this.#outputs ??= new Map())
    if (typeof before === 'object') forgetWithin(kept, port)
    kept.set(port, output)
  }

  /** @throws PortValidationError for a name within that of a value that was emitted before */
  #requireOutside(port: string): void {
    const emitted = this.#outputs
    if (emitted === undefined) return
    for (let dot = port.indexOf('.'); dot !== -1; dot = port.indexOf('.', dot + 1)) {
      const outer = port.slice(0, dot)
      if (!emitted.has(outer)) continue
      const message =
        `can't be emitted, because outputs.${outer} was emitted as one value before. ` +
        `Emit ${outer} as a whole, or only what is in it`
      throw new PortValidationError([{ port: `outputs.${port}`, message }])
    }
  }

  /**
   * The bundle of the process as it is in this state. `kept` is what it keeps for later waits, and
   * `record` what its step has recorded by name.
   *
   * @throws SerializationError naming what can't be saved (C10). A process that is excepted or
   * killed leaves that value out, or keeps what was saved of it last, and notes the problem.
   */
  bundle(
    state: StateData,
    paused: { readonly message: string | undefined } | undefined,
    kept: KeptRequests,
    record: Iterable<readonly [entry: string, text: string]>,
  ): Bundle {
    const run = this.#run
    const { codec } = run.host
    const lenient = state.label === 'excepted' || state.label === 'killed'
    const unsaved: string[] = [...this.#notes]
    const attempt = (save: () => string | undefined, last: string | undefined): string | undefined => {
      try {
        return save()
      } catch (error) {
        if (!lenient || !(error instanceof SerializationError)) throw error
        unsaved.push(error.message)
        return last
      }
    }
    const parts: { -readonly [K in keyof BundleParts]: BundleParts[K] } = {}
    const put = (name: string, text: string | undefined): void => {
      if (text !== undefined) parts[name] = text
    }
    // A text that was made before is not made again.
    parts['inputs'] = this.#inputs ?? attempt(() => this.#inputsText(), '{}') ?? '{}'
    const parsed = this.#parsed ?? attempt(() => this.#parsedText(), undefined)
    if (parsed !== undefined && parsed !== this.#inputs) parts['parsed'] = parsed
    for (const [port, { text, value }] of this.#outputs ?? []) {
      put(outputPart(port), text ?? attempt(() => codec.stringify(value, `outputs.${port}`), undefined))
    }
    this.#memory = this.#hasMemory() ? attempt(() => this.#memoryText(), this.#memory) : undefined
    put('memory', this.#memory)
    put('launch', this.#launch)
    if (state === run.state || keepsRecord(state)) {
      for (const [entry, text] of record) put(recordPart(entry), text)
    }
    parts['state'] = encodeState(state, { ...extrasOf(state, kept), unsaved }, codec)
    return Bundle.fromParts(
      {
        pid: run.pid,
        class: registeredName(run.definition.processClass),
        version: run.definition.version,
        created: (this.#created ??= new Date(run.createdAt).toISOString()),
        seq: run.seq,
        paused,
        status: run.status,
      },
      parts,
    )
  }

  /**
   * Call it when a step begins. If the step may run again, keeps the data that it begins with, so
   * that it begins with the same data then.
   *
   * @throws SerializationError in memory, if what the process keeps can't be copied
   */
  mark(mayRunAgain: boolean): void {
    this.#mark = undefined
    if (!mayRunAgain) return
    const { host } = this.#run
    // If the host is durable, the transition that led here has just made the text.
    const memory = host.durable ? this.#memory : this.#hasMemory() ? this.#memoryText() : undefined
    this.#mark = { memory, outputs: new Map(this.#outputs) }
  }

  /** Undoes the changes of a failed attempt. */
  rollBack(): void {
    if (this.#mark === undefined) return
    const { outputs } = this.#run
    for (const name of Object.keys(outputs)) delete outputs[name]
    this.#outputs = new Map(this.#mark.outputs)
    for (const [port, { value }] of this.#outputs) setAt(outputs, port, value)
    this.#memory = this.#mark.memory
    this.#run.process.ctx = {}
    this.restoreMembers()
  }

  /**
   * The process is launched with these retries.
   *
   * @throws SpecError for retries that a launch can't have
   */
  launchedWith(retry: number | RetryOptions): void {
    this.#run.launchRetry = launchRetry(retry)
    this.#launch = this.#run.host.codec.stringify({ retry }, 'launch')
  }

  /** Keeps the inputs with references, and the options of the launch, as they were saved. */
  keepReferences({ inputs, launch }: { readonly inputs: string; readonly launch: string }): void {
    this.#inputs = inputs
    this.#launch = launch
    this.#run.rawInputs = this.#references(inputs)
  }

  /** Inputs with references, which the class has not encoded. */
  #references(inputs: string): Readonly<Record<string, unknown>> {
    return frozenCopy(record(this.#run.host.codec.parse(inputs, 'inputs'), 'inputs'))
  }

  /**
   * Takes in a bundle, while the process is constructed, and returns what the process kept for
   * waits to come. The fields of the process come later, by `restoreMembers`.
   *
   * @throws IncompatibleBundle if a part is damaged
   */
  load(bundle: Bundle): KeptRequests {
    const { head, parts } = bundle
    const run = this.#run
    const { codec } = run.host
    run.seq = head.seq
    run.status = head.status
    run.paused = head.paused && { message: head.paused.message }
    this.#inputs = parts['inputs'] ?? '{}'
    this.#parsed = parts['parsed'] ?? this.#inputs
    const { refers } = this.#loadLaunch(parts['launch'])
    run.rawInputs = refers === true ? this.#references(this.#inputs) : this.#decodedInputs(this.#inputs)
    run.inputs = this.#parsed === this.#inputs ? run.rawInputs : this.#decodedInputs(this.#parsed)
    this.#loadOutputs(bundle)
    const { state, extras } = decodeState(parts, codec)
    const { resumes = [], signals = [], unsaved = [] } = extras
    run.state = this.#known(state)
    this.#notes = unsaved
    this.#memory = parts['memory']
    return { resumes, signals }
  }

  /**
   * Refuses a step that the class does not have while the process is loaded, not when the step is
   * to run, so that nothing is lost (C9).
   */
  #known(state: StateData): StateData {
    const { definition } = this.#run
    try {
      const step = stepOf(state)
      if (step !== null) definition.step(step)
      const at = state.label === 'running' || state.label === 'waiting' ? state.at : undefined
      if (at !== undefined) this.#checkPosition(at)
      return state
    } catch (error) {
      throw this.#incompatible(error)
    }
  }

  #incompatible(cause: unknown): IncompatibleBundle {
    return new IncompatibleBundle(
      `the process ${this.#run.pid} can't be restored from its saved form: ${errorText(cause)}`,
      { cause },
    )
  }

  /** @throws IncompatibleBundle if the outline does not have that position any more */
  #checkPosition(at: string): void {
    const { name, outline } = this.#run.definition
    if (outline === undefined) throw new TypeError(`${name} has no outline, and it was at ${at} in one`)
    outline.stepAt(at)
  }

  #loadLaunch(text: string | undefined): SavedLaunch {
    if (text === undefined) return {}
    const { host } = this.#run
    const launch = record(host.codec.parse(text, 'launch'), 'launch') as SavedLaunch
    const { retry } = launch
    try {
      if (retry !== undefined) this.launchedWith(retry)
    } catch (error) {
      throw this.#incompatible(error)
    }
    this.#launch = text
    return launch
  }

  #loadOutputs({ outputNames, parts }: Bundle): void {
    const { host, outputs } = this.#run
    for (const port of outputNames) {
      const text = parts[outputPart(port)] as string
      const value = host.codec.parse(text, `outputs.${port}`)
      const kept: Map<string, Output> = (this.#outputs ??= new Map())
      kept.set(port, { value, text })
      setAt(outputs, port, value)
    }
  }

  /** Sets `ctx` and the persisted members of a process that was constructed from a bundle. */
  restoreMembers(): void {
    const { process, host, definition } = this.#run
    const { ctx, members, instance } = decodeMemory(this.#memory, host.codec)
    if (!isEmpty(ctx)) process.ctx = ctx
    for (const [name, value] of Object.entries(members)) {
      if (!definition.persisted.includes(name))
        throw this.#incompatible(new TypeError(notPersisted(definition.name, name)))
      // Defined, not assigned: saved data sets own fields only, and runs no setter.
      defineOwn(process, name, value)
    }
    process.loadInstanceState(instance)
  }

  /**
   * Makes the process hold its inputs as they were saved, if they contain something that only
   * the codec copies: a value of a registered type, or an error. So a caller's later changes do not
   * reach the process.
   */
  holdSaved(): void {
    const run = this.#run
    const { process } = run
    const [inputs = '{}', parsed = inputs] = [this.#inputs, this.#parsed]
    if (![inputs, parsed].some((text) => text.includes('"$":"type"') || text.includes('"$":"Error"'))) return
    run.rawInputs = this.#decodedInputs(inputs)
    run.inputs = parsed === inputs ? run.rawInputs : this.#decodedInputs(parsed)
    defineOwn(process, 'inputs', run.inputs)
  }

  #decodedInputs(text: string): Readonly<Record<string, unknown>> {
    const { host, process } = this.#run
    return frozenCopy(record(process.decodeInputArgs(host.codec.parse(text, 'inputs')), 'inputs'))
  }

  #inputsText(): string {
    const { rawInputs, process, host } = this.#run
    return (this.#inputs ??=
      rawInputs === undefined ? '{}' : host.codec.stringify(process.encodeInputArgs(rawInputs), 'inputs'))
  }

  #parsedText(): string {
    const { inputs, process, host } = this.#run
    return (this.#parsed = host.codec.stringify(process.encodeInputArgs(inputs), 'inputs'))
  }

  /** Whether the process may keep anything between its steps. */
  #hasMemory(): boolean {
    const { definition, process } = this.#run
    return definition.savesInstance || definition.persisted.length > 0 || !isEmpty(process.ctx)
  }

  #memoryText(): string | undefined {
    const { process, definition, host } = this.#run
    const members: Record<string, unknown> = {}
    for (const name of definition.persisted) members[name] = Reflect.get(process, name)
    const instance: Record<string, unknown> = {}
    process.saveInstanceState(instance)
    return encodeMemory({ ctx: process.ctx as Record<string, unknown>, members, instance }, host.codec)
  }
}

/** Forgets the outputs that were emitted within this one: a value that is emitted replaces them. */
function forgetWithin(outputs: Map<string, Output>, port: string): void {
  const within = `${port}.`
  for (const name of outputs.keys()) if (name.startsWith(within)) outputs.delete(name)
}

function notPersisted(className: string, member: string): string {
  return (
    `it has the member ${preview(member)}, and \`${className}.persisted\` does not name it. ` +
    'Where that was dropped on purpose, take it out of `members` in `static upgrade`'
  )
}

/** What a process that has not ended keeps for waits to come. */
function extrasOf(state: StateData, { resumes, signals }: KeptRequests): StateExtras {
  if (isTerminal(state.label)) return {}
  return { ...(resumes.length > 0 && { resumes }), ...(signals.length > 0 && { signals }) }
}

function isEmpty(values: object): boolean {
  for (const _ in values) return false
  return true
}
