import type { DynamicType, Emitted, Given, IsAny, PathOf, Read, ValueAt } from '../ports/port-tree.ts'
import type { Simplify } from '../ports/schema-type.ts'
import type { ExitCodes } from './exit-code.ts'
import type { SpecOf } from './process-spec.ts'

type In<C> = SpecOf<C>['~in']
type Out<C> = SpecOf<C>['~out']
type Untyped = Readonly<Record<string, unknown>>

/** What `this.inputs` holds; defaults are filled in. */
export type InputsOf<C> = IsAny<In<C>> extends true ? Untyped : Read<In<C>>
/** What a launcher gives; ports with a default may be left out. */
export type LaunchInputsOf<C> = IsAny<In<C>> extends true ? Untyped : Given<In<C>>
/** What a process that ended well has emitted. */
export type OutputsOf<C> = IsAny<Out<C>> extends true ? Untyped : Given<Out<C>>
/** What a process has emitted that has not ended, or did not succeed. */
export type PartialOutputsOf<C> = IsAny<Out<C>> extends true ? Untyped : Emitted<Out<C>>
/** The dotted names that `out()` takes. */
export type OutputName<C> = IsAny<Out<C>> extends true ? string : PathOf<Out<C>>
/** What `out()` takes under a name. */
export type OutputValue<C, Name> = IsAny<Out<C>> extends true ? unknown : ValueAt<Out<C>, Name>
/** What `this.exitCodes` holds. */
export type ExitCodesOf<C> =
  IsAny<SpecOf<C>['~codes']> extends true ? ExitCodes<Record<string, string>> : ExitCodes<SpecOf<C>['~codes']>

type Signals<C> = SpecOf<C>['~signals']
/** The names of the signals that a process of this class takes. */
export type SignalName<C> = IsAny<Signals<C>> extends true ? string : keyof Signals<C> & string
/** What a signal brings. */
export type SignalValue<C, Name> =
  IsAny<Signals<C>> extends true ? unknown : Name extends keyof Signals<C> ? Signals<C>[Name] : never
/** The payload after the name of a signal; it may be left out where it may be undefined. */
export type SignalArgs<C, Name> =
  undefined extends SignalValue<C, Name> ? [payload?: SignalValue<C, Name>] : [payload: SignalValue<C, Name>]

/** Inputs may be left out of a call only when every one of them may be left out. */
export type LaunchArgs<C> =
  {} extends LaunchInputsOf<C> ? [inputs?: LaunchInputsOf<C>] : [inputs: LaunchInputsOf<C>]

/**
 * The inputs that were exposed from `C`, as a process with the inputs `Tree` holds them under the
 * dotted namespace `N` and those that it is in; what is further in wins.
 */
export type ExposedInputs<Tree, C, N extends string> =
  IsAny<Tree> extends true
    ? LaunchInputsOf<C>
    : IsAny<In<C>> extends true
      ? Untyped
      : Simplify<Gathered<Tree, In<C>, N>>
type Gathered<Tree, Source, N extends string> = N extends ''
  ? Shared<Read<Tree>, Source>
  : N extends `${infer Head}.${infer Rest}`
    ? Over<Shared<Read<Tree>, Source>, Head extends keyof Tree ? Gathered<Tree[Head], Source, Rest> : {}>
    : Over<Shared<Read<Tree>, Source>, N extends keyof Tree ? Shared<Read<Tree[N]>, Source> : {}>
type Over<Outer, Inner> = Omit<Outer, keyof Inner> & Inner
type Shared<Values, Source> =
  Source extends DynamicType<unknown>
    ? Values
    : { [K in keyof Values as K extends keyof Source ? K : never]: Values[K] }

/**
 * The outputs that were exposed from `C`, by the dotted names that they have under the namespace
 * `N`.
 */
export type ExposedOutputs<C, N extends string> =
  IsAny<Out<C>> extends true
    ? Untyped
    : { readonly [K in PathOf<Out<C>> as N extends '' ? K : `${N}.${K}`]?: ValueAt<Out<C>, K> }

/**
 * The mistake of a class that says `extends Process<typeof Other>`, in place of a parameter it
 * can't be given to.
 */
export interface TypedByAnotherClass<Other> {
  readonly error: 'this class says `extends Process<typeof Other>`; it has to name itself'
  readonly other: Other
}

/**
 * `Class & SelfTyped<Class>` as the type of a parameter refuses a class that was typed by
 * another one. Process instances say under `~class` by which class they are typed.
 */
export type SelfTyped<C> = C extends abstract new (...args: never) => { readonly '~class': infer D }
  ? IsAny<In<C>> extends true
    ? IsAny<In<D>> extends true
      ? unknown
      : TypedByAnotherClass<D>
    : [In<C>, Out<C>, Signals<C>] extends [In<D>, Out<D>, Signals<D>]
      ? unknown
      : TypedByAnotherClass<D>
  : unknown

/** As `SelfTyped`, for each of several classes: `processes: P & AllSelfTyped<P>`. */
export type AllSelfTyped<P extends readonly unknown[]> = { readonly [I in keyof P]: P[I] & SelfTyped<P[I]> }
