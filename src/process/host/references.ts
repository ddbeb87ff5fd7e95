import type { LaunchInputsOf } from '../../spec/typing.ts'
import type { AllowFailure, Quoted } from './input-marks.ts'
import type { Ref, Settled } from './process-handle.ts'

/*
 * What may stand in the inputs of a launch for a value that another process will produce.
 */

type Leaf =
  string | number | boolean | bigint | null | undefined | Date | Uint8Array | RegExp | UrlLike | Error

/** A `URL`, whose type a program has only with those of the DOM or of Node. */
interface UrlLike {
  readonly href: string
  readonly searchParams: object
}

/** A value of the type `T`, in which a reference or handle may stand for each value in it. */
export type Refable<T> =
  | T
  | Ref<T>
  | Quoted<T>
  | (T extends Settled<infer R> ? AllowFailure<Ref<R>> : never)
  | (T extends Leaf | ((...args: never) => unknown)
      ? never
      : T extends ReadonlyMap<infer K, infer V>
        ? ReadonlyMap<Refable<K>, Refable<V>>
        : T extends ReadonlySet<infer E>
          ? ReadonlySet<Refable<E>>
          : T extends object
            ? { readonly [K in keyof T]: Refable<T[K]> }
            : never)

/** The inputs of a launch of class `C`: each value may be a handle or a reference, at any depth. */
export type RefableInputs<C> = { [K in keyof LaunchInputsOf<C>]: Refable<LaunchInputsOf<C>[K]> }

/** The arguments of a launch: the inputs, which are optional if every input is optional. */
export type LaunchArgs<C> =
  {} extends LaunchInputsOf<C> ? [inputs?: RefableInputs<C> | undefined] : [inputs: RefableInputs<C>]
