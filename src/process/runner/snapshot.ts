import { Bundle, outputPart, recordPart, type BundleParts } from '../../bundle/bundle.ts'
import { registeredName } from '../../bundle/loader.ts'
import { decodeMemory, encodeMemory, record } from '../../bundle/memory.ts'
import { copyOf, frozenCopy, preview } from '../../ports/plain.ts'
import type { RetryOptions } from '../../spec/retry-policy.ts'
import { IncompatibleBundle, PortValidationError, SerializationError } from '../../shared/errors.ts'
import { setAt } from '../../shared/own.ts'
import { keepsRecord, type Life } from './process-runner.ts'
import { isTerminal } from '../state/machine.ts'
import { readState, type Around } from '../state/saved-state.ts'
import { errorText, stepOf, type StateData } from '../state/state-data.ts'

interface Output {
  readonly value: unknown
  readonly text?: string
}

/** Makes bundles of a process and takes them in. Texts that can't change any more are made once. */
export class Snapshot {
  readonly #life: Life
  #inputs: string | undefined
  #parsed: string | undefined
  #memory: string | undefined
  /** What could not be saved when it was saved before. */
  #notes: readonly string[] = []
  #outputs: Map<string, Output> | undefined
  #created: string | undefined
  #launch: string | undefined
  /** What the process kept when its step began, where that may be retried. */
  #mark: { readonly memory: string | undefined; readonly outputs: Map<string, Output> } | undefined

  constructor(life: Life) {
    this.#life = life
  }

