import { Codec, type SavedType } from '../bundle/codec.ts'
import { KeyConflictError, UnknownProcessClass } from '../shared/errors.ts'
import type { AnyProcessClass, LaunchOptions, ProcessHandle } from './handle.ts'
import type { Committed, ControlRequest, Host } from './host.ts'
import { LocalHandle } from './local-handle.ts'
import { outOfScope } from './scope.ts'
import { construct, hosted, type Process } from './process.ts'

const NOTHING: Committed = {}

interface KeyedChild {
  readonly processClass: AnyProcessClass
  readonly inputs: string
  readonly handle: LocalHandle
}

/** Runs processes in memory: nothing is kept, and children run beside their parent. */
export class MemoryHost implements Host {
  readonly durable = false
  readonly codec: Codec
  readonly #keyed = new WeakMap<Process, Map<string, KeyedChild>>()

  constructor(types?: readonly SavedType[]) {
    this.codec = new Codec(types)
  }

  commit(): Committed {
    return NOTHING
  }

  async launch(
    parent: Process,
    processClass: AnyProcessClass | string,
    inputs: Readonly<Record<string, unknown>> | undefined,
    options: LaunchOptions = {},
  ): Promise<ProcessHandle> {
    if (typeof processClass === 'string') {
      throw new UnknownProcessClass(
        `there is no class ${processClass} to be found by name in memory: launch the class itself, or run the process by an engine`,
      )
    }
    const { key } = options
    if (key === undefined) return this.#start(parent, processClass, inputs, options)
    let children = this.#keyed.get(parent)
    if (children === undefined) this.#keyed.set(parent, (children = new Map()))
    const text = this.codec.stringify(inputs ?? {}, 'inputs')
    const known = children.get(key)
    if (known === undefined) {
      const handle = this.#start(parent, processClass, inputs, options)
      children.set(key, { processClass, inputs: text, handle })
      return handle
    }
    if (known.processClass !== processClass || known.inputs !== text) {
      throw new KeyConflictError(
        `the key ${key} belongs to the process ${known.handle.pid} (${known.handle.name}), which has another class or other inputs`,
      )
    }
    return known.handle
  }

  request(process: Process, request: ControlRequest): boolean {
    const hold = hosted(process)
    switch (request.kind) {
      case 'pause':
        hold.pause(request.message)
        break
      case 'play':
        hold.play()
        break
      case 'kill':
        hold.kill(request.message, { force: request.force })
        break
      case 'resume':
        hold.wake(request.value, { by: 'resume' })
        break
      default:
        request satisfies never
    }
    return true
  }

  #start(
    parent: Process,
    processClass: AnyProcessClass,
    inputs: Readonly<Record<string, unknown>> | undefined,
    { pid, signal }: LaunchOptions,
  ): LocalHandle {
    const child = construct(processClass, inputs, { pid, logger: parent.logger, host: this })
    const handle = new LocalHandle(child)
    const kill = (): void => void child.kill(String(signal?.reason ?? 'aborted'))
    if (signal?.aborted === true) kill()
    else if (signal !== undefined) {
      signal.addEventListener('abort', kill, { once: true })
      child.addCleanup(() => signal.removeEventListener('abort', kill))
    }
    // How it ended is told by the handle.
    outOfScope(() => setImmediate(() => void child.stepUntilTerminated().catch(() => {})))
    return handle
  }
}

/** The host of processes that are not run out of a store. */
export const memoryHost: Host = new MemoryHost()
