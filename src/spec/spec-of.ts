import { SpecError } from '../shared/errors.ts'
import { ProcessSpec } from './process-spec.ts'
import type { AnySpec, Definable, SpecClass, SpecOf } from './typing.ts'

const specs = new WeakMap<object, AnySpec>()
const underWay = new Set<object>()

/**
 * The sealed spec of a class: made at first use by the class's own `specClass` and `define`, and
 * kept for that class alone. When `define` throws nothing is kept, and the next use tries again.
 */
export function specOf<C extends Definable>(processClass: C): SpecOf<C> {
  // What is kept for a class was made by its own `define`.
  return (specs.get(processClass) ?? build(processClass)) as SpecOf<C>
}

function build(
  processClass: Definable & { readonly name?: unknown; readonly specClass?: SpecClass },
): AnySpec {
  const name = String(processClass.name)
  if (typeof processClass.define !== 'function')
    throw new SpecError(`${name} is no process class: it has no static define; let it extend Process`)
  if (underWay.has(processClass))
    throw new SpecError(`the spec of ${name} needs itself: its define exposes ${name}, or asks for its spec`)
  underWay.add(processClass)
  try {
    const spec: AnySpec = new (processClass.specClass ?? ProcessSpec)()
    const returned: unknown = processClass.define(spec)
    if (returned !== undefined && returned !== spec)
      throw new SpecError(
        `${name}.define must return the spec it was given, or nothing${returned instanceof Promise ? '; it can not be async' : ''}`,
      )
    spec.seal()
    specs.set(processClass, spec)
    return spec
  } finally {
    underWay.delete(processClass)
  }
}
