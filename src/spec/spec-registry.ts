import { SpecError } from '../shared/errors.ts'
import { setOwner } from './method-name.ts'

/**
 * A class with a static `define`, which declares the spec, and maybe a class of specs of its own.
 */
interface DefiningClass<S> {
  readonly name?: unknown
  readonly specClass?: new () => S
  define(spec: never): unknown
}

/**
 * The sealed specs of classes. A class's own `specClass` and `define` make its spec at first use.
 * If `define` throws, nothing is kept, and the next use tries again.
 */
export class SpecRegistry<S extends object & { seal(): void }> {
  readonly #defaultClass: new () => S
  readonly #specs = new WeakMap<object, S>()
  /** The classes whose `define` is running. */
  readonly #defining = new Set<object>()

  /** `defaultClass` makes the specs of classes without a `specClass`. */
  constructor(defaultClass: new () => S) {
    this.#defaultClass = defaultClass
  }

  /** @throws SpecError if the class has no `define`, or if its `define` is wrong */
  of(processClass: DefiningClass<S>): S {
    return this.#specs.get(processClass) ?? this.#define(processClass)
  }

  #define(processClass: DefiningClass<S>): S {
    const name = String(processClass.name)
    if (typeof processClass.define !== 'function')
      throw new SpecError(`${name} is not a process class: it has no static define; let it extend Process`)
    if (this.#defining.has(processClass))
      throw new SpecError(
        `the spec of ${name} needs itself: its define exposes ${name}, or asks for its spec`,
      )
    this.#defining.add(processClass)
    try {
      const spec = new (processClass.specClass ?? this.#defaultClass)()
      setOwner(spec, processClass)
      const returned: unknown = processClass.define(spec as never)
      if (returned !== undefined && returned !== spec)
        throw new SpecError(
          `${name}.define must return the spec it was given, or nothing${returned instanceof Promise ? '; it must not be async' : ''}`,
        )
      spec.seal()
      this.#specs.set(processClass, spec)
      return spec
    } finally {
      this.#defining.delete(processClass)
    }
  }
}
