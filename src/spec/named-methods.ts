/*
 * What a spec states about the methods of its class, for the compiler. While the type of `define`
 * is being inferred, the class is not known yet. So the type of the spec carries the references,
 * and they are checked where the class is used (`SelfConsistent`).
 */

/** A reference to a method: what it is for, and the method itself or its name. */
export type MethodReference<Use extends 'name' | 'step' | 'predicate', M> = readonly [Use, M]

/** Carries a type. All carriers are assignable to each other, so a subclass may name other methods. */
// oxlint-disable-next-line typescript/no-unused-vars
export interface Carrier<T> {
  readonly '~carrier'?: true
}

/** The property that carries references; nothing if there are none. */
export type Mark<N> = [N] extends [never] ? unknown : { readonly '~named'?: Carrier<N> }

/** The references that a spec or an instruction carries. */
export type NamedOf<T> = '~named' extends keyof T
  ? T extends { readonly '~named'?: Carrier<infer N> }
    ? N
    : never
  : never

/** The reference to a method that is given by itself or by name. */
export type Reference<Use extends 'step' | 'predicate', M> = M extends string
  ? TextReference<Use, M>
  : M extends (...args: never) => unknown
    ? MethodReference<Use, M>
    : never

/** The reference to a method that is given by name, where the compiler knows the name. */
export type TextReference<Use extends 'name' | 'step' | 'predicate', M> = M extends string
  ? string extends M
    ? never
    : MethodReference<Use, M>
  : never
