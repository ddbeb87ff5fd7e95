import type { ClassRegistry } from '../../bundle/loader.ts'
import type { Control } from '../../persistence/contract/control.ts'
import type { ClassRow } from '../../persistence/contract/engines.ts'
import type { JsonSchema } from '../../ports/schema-type.ts'
import { checkOf, type Check } from '../../ports/schema-check.ts'
import type { AnyProcessClass } from '../../process/host/process-object.ts'
import type { PortProblem } from '../../shared/errors.ts'
import { specOf } from '../../spec/process-spec.ts'

type Checks = ReadonlyMap<string, Check>

/**
 * Checks signals in the sending program: by the class if this program knows it, otherwise by the
 * schemas that engines have registered. Signals to a class that no engine has registered are not
 * checked.
 */
export class SignalSchemas {
  readonly #classes: ClassRegistry<AnyProcessClass>
  readonly #store: Pick<Control, 'classes'>
  readonly #made = new Map<string, { readonly of: string; readonly checks: Checks }>()

  constructor(classes: ClassRegistry<AnyProcessClass>, store: Pick<Control, 'classes'>) {
    this.#classes = classes
    this.#store = store
  }

  /** Returns the problems of a signal to a process of the class `className`. `processClass` is set if the sender knows it. */
  async check(
    className: string,
    processClass: AnyProcessClass | undefined,
    signal: string,
    payload: unknown,
  ): Promise<readonly PortProblem[]> {
    const known = processClass ?? this.#classes.find(className)
    if (known !== undefined) return specOf(known).checkSignal(signal, payload)
    const row = (await this.#store.classes()).find(({ name }) => name === className)
    if (row === undefined) return []
    const port = `signals.${signal}`
    const checks = this.#checksOf(row)
    const check = checks.get(signal)
    if (check !== undefined) return (check(payload) ?? []).map((message) => ({ port, message }))
    const names = [...checks.keys()]
    const others =
      names.length === 0 ? `${className} declares none` : `${className} declares ${names.join(', ')}`
    return [{ port, message: `there is no signal '${signal}': ${others}` }]
  }

  /** Compiled again only if the registered schemas have changed. */
  #checksOf({ name, signals }: ClassRow): Checks {
    const known = this.#made.get(name)
    if (known?.of === signals) return known.checks
    const schemas = Object.entries(JSON.parse(signals) as Record<string, JsonSchema>)
    const checks = new Map(schemas.map(([signal, schema]) => [signal, checkOf(schema)]))
    this.#made.set(name, { of: signals, checks })
    return checks
  }
}
