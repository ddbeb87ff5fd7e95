import type { PortNamespace } from '../ports/port-namespace.ts'
import { PortNamespace as Namespace } from '../ports/port-namespace.ts'
import { getOwn, isPlainObject, setOwn } from '../ports/plain.ts'
import { SpecError } from '../shared/errors.ts'
import type { Exposure } from './options.ts'
import { specOf } from './spec-of.ts'
import type { AnySpec, Definable, ExposedInputs, ExposedOutputs } from './typing.ts'

type Values = Readonly<Record<string, unknown>>

export interface ExposedOptions {
  /** Whether the namespaces that the namespace is in are looked at too; what is further in wins. `true` unless said otherwise. */
  readonly agglomerate?: boolean | undefined
}

/**
 * Of the inputs of a process those that were exposed from another class under a dotted namespace, or at the top without one: what that
 * class is launched with.
 *
 * @throws SpecError where that class was not exposed under that namespace
 */
export function exposedInputs<S extends AnySpec, C extends Definable, const N extends string = ''>(
  spec: S,
  inputs: Values,
  processClass: C,
  namespace?: N,
  options: ExposedOptions = {},
): ExposedInputs<S['~in'], C, N> {
  const gathered: Record<string, unknown> = {}
  const source = specOf(processClass).inputs
  for (const level of levelsOf(spec.exposedInputs, processClass, 'inputs', namespace, options)) {
    const here = level.namespace === '' ? spec.inputs : spec.inputs.getPort(level.namespace)
    const values = at(inputs, level.namespace)
    if (values === undefined || !(here instanceof Namespace)) continue
    for (const [name, value] of Object.entries(pick(values, source, here, level.ports, '')))
      setOwn(gathered, name, value)
  }
  // The types follow the declarations that these values were checked by.
  return gathered as ExposedInputs<S['~in'], C, N>
}

/**
 * Of the outputs of another process those that were exposed from its class under a dotted namespace, or at the top without one, by the
 * dotted names that they have here: for `outMany`.
 *
 * @throws SpecError where that class was not exposed under that namespace
 */
export function exposedOutputs<C extends Definable, const N extends string = ''>(
  spec: AnySpec,
  outputs: Values,
  processClass: C,
  namespace?: N,
  options: ExposedOptions = {},
): ExposedOutputs<C, N> {
  const gathered: Record<string, unknown> = {}
  void [spec, outputs, processClass, namespace, options]
  return gathered as ExposedOutputs<C, N>
}

interface Level {
  readonly namespace: string
  readonly ports: ReadonlySet<string>
}

function levelsOf(
  exposures: readonly Exposure[],
  processClass: object,
  side: 'inputs' | 'outputs',
  namespace: string | undefined,
  { agglomerate = true }: ExposedOptions,
): readonly Level[] {
  void [side, agglomerate]
  const found = exposures.filter(
    (one) => one.processClass === processClass && one.namespace === (namespace ?? ''),
  )
  if (found.length === 0) throw new SpecError('was not exposed')
  return [{ namespace: namespace ?? '', ports: new Set(found.flatMap(({ ports }) => ports)) }]
}

function at(values: Values, path: string): Values | undefined {
  let found: unknown = values
  if (path !== '')
    for (const name of path.split('.')) found = isPlainObject(found) ? getOwn(found, name) : undefined
  return isPlainObject(found) ? found : undefined
}

function pick(
  values: Values,
  source: PortNamespace,
  here: PortNamespace,
  ports: ReadonlySet<string>,
  prefix: string,
): Values {
  void [source, here]
  return Object.fromEntries(Object.entries(values).filter(([name]) => ports.has(prefix + name)))
}