  /**
   * An output was emitted.
   *
   * @throws SerializationError where it is to be kept and can't be saved (C10)
   * @throws PortValidationError where it is to be within a value that was emitted before
   */
  output(port: string, value: unknown): void {
    const { durable, codec } = this.#life.host
    const text = durable ? codec.stringify(value, `outputs.${port}`) : undefined
    // What is held is what is saved, whatever becomes of the value.
    const held = text === undefined || typeof value !== 'object' ? copyOf(value) : codec.parse(text)
    const output = text === undefined ? { value: held } : { value: held, text }
    try {
      setAt(this.#life.outputs, port, held)
    } catch (error) {
      throw new PortValidationError([{ port: `outputs.${port}`, message: (error as Error).message }])
    }
    ;(this.#outputs ??= new Map<string, Output>()).set(port, output)
  }

  /**
   * The bundle of the process as it is in this state.
   *
   * @throws SerializationError naming what can't be saved (C10). A process that is excepted or killed leaves that out,
   *   or keeps what was saved of it last, and notes it.
   */
  bundle(
    stage: StateData,
    paused: { readonly message: string | undefined } | undefined,
    wakeUsed: boolean,
  ): Bundle {
    const life = this.#life
    const { codec } = life.host
    const lenient = stage.label === 'excepted' || stage.label === 'killed'
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
    // What was made into text before is not attempted again.
    parts['inputs'] = this.#inputs ?? attempt(() => this.#inputsText(), '{}') ?? '{}'
    const parsed = this.#parsed ?? attempt(() => this.#parsedText(), undefined)
    if (parsed !== undefined && parsed !== this.#inputs) parts['parsed'] = parsed
    for (const [port, { text, value }] of this.#outputs ?? []) {
      put(outputPart(port), text ?? attempt(() => codec.stringify(value, `outputs.${port}`), undefined))
    }
    this.#memory = this.#hasMemory() ? attempt(() => this.#memoryText(), this.#memory) : undefined
    put('memory', this.#memory)
    put('launch', this.#launch)
    if (stage === life.stage || keepsRecord(stage)) {
      for (const [entry, text] of life.recorded()) put(recordPart(entry), text)
    }
    parts['state'] = this.#stateText(stage, this.#around(stage, wakeUsed), unsaved)
    return Bundle.fromParts(
      {
        pid: life.pid,
        class: registeredName(life.plan.processClass),
        version: life.plan.version,
        created: (this.#created ??= new Date(life.createdAt).toISOString()),
        seq: life.seq,
        paused,
        status: life.status,
      },
      parts,
    )
  }

  /**
   * A step begins. If it may be run again, that is to begin with what this begins with.
   *
   * @throws SerializationError in memory, where what the process keeps can't be copied
   */
  mark(mayRunAgain: boolean): void {
    this.#mark = undefined
    if (!mayRunAgain) return
    const { host } = this.#life
    // What is saved out of a store has just been made into text, with the transition that led here.
    const memory = host.durable ? this.#memory : this.#hasMemory() ? this.#memoryText() : undefined
    this.#mark = { memory, outputs: new Map(this.#outputs) }
  }

  /** Takes back what an attempt has changed. */
  rollBack(): void {
    if (this.#mark === undefined) return
    const { outputs } = this.#life
    for (const name of Object.keys(outputs)) delete outputs[name]
    this.#outputs = new Map(this.#mark.outputs)
    for (const [port, { value }] of this.#outputs) setAt(outputs, port, value)
    this.#memory = this.#mark.memory
    this.#life.process.ctx = {}
    this.restoreMembers()
  }

  #around(stage: StateData, wakeUsed: boolean): Around {
    if (isTerminal(stage.label)) return {}
    const { control } = this.#life
    const resumes = control.kept(wakeUsed)
    const signals = control.keptMail
    return { ...(resumes.length > 0 && { resumes }), ...(signals.length > 0 && { signals }) }
  }

  launchedWith(retry: number | RetryOptions): void {
    this.#launch = this.#life.host.codec.stringify({ retry }, 'launch')
  }

  /**
   * Takes in a bundle, while the process is constructed. Its own fields come later, by `restoreMembers`.
   *
   * @throws IncompatibleBundle where a part is damaged
   */
  load(bundle: Bundle): void {
    const { head, parts } = bundle
    const life = this.#life
    const { codec } = life.host
    life.seq = head.seq
    life.status = head.status
    life.paused = head.paused && { message: head.paused.message }
    this.#inputs = parts['inputs'] ?? '{}'
    this.#parsed = parts['parsed'] ?? this.#inputs
    life.raw = this.#decodedInputs(this.#inputs)
    life.inputs = this.#parsed === this.#inputs ? life.raw : this.#decodedInputs(this.#parsed)
    this.#loadOutputs(bundle)
    const { stage, around } = readState(codec.parse(parts['state'] ?? 'null', 'state'))
    const { resumes, signals, unsaved } = around
    life.stage = this.#known(stage)
    for (const value of resumes ?? []) life.control.wake(value, { by: 'resume' })
    for (const { name, value } of signals ?? []) life.control.post(name, value)
    if (bundle.recordNames.length > 0) life.record.load(bundle)
    this.#loadLaunch(parts['launch'])
    this.#notes = unsaved ?? []
    this.#memory = parts['memory']
  }

  /** A step that the class does not have is found out here, not when it is to run: nothing is lost by it (C9). */
  #known(stage: StateData): StateData {
    const { plan } = this.#life
    try {
      const step = stepOf(stage)
      if (step !== null) plan.step(step)
      const at = stage.label === 'running' || stage.label === 'waiting' ? stage.at : undefined
      if (at !== undefined) this.#checkPlace(at)
      return stage
    } catch (error) {
      throw this.#incompatible(error)
    }
  }

  #incompatible(cause: unknown): IncompatibleBundle {
    return new IncompatibleBundle(
      `the process ${this.#life.pid} can't be made of its saved form: ${errorText(cause)}`,
      { cause },
    )
  }

  /** @throws IncompatibleBundle where the outline does not have that position any more */
  #checkPlace(at: string): void {
    const { plan } = this.#life
    if (plan.outline === undefined)
      throw new TypeError(`${plan.name} has no outline, and it was at ${at} in one`)
    plan.outline.stepAt(at)
  }

  #loadLaunch(text: string | undefined): void {
    if (text === undefined) return
    const { host } = this.#life
    const { retry } = record(host.codec.parse(text, 'launch'), 'launch') as {
      readonly retry?: number | RetryOptions
    }
    try {
      if (retry !== undefined) this.#life.retriedAs(retry)
    } catch (error) {
      throw this.#incompatible(error)
    }
    this.#launch = text
  }

  #loadOutputs({ outputNames, parts }: Bundle): void {
    const { host, outputs } = this.#life
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
    const { process, host, plan } = this.#life
    const { ctx, members, instance } = decodeMemory(this.#memory, host.codec)
    if (!isEmpty(ctx)) process.ctx = ctx
    for (const [name, value] of Object.entries(members)) {
      if (!plan.persisted.includes(name))
        throw this.#incompatible(new TypeError(notPersisted(plan.name, name)))
      // Defined, not assigned: what is saved sets own data alone, and runs no setter.
      Object.defineProperty(process, name, { value, enumerable: true, configurable: true, writable: true })
    }
    process.loadInstanceState(instance)
  }

  /**
   * Holds what was saved of the inputs, where there is something in them that only the codec copies: a value of a registered type, or an
   * error. So nothing that a caller changes later reaches the process.
   */
  holdSaved(): void {
    const life = this.#life
    const { process } = life
    const [inputs = '{}', parsed = inputs] = [this.#inputs, this.#parsed]
    if (![inputs, parsed].some((text) => text.includes('"$":"type"') || text.includes('"$":"Error"'))) return
    life.raw = this.#decodedInputs(inputs)
    life.inputs = parsed === inputs ? life.raw : this.#decodedInputs(parsed)
    Object.defineProperty(process, 'inputs', {
      value: life.inputs,
      enumerable: true,
      configurable: true,
      writable: true,
    })
  }

  #decodedInputs(text: string): Readonly<Record<string, unknown>> {
    const { host, process } = this.#life
    return frozenCopy(record(process.decodeInputArgs(host.codec.parse(text, 'inputs')), 'inputs'))
  }

  #inputsText(): string {
    const { raw, process, host } = this.#life
    return (this.#inputs ??=
      raw === undefined ? '{}' : host.codec.stringify(process.encodeInputArgs(raw), 'inputs'))
  }

  #parsedText(): string {
    const { inputs, process, host } = this.#life
    return (this.#parsed = host.codec.stringify(process.encodeInputArgs(inputs), 'inputs'))
  }

  /** Whether the process may keep anything between its steps. */
  #hasMemory(): boolean {
    const { plan, process } = this.#life
    return plan.savesInstance || plan.persisted.length > 0 || !isEmpty(process.ctx)
  }

  #memoryText(): string | undefined {
    const { process, plan, host } = this.#life
    const members: Record<string, unknown> = {}
    for (const name of plan.persisted) members[name] = Reflect.get(process, name)
    const instance: Record<string, unknown> = {}
    process.saveInstanceState(instance)
    return encodeMemory({ ctx: process.ctx as Record<string, unknown>, members, instance }, host.codec)
  }

