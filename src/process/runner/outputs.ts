import { PortNamespace } from '../../ports/port-namespace.ts'
import { isPlainObject } from '../../ports/plain.ts'
import { PortValidationError } from '../../shared/errors.ts'
import type { RunState } from '../step/run-state.ts'
import type { CallbackOwner } from './callbacks.ts'
import type { Notifier } from './notifier.ts'
import type { Snapshot } from './snapshot.ts'

/** Checks and keeps what a process emits. */
export class OutputEmitter {
  readonly #run: RunState
  readonly #snapshot: Snapshot
  readonly #notifier: Notifier
  readonly #owner: Pick<CallbackOwner, 'assertOpen'>

  constructor(
    run: RunState,
    snapshot: Snapshot,
    notifier: Notifier,
    owner: Pick<CallbackOwner, 'assertOpen'>,
  ) {
    this.#run = run
    this.#owner = owner
    this.#snapshot = snapshot
    this.#notifier = notifier
  }

  /** Checks an output and keeps it under its dotted name. */
  emit(port: string, value: unknown): void {
    this.#owner.assertOpen()
    const { definition, process } = this.#run
    const { hooks, spec } = definition
    hooks.onOutputEmitting?.call(process, port, value)
    const problems = spec.checkOutput(port, value)
    if (problems.length > 0) throw new PortValidationError(problems)
    this.#snapshot.output(port, value)
    if (hooks.onOutputEmitted === undefined && !this.#notifier.isHeard) return
    const declared = spec.outputs.find(port)
    const dynamic = declared === undefined || declared instanceof PortNamespace
    hooks.onOutputEmitted?.call(process, port, value, dynamic)
    this.#notifier.output(port, value, dynamic)
  }

  /**
   * Emits outputs that may nest as objects do: an object whose name is that of a namespace is
   * emitted value by value.
   */
  emitAll(outputs: Readonly<Record<string, unknown>>, prefix = ''): void {
    const { spec } = this.#run.definition
    for (const [name, value] of Object.entries(outputs)) {
      if (value === undefined) continue
      const port = `${prefix}${name}`
      if (spec.outputs.find(port) instanceof PortNamespace && isPlainObject(value)) {
        this.emitAll(value, `${port}.`)
      } else this.emit(port, value)
    }
  }
}
