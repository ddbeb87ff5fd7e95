import { isPlainObject, preview, valueAt } from '../ports/plain.ts'
import { objectAt, setOwn } from '../shared/own.ts'
import { join } from '../ports/port-name.ts'
import type { Port } from '../ports/port.ts'
import { PortNamespace } from '../ports/port-namespace.ts'
import { SpecError } from '../shared/errors.ts'
import type { Exposure } from './options.ts'
import { specOf, type AnySpec, type Definable } from './process-spec.ts'
import type { ExposedInputs, ExposedOutputs } from './typing.ts'

type Values = Readonly<Record<string, unknown>>
type Side = 'inputs' | 'outputs'

/** Where to look for exposed values. */
export interface ExposedOptions {
  /**
   * Whether to include the values of the namespaces that contain the namespace. Inner values win.
   * Default `true`.
   */
  readonly agglomerate?: boolean | undefined
}

/**
 * Returns the inputs of a process that were exposed from another class, under a dotted namespace or
 * at the top level. They are what that class is launched with. Undeclared values count as exposed
 * if the other class accepts undeclared values.
 *
 * @throws SpecError if that class was not exposed under that namespace
 */
export function exposedInputs<S extends AnySpec, C extends Definable, const N extends string = ''>(
  spec: S,
  inputs: Values,
  processClass: C,
  namespace?: N,
  options?: ExposedOptions,
): ExposedInputs<S['~in'], C, N> {
  const source = specOf(processClass).inputs
  const gathered: Record<string, unknown> = {}
  for (const level of levelsOf(spec, 'inputs', processClass, namespace, options)) {
    eachExposed(valueAt(inputs, namesOf(level.namespace)), source, level, {
      // An empty namespace differs from one that was not given.
      namespace: (names) => void objectAt(gathered, names),
      value: (names, value) => setOwn(objectAt(gathered, names.slice(0, -1)), names.at(-1)!, value),
    })
  }
  // The types follow from the declarations by which these values were checked.
  return gathered as ExposedInputs<S['~in'], C, N>
}

/**
 * Returns the outputs of a process of another class that were exposed from that class, under a
 * dotted namespace or at the top level. The keys are the dotted names of this class, ready to be
 * emitted one by one: `{ 'relax.energy': -3.2 }`.
 *
 * @throws SpecError if that class was not exposed under that namespace
 */
export function exposedOutputs<C extends Definable, const N extends string = ''>(
  spec: AnySpec,
  outputs: Values,
  processClass: C,
  namespace?: N,
  options?: ExposedOptions,
): ExposedOutputs<C, N> {
  const source = specOf(processClass).outputs
  const found = new Map<string, { readonly under: string; readonly value: unknown }>()
  for (const level of levelsOf(spec, 'outputs', processClass, namespace, options))
    eachExposed(outputs, source, level, {
      value: (names, value) => found.set(names.join('.'), { under: level.namespace, value }),
    })
  const emitted = Array.from(found, ([name, { under, value }]) => [join(under, name), value] as const)
  return Object.fromEntries(emitted) as ExposedOutputs<C, N>
}

/** The ports exposed from one class under one namespace. */
interface Level {
  readonly namespace: string
  /** The dotted names in the exposed class. */
  readonly ports: ReadonlySet<string>
  /** The namespace that contains them in the exposing class. */
  readonly into: Port | undefined
}

/** Callbacks for exposed values, with the names that lead to them. */
interface Found {
  readonly namespace?: (names: readonly string[]) => void
  readonly value: (names: readonly string[], value: unknown) => void
}

/** The levels to look at, outermost first. */
function levelsOf(
  spec: AnySpec,
  side: Side,
  processClass: Definable,
  namespace: string = '',
  { agglomerate = true }: ExposedOptions = {},
): readonly Level[] {
  const exposures = side === 'inputs' ? spec.exposedInputs : spec.exposedOutputs
  const own = exposures.filter((exposure) => exposure.processClass === processClass)
  if (!own.some((exposure) => exposure.namespace === namespace))
    throw new SpecError(
      `no ${side} of ${nameOf(processClass)} were exposed ${placeOf(namespace)}${whatWas(exposures, side)}`,
    )
  const names = namesOf(namespace)
  const paths = agglomerate
    ? ['', ...names.map((_, last) => names.slice(0, last + 1).join('.'))]
    : [namespace]
  return paths
    .filter((path) => own.some((exposure) => exposure.namespace === path))
    .map((path) => ({
      namespace: path,
      ports: new Set(own.flatMap((exposure) => (exposure.namespace === path ? exposure.ports : []))),
      into: path === '' ? spec[side] : spec[side].find(path),
    }))
}

/** Calls back with the exposed values among the values of one side of a process. */
function eachExposed(values: unknown, source: PortNamespace, { ports, into }: Level, found: Found): void {
  const look = (
    values: unknown,
    source: PortNamespace,
    into: Port | undefined,
    above: readonly string[],
  ): void => {
    if (!isPlainObject(values)) return
    found.namespace?.(above)
    for (const name of Object.keys(values)) {
      const value = values[name]
      const names = [...above, name]
      const port = source.get(name)
      const here = into instanceof PortNamespace ? into.get(name) : undefined
      if (port === undefined) {
        // A port declared only in the exposing class belongs to that class.
        if (source.dynamic && here === undefined && value !== undefined) found.value(names, value)
      } else if (ports.has(names.join('.')) && value !== undefined) {
        if (port instanceof PortNamespace) look(value, port, here, names)
        else found.value(names, value)
      }
    }
  }
  look(values, source, into, [])
}

function namesOf(path: string): readonly string[] {
  return path === '' ? [] : path.split('.')
}

function whatWas(exposures: readonly Exposure[], side: Side): string {
  if (exposures.length === 0) return `: define exposes no ${side}`
  const all = exposures.map(({ processClass, namespace }) => `${nameOf(processClass)} ${placeOf(namespace)}`)
  return `; exposed were ${[...new Set(all)].join(', ')}`
}

function placeOf(namespace: string): string {
  return namespace === '' ? 'at the top' : `under ${preview(namespace)}`
}

function nameOf(processClass: object): string {
  return String((processClass as { name?: unknown }).name)
}
