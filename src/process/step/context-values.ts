import type { IsAny } from '../../ports/port-tree.ts'
import type { ProcessHandle, Settled } from '../host/process-handle.ts'
import type { HandleLike } from '../state/awaits.ts'
import type { AllowFailure, Append } from './context.ts'

/*
 * The types of what a step gives for the context of a work chain, compared with the declared type
 * of the context.
 */

/** What `toContext` refuses: the context has nothing under that dotted name. */
export interface NotInContext<Name> {
  readonly error: 'the declared type of ctx has nothing under this name'
  readonly name: Name
}

/** The type that each value must have for a context of the type `Ctx`. */
export type ContextFit<Ctx, Values> = {
  readonly [Name in keyof Values]: string extends Name ? unknown : Fit<At<Ctx, Name>, Values[Name], Name>
}

/** The type under a dotted name; `never` where there is none. */
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

type Fit<T, V, Name> = [T] extends [never]
  ? NotInContext<Name>
  : V extends Append<infer H>
    ? [ResultOf<H>] extends [ElementOf<T>]
      ? V
      : Append<HandleOf<ElementOf<T>>>
    : V extends HandleLike | AllowFailure
      ? [ResultOf<V>] extends [T]
        ? V
        : HandleOf<T>
      : V extends readonly (HandleLike | AllowFailure)[]
        ? [ResultsOf<V>] extends [T]
          ? V
          : readonly HandleOf<ElementOf<T>>[]
        : [V] extends [T]
          ? V
          : [Writable<V>] extends [T]
            ? V
            : T

/** The type of what a handle stands for. A result that the class does not declare fits any type. */
type ResultOf<H> =
  H extends AllowFailure<infer Inner>
    ? Settled<ResultOf<Inner>>
    : H extends ProcessHandle<infer R, infer _>
      ? unknown extends R
        ? Unknown
        : R
      : Unknown
// oxlint-disable-next-line typescript/no-explicit-any
type Unknown = any

type ResultsOf<List> = { -readonly [K in keyof List]: ResultOf<List[K]> }
type ElementOf<T> = IsAny<T> extends true ? T : T extends readonly (infer E)[] ? E : never
/** For messages: the handle that would fit. */
type HandleOf<T> = [T] extends [Settled<infer R>] ? AllowFailure<ProcessHandle<R>> : ProcessHandle<T>

/** Lists that are not read-only, as `const` type parameters make them. */
type Writable<V> = V extends readonly unknown[]
  ? { -readonly [K in keyof V]: Writable<V[K]> }
  : V extends object
    ? { [K in keyof V]: Writable<V[K]> }
    : V