  #stateText(stage: StateData, around: Around, unsaved: readonly string[]): string {
    const { codec } = this.#life.host
    const note = (texts: readonly string[]) => (texts.length > 0 ? { unsaved: texts } : {})
    const told = stated(stage)
    try {
      const state = { ...told, ...around, ...note(unsaved) }
      return stage.label === 'excepted'
        ? codec.stringifyFailure(state, 'state')
        : codec.stringify(state, 'state')
    } catch (error) {
      if (stage.label !== 'excepted' || !(error instanceof SerializationError)) throw error
      const { resumes: _, ...rest } = around
      const plain = new Error(errorText(stage.error))
      if (stage.error instanceof Error) plain.stack = String(stage.error.stack)
      return codec.stringify(
        { ...told, error: plain, ...rest, ...note([...unsaved, error.message]) },
        'state',
      )
    }
  }
}

function notPersisted(className: string, member: string): string {
  return (
    `it has the member ${preview(member)}, and \`${className}.persisted\` does not name it. ` +
    'Where that was dropped on purpose, take it out of `members` in `static upgrade`'
  )
}

/** A state as it is saved: what is undefined is left out. */
function stated(stage: StateData): Record<string, unknown> {
  const told: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(stage)) if (value !== undefined) told[name] = value
  return told
}

function isEmpty(values: object): boolean {
  for (const _ in values) return false
  return true
}
