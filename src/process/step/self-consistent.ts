import type { MethodReference, NamedOf } from '../../spec/named-methods.ts'
import type { SpecOf } from '../../spec/process-spec.ts'
import type { SelfTyped } from '../../spec/typing.ts'
import type { HandleLike } from '../state/awaits.ts'
import type { ContextFit } from './context-values.ts'
import type { AllowFailure } from '../host/input-marks.ts'
import type { Append, ToContext } from './context.ts'

/*
 * What the compiler checks of a class as a whole, where it is registered. While the class is being
 * declared, its methods and its spec are not known to each other yet.
 */

/** The type of a parameter that refuses a class whose spec names a method that it does not have. */
export interface NoSuchMethod<Name> {
  readonly error: 'the spec of this class names a method that the class does not have'
  readonly method: Name
}

/** The type of a parameter that refuses a class with a predicate that gives no boolean. */
export interface NoPredicate<Returned> {
  readonly error: 'a predicate of the outline of this class does not return true or false'
  readonly returns: Returned
}

/** The type of a parameter that refuses a class with a step whose values do not fit its context. */
export interface NotForContext<Returned> {
  readonly error: 'a step of the outline of this class returns what does not fit the type of ctx'
  readonly returns: Returned
}

/**
 * A parameter of the type `Class & SelfConsistent<Class>` refuses a class whose spec and methods
 * contradict each other.
 */
export type SelfConsistent<C> = C extends abstract new (...args: never) => infer Instance
  ? [Problems<NamedOf<SpecOf<C>>, Instance>] extends [never]
    ? unknown
    : Problems<NamedOf<SpecOf<C>>, Instance>
  : unknown

/**
 * A parameter of the type `P & Registrable<P>`, such as `processes`, refuses a list with a class that
 * is typed by another class or contradicts itself.
 */
export type Registrable<P extends readonly unknown[]> = {
  readonly [I in keyof P]: P[I] & SelfTyped<P[I]> & SelfConsistent<P[I]>
}

type Problems<References, Instance> =
  References extends MethodReference<infer Use, infer M> ? Problem<Use, M, Instance> : never

type Problem<Use, M, Instance> = M extends string
  ? Lacks<Instance, M> extends true
    ? NoSuchMethod<M>
    : M extends keyof Instance
      ? MethodProblem<Use, Instance[M], Instance>
      : never
  : MethodProblem<Use, M, Instance>

/**
 * Whether a class has no member of that name. A protected or private member is not a key of the
 * instance type, but it makes the instance differ from an object that lacks it.
 */
type Lacks<Instance, Name extends string> = Instance extends { readonly pid: string } & {
  readonly [K in Name]?: never
}
  ? true
  : false

type MethodProblem<Use, M, Instance> = M extends (...args: never) => infer R
  ? Use extends 'predicate'
    ? PredicateProblem<Awaited<R>>
    : Use extends 'step'
      ? Instance extends { readonly ctx: infer Ctx }
        ? ReturnProblem<Awaited<R>, Ctx>
        : never
      : never
  : never

type PredicateProblem<R> = unknown extends R ? never : [R] extends [boolean] ? never : NoPredicate<R>

type ReturnProblem<R, Ctx> =
  R extends ToContext<infer V, infer O>
    ? ValuesProblem<V, Ctx, O>
    : R extends HandleLike
      ? never
      : R extends object
        ? true extends { [K in keyof R]: IsForContext<R[K]> }[keyof R]
          ? ValuesProblem<R, Ctx, false>
          : never
        : never
type IsForContext<V> = V extends HandleLike | AllowFailure | Append | readonly (HandleLike | AllowFailure)[]
  ? [V] extends [readonly never[]]
    ? false
    : true
  : false

type ValuesProblem<V, Ctx, O> = V extends ContextFit<Ctx, V, O> ? never : NotForContext<V>
