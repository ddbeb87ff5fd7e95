import type { DynamicType, Emitted, Given, IsAny, PathOf, Read, ValueAt } from '../ports/port-tree.ts'
import type { Simplify } from '../ports/schema-type.ts'
import type { ExitCodes } from './exit-code.ts'
import type { SpecOf } from './process-spec.ts'

type In<C> = SpecOf<C>['~in']
type Out<C> = SpecOf<C>['~out']
type Untyped = Readonly<Record<string, unknown>>

/** The type of `this.inputs`, with the defaults filled in. */
export type InputsOf<C> = IsAny<In<C>> extends true ? Untyped : Read<In<C>>
/** The inputs that a launcher gives. Ports with a default are optional. */
export type LaunchInputsOf<C> = IsAny<In<C>> extends true ? Untyped : Given<In<C>>
/** The outputs of a successful process. */
export type OutputsOf<C> = IsAny<Out<C>> extends true ? Untyped : Given<Out<C>>
/** The outputs of a process that has not ended or did not succeed. */
export type PartialOutputsOf<C> = IsAny<Out<C>> extends true ? Untyped : Emitted<Out<C>>
/** The dotted names that `out()` accepts. */
export type OutputName<C> = IsAny<Out<C>> extends true ? string : PathOf<Out<C>>
/** The value that `out()` accepts for a name. */
export type OutputValue<C, Name> = IsAny<Out<C>> extends true ? unknown : ValueAt<Out<C>, Name>
/** The type of `this.exitCodes`. */
export type ExitCodesOf<C> =
  IsAny<SpecOf<C>['~codes']> extends true ? ExitCodes<Record<string, string>> : ExitCodes<SpecOf<C>['~codes']>

type Signals<C> = SpecOf<C>['~signals']
/** The names of the signals that a process of this class receives. */
export type SignalName<C> = IsAny<Signals<C>> extends true ? string : keyof Signals<C> & string
/** The payload of a signal. */
export type SignalValue<C, Name> =
  IsAny<Signals<C>> extends true ? unknown : Name extends keyof Signals<C> ? Signals<C>[Name] : never
/**
 * The arguments after the name of a signal: its payload, which is optional if it may be undefined.
 */
export type SignalArgs<C, Name> =
  undefined extends SignalValue<C, Name> ? [payload?: SignalValue<C, Name>] : [payload: SignalValue<C, Name>]

/**
 * The inputs exposed from `C` in a process with the inputs `Tree`, under the dotted namespace `N`
 * and the namespaces that contain it. Inner values win.
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
 * The outputs exposed from `C` by their dotted names under the namespace `N`.
 */
export type ExposedOutputs<C, N extends string> =
  IsAny<Out<C>> extends true
    ? Untyped
    : { readonly [K in PathOf<Out<C>> as N extends '' ? K : `${N}.${K}`]?: ValueAt<Out<C>, K> }

/**
 * The type of a parameter that refuses a class which extends `Process<typeof Other>` instead of
 * naming itself.
 */
export interface TypedByAnotherClass<Other> {
  readonly error: 'this class has `extends Process<typeof Other>`; it has to name itself'
  readonly other: Other
}

/**
 * A parameter of the type `Class & SelfTyped<Class>` refuses a class that is typed by another
 * class. The property `~class` of process instances is the class by which they are typed.
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
