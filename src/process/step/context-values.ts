import type { IsAny } from '../../ports/port-tree.ts'
import type { SpecOf } from '../../spec/process-spec.ts'
import type { OutputsOf } from '../../spec/typing.ts'
import type { ProcessHandle, Settled } from '../host/process-handle.ts'
import type { HandleLike } from '../state/awaits.ts'
import type { AllowFailure } from '../host/input-marks.ts'
import type { Append } from './context.ts'

/*
 * The types of what a step gives for the context of a work chain, compared with the declared type
 * of the context.
 */

/** What `toContext` refuses: the context has nothing under that dotted name. */
export interface NotInContext<Name> {
  readonly error: 'the declared type of ctx has nothing under this name'
  readonly name: Name
}

/**
 * The type that each value must have for a context of the type `Ctx`. If `Outputs` is true,
 * handles stand for outputs and not for results.
 */
export type ContextFit<Ctx, Values, Outputs = false> = {
  readonly [Name in keyof Values]: string extends Name
    ? unknown
    : Fit<At<Ctx, Name>, Values[Name], Name, Outputs>
}

/** The type under a dotted name; `never` if there is none. */
type At<T, Name> =
  IsAny<T> extends true
    ? T
    : T extends object
      ? Name extends keyof T
        ? T[Name]
        : Name extends `${infer Head}.${infer Rest}`
          ? Head extends keyof T
            ? At<T[Head], Rest>
            : never
          : never
      : never

type Fit<T, V, Name, O> = [T] extends [never]
  ? NotInContext<Name>
  : V extends Append<infer H>
    ? [ValueOf<H, O>] extends [ElementOf<T>]
      ? V
      : Append<HandleOf<ElementOf<T>, O>>
    : V extends HandleLike | AllowFailure
      ? [ValueOf<V, O>] extends [T]
        ? V
        : HandleOf<T, O>
      : V extends readonly (HandleLike | AllowFailure)[]
        ? [ValuesOf<V, O>] extends [T]
          ? V
          : readonly HandleOf<ElementOf<T>, O>[]
        : [V] extends [T]
          ? V
          : [Writable<V>] extends [T]
            ? V
            : T

/**
 * The type of what a handle stands for. A result, or outputs, that the class does not declare fit
 * any type.
 */
type ValueOf<H, O> =
  H extends AllowFailure<infer Inner>
    ? Settled<ValueOf<Inner, O>>
    : H extends ProcessHandle<infer R, infer C>
      ? O extends true
        ? IsAny<SpecOf<C>['~out']> extends true
          ? Unknown
          : OutputsOf<C>
        : unknown extends R
          ? Unknown
          : R
      : Unknown
// oxlint-disable-next-line typescript/no-explicit-any
type Unknown = any

type ValuesOf<List, O> = { -readonly [K in keyof List]: ValueOf<List[K], O> }
type ElementOf<T> = IsAny<T> extends true ? T : T extends readonly (infer E)[] ? E : never
/** For messages: the handle that would fit. */
type HandleOf<T, O> = [T] extends [Settled<infer R>] ? AllowFailure<HandleTo<R, O>> : HandleTo<T, O>
/** If `O` is `boolean`, both its result and its outputs have to fit. */
type HandleTo<T, O> = true extends O
  ? HandleWithOutputs<T> & (false extends O ? ProcessHandle<T> : unknown)
  : ProcessHandle<T>
interface HandleWithOutputs<T> extends HandleLike {
  readonly outputs: { all(): Promise<T> }
}

/** Lists that are not read-only, as `const` type parameters make them. */
type Writable<V> = V extends readonly unknown[]
  ? { -readonly [K in keyof V]: Writable<V[K]> }
  : V extends object
    ? { [K in keyof V]: Writable<V[K]> }
    : V
