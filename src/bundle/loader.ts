import { SpecError, UnknownProcessClass } from '../shared/errors.ts'
import type { Clock } from '../shared/clock.ts'
import type { Logger } from '../shared/logger.ts'
import { hasAll, shown } from '../shared/options.ts'
import { nameProblem } from '../shared/text.ts'
import type { SavedType } from './saved-type.ts'

/** A class with a name to register it under, such as a process class. */
export interface NamedClass {
  readonly name: string
  readonly processName?: string
}

/**
 * Finds the class that a bundle names, as `ClassRegistry` does. Another loader may import modules,
 * for example.
 */
export interface Loader<C = unknown> {
  /** The name under which this class is saved. */
  identify(processClass: C): string
  /** @throws UnknownProcessClass if there is no class of that name */
  load(name: string): C
}

/** What is needed to recreate a process from a bundle. */
export interface LoadContext<C = unknown> {
  /** The classes that may be loaded, by their registered names. */
  readonly processes?: readonly C[] | undefined
  /** Finds the classes, instead of `processes`. */
  readonly loader?: Loader<C> | undefined
  /** The user's classes in saved values. */
  readonly types?: readonly SavedType[] | undefined
  /** The logger of the process. */
  readonly logger?: Logger | undefined
  /** The clock for the timers of the process if it runs in memory. Default: the machine's clock. */
  readonly clock?: Clock | undefined
}

/**
 * The name under which a class is registered and saved: its own `processName`, or else its own
 * name. An inherited `processName` does not count, since it is the name of another class.
 *
 * @throws SpecError for a class without a name
 */
export function registeredName(processClass: NamedClass): string {
  const name: unknown = Object.hasOwn(processClass, 'processName')
    ? processClass.processName
    : processClass.name
  if (typeof name === 'string' && name !== '') {
    const problem = nameProblem(name)
    if (problem === undefined) return name
    throw new SpecError(`the name of a process class ${problem}: set another \`static processName\``)
  }
  throw new SpecError(
    `a process class without a name can't be found again when it is loaded: give the class a name, or a \`static processName\``,
  )
}

/**
 * Names that bundlers make: `_Order` for a class that mentions itself, `a` or `e1` in minified
 * code.
 */
const MANGLED = /^(?:_[A-Z]\w*|[a-z$_][\w$]?)$/

/** Returns a warning if a bundler may have renamed the class. */
export function mangledName(processClass: NamedClass): string | undefined {
  const name = registeredName(processClass)
  if (Object.hasOwn(processClass, 'processName') || !MANGLED.test(name)) return undefined
  return (
    `the process class ${name} looks as if a bundler had renamed it; under another name its saved processes are not found ` +
    'again: give the class a `static processName`, or keep names when bundling (esbuild: `keepNames: true`)'
  )
}

/** @throws SpecError for anything but a list of classes */
export function isListOfClasses(what: string, value: unknown): void {
  if (!Array.isArray(value)) {
    throw new SpecError(
      `${what} takes a list of process classes, not ${shown(value)}` +
        (typeof value === 'function' ? `: give [${value.name}]` : ''),
    )
  }
  // A loop over indices also finds holes.
  for (let index = 0; index < value.length; index++) {
    const one: unknown = value[index]
    if (typeof one !== 'function') {
      throw new SpecError(
        `${what}[${index}] takes a process class, not ${shown(one)}` +
          (one === undefined ? ': is the class exported, and imported without a cycle?' : ''),
      )
    }
  }
}

/** @throws TypeError for anything but a loader */
export const isLoader = hasAll('a loader', ['identify', 'load'])

/**
 * Makes a class that is derived from another one, such as the class of its chunks, by its name.
 * Undefined if the name does not belong to such a class, or the other one is not found.
 */
export type DerivedClass<C> = (name: string, find: (name: string) => C | undefined) => C | undefined

/**
 * Process classes by their registered names. A loader, if there is one, is asked for an unknown
 * class when it is needed.
 */
export class ClassRegistry<C extends NamedClass = NamedClass> implements Loader<C>, Iterable<[string, C]> {
  readonly #byName = new Map<string, C>()
  readonly #loader: Loader<C> | undefined
  readonly #derived: DerivedClass<C> | undefined

  /** @throws SpecError for a class without a name, or two classes of the same name */
  constructor(classes: Iterable<C> = [], loader?: Loader<C>, derived?: DerivedClass<C>) {
    this.#loader = loader
    this.#derived = derived
    for (const processClass of classes) this.register(processClass)
  }

  /** Whether a loader may find further classes. */
  get loads(): boolean {
    return this.#loader !== undefined
  }

  /** The number of classes known so far. */
  get size(): number {
    return this.#byName.size
  }

  /**
   * Adds a class, unless it is already registered.
   *
   * @throws SpecError for a class without a name, or another class of the same name
   */
  register(processClass: C): void {
    const name = registeredName(processClass)
    const known = this.#byName.get(name)
    if (known !== undefined && known !== processClass) {
      throw new SpecError(
        `two process classes are named ${name}, so what is saved of one could be loaded as the other: give one of them another \`static processName\``,
      )
    }
    this.#byName.set(name, processClass)
  }

  identify(processClass: C): string {
    return registeredName(processClass)
  }

  /** @throws UnknownProcessClass if there is no class of that name, with the known names */
  load(name: string): C {
    const found = this.find(name)
    if (found !== undefined) return found
    const names = [...this.#byName.keys()].toSorted()
    throw new UnknownProcessClass(
      `no process class named ${name} is registered here. ` +
        (names.length === 0 ? 'None is: ' : `Registered: ${names.join(', ')}. If it is not among them, `) +
        `give it in \`processes: [${name}]\`; if it was renamed, keep its saved name with \`static processName\`.`,
    )
  }

  /**
   * Returns the class of that name if it is registered or the loader finds it.
   *
   * @throws SpecError if the loader returns a class of another name
   */
  find(name: string): C | undefined {
    return this.#byName.get(name) ?? this.#derived?.(name, (of) => this.find(of)) ?? this.#ask(name)
  }

  #ask(name: string): C | undefined {
    if (this.#loader === undefined) return undefined
    let processClass: C
    try {
      processClass = this.#loader.load(name)
    } catch (error) {
      if (error instanceof UnknownProcessClass) return undefined
      throw error
    }
    const own = registeredName(processClass)
    if (own !== name) {
      throw new SpecError(
        `the loader was asked for the process class ${name} and gave ${own}, under which its processes would be saved: give that class \`static processName = '${name}'\``,
      )
    }
    this.register(processClass)
    return processClass
  }

  /** Whether this very class is registered. */
  has(processClass: C): boolean {
    return this.find(registeredName(processClass)) === processClass
  }

  /** Names and classes, in the order in which they were registered. */
  [Symbol.iterator](): IterableIterator<[string, C]> {
    return this.#byName.entries()
  }
}

/** The loader of a context, or a loader of its `processes`. */
export function loaderOf<C extends NamedClass>(context: LoadContext<C> | undefined): Loader<C> {
  if (context?.processes !== undefined) isListOfClasses('processes', context.processes)
  return context?.loader ?? new ClassRegistry(context?.processes)
}
