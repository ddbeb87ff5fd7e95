import { registeredName } from '../../bundle/loader.ts'
import { onAbort } from '../../shared/abort.ts'
import { systemClock } from '../../shared/clock.ts'
import { PortValidationError, SpecError } from '../../shared/errors.ts'
import { setImmediate } from '../../shared/timers.ts'
import { specOf, type ProcessSpec } from '../../spec/process-spec.ts'
import type { PruneOptions } from '../../spec/prune-policy.ts'
import { MemoryHandle } from '../handle/memory-handle.ts'
import { memoryLogOf } from '../handle/memory-log.ts'
import { chunkName, chunksOf, type ChunkInputs } from '../host/chunks.ts'
import { construct } from '../host/construction.ts'
import type { InputsSource } from '../host/group-options.ts'
import type { AnyProcessClass, Hosted, ProcessObject } from '../host/process-object.ts'
import { UnsuccessfulResult } from '../state/commands.ts'
import type { Progress } from '../state/report.ts'
import { currentRun } from '../step/current-process.ts'
import type { PrintOptions } from '../step/reports.ts'
import { expireAt } from './memory-children.ts'
import { MemoryHost } from './memory-host.ts'

/*
 * The classes of chunks. The step of a chunk runs its items one after the other in memory, as
 * `execute()` does within a step, and returns the list of their results. Only the chunk is stored, so
 * after a crash all of its items run again. Each item has the same pid then, so the idempotency keys
 * of its effects are the same.
 */

/**
 * The class `Process`, as far as chunks use it. They are given it, since `Process` itself launches
 * chunks.
 */
interface ChunkBase {
  new (inputs?: Readonly<Record<string, unknown>>): ProcessObject & {
    print(text: string, options?: PrintOptions): void
    progress(progress: Progress): void
  }
  define(spec: ProcessSpec): unknown
  readonly prototype: ProcessObject
}

type Inputs = Readonly<Record<string, unknown>>

interface ItemClass {
  readonly version?: number
  readonly prune?: PruneOptions
}

const classes = new WeakMap<AnyProcessClass, AnyProcessClass>()

/** The class of chunks of a class: the same one for each call. */
export function chunkClassOf(base: ChunkBase, itemClass: AnyProcessClass): AnyProcessClass {
  let known = classes.get(itemClass)
  if (known === undefined) classes.set(itemClass, (known = chunkClass(base, itemClass)))
  return known
}

/** @throws SpecError for a class whose processes can't be items */
function requireChunkable(base: ChunkBase, itemClass: AnyProcessClass): void {
  const name = registeredName(itemClass)
  requireNoSignal(name, [...specOf(itemClass).signals.keys()])
  if (itemClass.prototype.encodeInputArgs !== base.prototype.encodeInputArgs)
    throw notChunkable(name, 'it saves its inputs by encodeInputArgs, and in a chunk that is not called')
}

/** @throws SpecError for a class that declares signals, since no one can send a signal to an item */
export function requireNoSignal(name: string, [signal]: readonly string[]): void {
  if (signal !== undefined)
    throw notChunkable(name, `it declares the signal ${signal}, which no one can send to an item`)
}

function notChunkable(name: string, why: string): SpecError {
  return new SpecError(
    `processes of the class ${name} can't run in chunks, since ${why}: launch them without chunkSize`,
  )
}

function chunkClass(base: ChunkBase, itemClass: AnyProcessClass): AnyProcessClass {
  const { version = 1, prune } = itemClass as ItemClass
  return class extends base {
    static readonly processName = chunkName(registeredName(itemClass))
    static readonly version = version
    static readonly prune = prune

    static override define(spec: ProcessSpec): unknown {
      super.define(spec)
      return spec
        .input('items', {
          validator: (items) => problemsOf(itemClass, items),
          help: `the inputs of several processes of the class ${registeredName(itemClass)}`,
        })
        .returns({})
    }

    async run(): Promise<unknown> {
      const { items } = this.inputs as ChunkInputs
      const host = new MemoryHost(undefined, currentRun()?.host.clock ?? systemClock)
      const results: unknown[] = []
      let areSuccessful = true
      for (const [index, inputs] of items.entries()) {
        this.signal.throwIfAborted()
        const item = construct(itemClass, inputs, { pid: `${this.pid}.${index}`, logger: this.logger, host })
        const outcome = await this.#outcomeOf(item, host)
        if (outcome.status === 'rejected') throw outcome.reason
        results.push(outcome.value)
        areSuccessful &&= outcome.state.successful
        this.progress({ done: index + 1, total: items.length })
        // Items that never wait must not keep a kill, or the other processes, from being noticed.
        await new Promise<void>((resolve) => setImmediate(resolve))
      }
      return areSuccessful ? results : new UnsuccessfulResult(results)
    }

    async #outcomeOf(item: Hosted, host: MemoryHost): Promise<ReturnType<MemoryHandle['takeOutcome']>> {
      const { process } = item
      const { deadlineAfter } = specOf(itemClass)
      if (deadlineAfter !== undefined) expireAt(item, host.clock.now() + deadlineAfter, host.clock)
      const handle = new MemoryHandle(process, host)
      const stopListening = onAbort(this.signal, () => item.kill(undefined, { force: true }))
      const log = memoryLogOf(item)
      let shown = 0
      const show = (): void => {
        for (const { text, stream } of log.entries.slice(shown))
          this.print(text.replace(/\n$/, ''), { stream })
        shown = log.entries.length
      }
      const stopShowing = log.listen(show)
      try {
        await process.stepUntilTerminated()
      } finally {
        show()
        stopShowing()
        stopListening()
      }
      return handle.takeOutcome()
    }
  }
}

/** Why items do not fit, or nothing. */
function problemsOf(itemClass: AnyProcessClass, items: unknown): string | undefined {
  if (!Array.isArray(items)) return 'must be a list of inputs'
  const spec = specOf(itemClass)
  for (const [index, inputs] of items.entries()) {
    try {
      spec.parseInputs(inputs as Readonly<Record<string, unknown>>)
    } catch (error) {
      if (!(error instanceof PortValidationError)) throw error
      return `the inputs at position ${index} of the chunk do not fit: ${error.message}`
    }
  }
  return undefined
}

/** A group launch of a class. */
interface GroupOfClass {
  readonly processClass: AnyProcessClass | string
  readonly inputs: InputsSource<Inputs>
}

/**
 * Makes a group launch one of chunks, if they have more than one item.
 *
 * @throws SpecError for a class whose processes can't be items
 */
export function inChunks(
  base: ChunkBase,
  { processClass, inputs }: GroupOfClass,
  chunkSize = 1,
): GroupOfClass {
  if (chunkSize === 1) return { processClass, inputs }
  const chunks = chunksOf(inputs, chunkSize) as InputsSource<Inputs>
  if (typeof processClass === 'string') return { processClass: chunkName(processClass), inputs: chunks }
  requireChunkable(base, processClass)
  return { processClass: chunkClassOf(base, processClass), inputs: chunks }
}
