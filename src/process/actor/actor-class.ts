import type { Codec } from '../../bundle/codec.ts'
import { record } from '../../bundle/memory-part.ts'
import type { PruneOptions } from '../../spec/prune-policy.ts'
import { SpecError } from '../../shared/errors.ts'
import { shown } from '../../shared/options.ts'
import { defineOwn } from '../../shared/own.ts'
import { nameProblem } from '../../shared/text.ts'

/** Any class of actors: the state of an instance is its own fields. */
export type AnyActorClass = (abstract new (...args: never) => object) & {
  readonly name: string
  /** The name under which the class is saved. Default: that of the class. Set it if code is minified. */
  readonly actorName?: string
  /** The fields that are not state: the constructor or `onLoad` sets them again. */
  readonly transient?: readonly string[]
  /** When engines delete ended calls of these actors, like `static prune` of a process class. */
  readonly prune?: PruneOptions
}

interface ActorInstance extends Record<string, unknown> {
  onLoad?: () => unknown
}

/** The method that is called after the construction and after each load. It is not called from outside. */
export const ON_LOAD = 'onLoad'
/** The calls by which fields are read and set in the order of the calls. */
export const GET = '$get'
export const SET = '$set'

/** @throws SpecError for anything but a class */
export function isActorClass(what: string, value: unknown): void {
  if (typeof value === 'function' && typeof value.prototype === 'object' && value.prototype !== null) return
  throw new SpecError(`${what} takes an actor class, not ${shown(value)}`)
}

/** @throws SpecError for anything but a class, or for a class without a name or with a dot in it */
export function actorName(actorClass: AnyActorClass): string {
  isActorClass('an actor', actorClass)
  const own = Object.hasOwn(actorClass, 'actorName')
  const name: unknown = own ? actorClass.actorName : actorClass.name
  const problem = nameProblem(name) ?? (String(name).includes('.') ? "must be without '.'" : undefined)
  if (problem === undefined) return name as string
  throw new SpecError(
    `the name of an actor class ${problem}, and is ${shown(name)}: give the class a name, or a \`static actorName\``,
  )
}

/** @throws SpecError for anything but a list of classes */
export function isListOfActors(what: string, value: unknown): void {
  if (!Array.isArray(value)) throw new SpecError(`${what} takes a list of actor classes, not ${shown(value)}`)
  for (const [index, one] of value.entries()) isActorClass(`${what}[${index}]`, one)
}

/** Actor classes by the names under which they are saved. */
export class ActorClasses implements Iterable<[string, AnyActorClass]> {
  readonly #byName = new Map<string, AnyActorClass>()

  /** @throws SpecError for a class without a name, or two of one name */
  constructor(classes: Iterable<AnyActorClass> = []) {
    for (const actorClass of classes) {
      const name = actorName(actorClass)
      const known = this.#byName.get(name)
      if (known !== undefined && known !== actorClass)
        throw new SpecError(
          `two actor classes are named ${name}: give one of them another \`static actorName\``,
        )
      this.#byName.set(name, actorClass)
    }
  }

  find(name: string): AnyActorClass | undefined {
    return this.#byName.get(name)
  }

  [Symbol.iterator](): IterableIterator<[string, AnyActorClass]> {
    return this.#byName.entries()
  }
}

/** Whether instances of the class have a method of this name that can be called from outside. */
export function hasMethod(actorClass: AnyActorClass, method: string): boolean {
  if (method === 'constructor' || method === ON_LOAD || method in Object.prototype) return false
  return typeof Reflect.get(actorClass.prototype as object, method) === 'function'
}

/** The names of all calls of an actor class. */
export function methodsOf(actorClass: AnyActorClass): readonly string[] {
  const names = new Set([GET, SET])
  let at: object | null = actorClass.prototype as object
  while (at !== null && at !== Object.prototype) {
    for (const name of Object.getOwnPropertyNames(at)) if (hasMethod(actorClass, name)) names.add(name)
    at = Object.getPrototypeOf(at) as object | null
  }
  return [...names]
}

/**
 * An instance of an actor class in memory. Each instance is made by the constructor with the arguments of
 * the actor, since only a constructor makes private members; saved fields then replace its own.
 */
export class ActorObject {
  readonly #class: AnyActorClass
  readonly #codec: Codec
  /** The arguments of the constructor, saved as inputs. */
  readonly #inputs: string
  readonly #transient: ReadonlySet<string>
  #instance: ActorInstance = {}

  constructor(actorClass: AnyActorClass, inputs: string, codec: Codec) {
    this.#class = actorClass
    this.#inputs = inputs
    this.#codec = codec
    this.#transient = new Set(actorClass.transient)
  }

  /**
   * Constructs an instance, and sets its saved fields, if there are any. Throws what its code
   * throws.
   *
   * @throws IncompatibleBundle if what is saved is damaged
   */
  async make(fields?: string): Promise<void> {
    const { name } = this.#class
    const { args } = record(this.#codec.parse(this.#inputs, 'inputs'), 'inputs')
    const saved = fields === undefined ? undefined : record(this.#codec.parse(fields, name), name)
    const instance = Reflect.construct(
      this.#class as unknown as new () => ActorInstance,
      args as readonly unknown[],
    ) as ActorInstance
    if (saved !== undefined) this.#restore(instance, saved)
    this.#instance = instance
    await instance.onLoad?.()
  }

  #restore(instance: ActorInstance, saved: Readonly<Record<string, unknown>>): void {
    for (const name of Object.keys(instance))
      if (!this.#transient.has(name) && !Object.hasOwn(saved, name)) Reflect.deleteProperty(instance, name)
    // Defined, not assigned: saved data sets own fields only, and runs no setter.
    for (const [name, value] of Object.entries(saved)) defineOwn(instance, name, value)
  }

  /** The text of the fields. @throws SerializationError with the path of what can't be saved (C10) */
  text(): string {
    const fields: Record<string, unknown> = {}
    for (const name of Object.keys(this.#instance))
      if (!this.#transient.has(name)) defineOwn(fields, name, this.#instance[name])
    return this.#codec.stringify(fields, this.#class.name)
  }

  /** Calls a method. Throws if there is no such method, and throws what the method throws. */
  call(method: string, args: readonly unknown[]): unknown {
    if (method === GET) return this.#instance[this.#field(args[0])]
    if (method === SET) {
      this.#instance[this.#field(args[0])] = args[1]
      return undefined
    }
    if (!hasMethod(this.#class, method)) throw new TypeError(`${this.#class.name} has no method ${method}`)
    return (this.#instance[method] as (...args: readonly unknown[]) => unknown)(...args)
  }

  #field(name: unknown): string {
    if (typeof name === 'string' && !hasMethod(this.#class, name) && name !== ON_LOAD) return name
    throw new TypeError(`${this.#class.name} has no field ${shown(name)}`)
  }
}

/** A field of the saved state of an actor. */
export function savedField(text: string, name: string, codec: Codec): unknown {
  const fields = record(codec.parse(text, 'the fields of the actor'), 'the fields of the actor')
  return Object.hasOwn(fields, name) ? fields[name] : undefined
}
