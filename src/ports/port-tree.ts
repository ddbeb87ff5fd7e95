import type { Simplify, ValueType } from './schema-type.ts'

/*
 * A spec carries its ports as a tree of types: each name leads to a port or to another tree. Other
 * properties of a node have names that begin with `~`.
 */

/**
 * Whether a port is required, optional, or filled in. Each kind is assignable to the next, so a
 * subclass may make a port stricter but not looser.
 */
export type Kind = 'filled' | 'required' | 'optional'
type Filled = 'filled'
type Required = 'filled' | 'required'
type Optional = Kind

/** A declared port. */
export interface PortType<T, K extends Kind = Kind> {
  readonly '~value': T
  readonly '~kind': K
}
/** An optional namespace. */
export interface OptionalMark {
  readonly '~optional': true
}
/** A namespace that is filled in if it is not given. */
export interface DefaultMark {
  readonly '~default': true
}
/** A namespace whose inner defaults are not filled in if it is not given. */
export interface LazyMark {
  readonly '~lazy': true
}
/** A namespace that accepts undeclared ports of type `T`. */
export interface DynamicType<T> {
  readonly '~dynamic': T
}
type MarkName = '~optional' | '~default' | '~lazy' | '~dynamic'
type Names<Tree> = Exclude<keyof Tree, MarkName>

/** The node of a port with these options. `D` is `never` without a default. */
export type PortNode<T, R, D> = PortType<
  T,
  [D] extends [never] ? (R extends false ? Optional : Required) : Filled
>

/** The node of a namespace with these options. */
export type NamespaceNode<S, I, Dynamic, R, D, P> = ([S, I, Dynamic] extends [undefined, undefined, false]
  ? {}
  : DynamicType<ValueType<S, I>>) &
  (R extends false ? OptionalMark : unknown) &
  ([D] extends [never] ? unknown : DefaultMark) &
  (P extends false ? LazyMark : unknown)

/** `SetPath<'a.b', P>` is `{ a: { b: P } }`. */
export type SetPath<Name extends string, P> = Name extends `${infer Head}.${infer Tail}`
  ? { readonly [K in Head]: SetPath<Tail, P> }
  : { readonly [K in Name]: P }

/** The tree with another port, which replaces a port of the same name. */
export type PutPort<Tree, Name extends string, P> =
  IsAny<Tree> extends true
    ? Tree
    : HasPort<Tree, Name> extends true
      ? DropPaths<Tree, Name> & SetPath<Name, P>
      : Tree & SetPath<Name, P>
type HasPort<Tree, Name> = Name extends keyof Tree
  ? Tree[Name] extends PortType<unknown>
    ? true
    : false
  : Name extends `${infer Head}.${infer Tail}`
    ? Head extends keyof Tree
      ? HasPort<Tree[Head], Tail>
      : false
    : false

/** The tree without these dotted names. */
export type DropPaths<Tree, Skip> = {
  readonly [K in keyof Tree as K extends Skip ? never : K]: [Below<K, Skip>] extends [never]
    ? Tree[K]
    : DropPaths<Tree[K], Below<K, Skip>>
}
/** The tree with only these dotted names. */
export type KeepPaths<Tree, Keep> = {
  readonly [
    K in keyof Tree as K extends Keep | MarkName ? K : [Below<K, Keep>] extends [never] ? never : K
  ]: K extends Keep | MarkName ? Tree[K] : KeepPaths<Tree[K], Below<K, Keep>>
}
type Below<K, Path> = K extends string ? (Path extends `${K}.${infer Rest}` ? Rest : never) : never

/** The values that the process reads, with the defaults filled in. */
export type Read<Tree> = WithDynamic<
  Tree,
  Simplify<
    { readonly [K in Names<Tree> as IsPresent<Tree[K]> extends true ? K : never]: ReadNode<Tree[K]> } & {
      readonly [K in Names<Tree> as IsPresent<Tree[K]> extends true ? never : K]?: ReadNode<Tree[K]>
    }
  >
>
// `any` has names at every depth. Without this case, comparing two untyped classes would not end.
type ReadNode<N> = IsAny<N> extends true ? unknown : N extends PortType<infer T> ? T : Read<N>
type IsPresent<N> =
  N extends PortType<unknown, infer K>
    ? Optional extends K
      ? false
      : true
    : N extends LazyMark
      ? MayOmit<N> extends true
        ? false
        : true
      : N extends DefaultMark
        ? true
        : N extends OptionalMark
          ? HasDefault<N>
          : true

/**
 * The values that a launcher gives. Ports with a default and namespaces without a required port are
 * optional.
 */
export type Given<Tree> = WithDynamic<
  Tree,
  Simplify<
    { readonly [K in Names<Tree> as MayOmit<Tree[K]> extends true ? never : K]: GivenNode<Tree[K]> } & {
      readonly [K in Names<Tree> as MayOmit<Tree[K]> extends true ? K : never]?: GivenNode<Tree[K]>
    }
  >
>
type GivenNode<N> = N extends PortType<infer T> ? T : Given<N>
type MayOmit<N> =
  N extends PortType<unknown, infer K>
    ? [K] extends [Filled]
      ? true
      : Optional extends K
        ? true
        : false
    : N extends LazyMark
      ? N extends OptionalMark
        ? true
        : {} extends Given<N>
          ? true
          : false
      : N extends DefaultMark
        ? true
        : N extends OptionalMark
          ? HasDefault<N> extends true
            ? {} extends Given<N>
              ? true
              : false
            : true
          : {} extends Given<N>
            ? true
            : false
/** Whether something inside a namespace is filled in even if the namespace is not given. */
type HasDefault<N> = true extends {
  [K in Names<N>]: N[K] extends PortType<unknown, infer Is>
    ? [Is] extends [Filled]
      ? true
      : false
    : N[K] extends LazyMark
      ? false
      : N[K] extends DefaultMark
        ? true
        : HasDefault<N[K]>
}[Names<N>]
  ? true
  : false

/**
 * The outputs emitted so far: every port and namespace may be missing.
 */
export type Emitted<Tree> = WithDynamic<
  Tree,
  Simplify<{
    readonly [K in Names<Tree>]?: Tree[K] extends PortType<infer T> ? T : Emitted<Tree[K]>
  }>
>

type WithDynamic<Tree, Declared> =
  Tree extends DynamicType<infer T> ? Declared & { readonly [name: string]: T } : Declared

/** The tree of a class with the exposed ports of another class. */
export type Expose<Parent, Tree, O> = O extends { readonly namespace: infer N extends string }
  ? Parent & SetPath<N, Exposed<Tree, O> & MarksOf<O>>
  : [keyof Parent & keyof Exposed<Tree, O>] extends [never]
    ? Parent & Exposed<Tree, O> & MarksOf<O>
    : DropPaths<Parent, PathOf<Exposed<Tree, O>>> & Exposed<Tree, O> & MarksOf<O>
type Exposed<Tree, O> =
  IsAny<Tree> extends true
    ? DynamicType<unknown>
    : O extends { readonly include: readonly (infer K)[] }
      ? KeepPaths<Tree, K>
      : O extends { readonly exclude: readonly (infer K)[] }
        ? DropPaths<Tree, K>
        : Tree
type MarksOf<O> = O extends { readonly namespaceOptions: infer N }
  ? NamespaceNode<
      N extends { readonly schema: infer S } ? S : undefined,
      N extends { readonly instanceOf: infer I } ? I : undefined,
      N extends { readonly dynamic: true } ? true : false,
      N extends { readonly required: false } ? false : true,
      N extends { readonly default: infer D } ? D : never,
      N extends { readonly populateDefaults: false } ? false : true
    >
  : unknown

/** Every dotted name that `out()` accepts. */
export type PathOf<Tree> =
  | (Tree extends DynamicType<unknown> ? string : never)
  | {
      [K in Names<Tree> & string]: Tree[K] extends PortType<unknown> ? K : `${K}.${PathOf<Tree[K]>}`
    }[Names<Tree> & string]

/** Every dotted name of a port or namespace. */
export type AnyPathOf<Tree> =
  | (Tree extends DynamicType<unknown> ? string : never)
  | {
      [K in Names<Tree> & string]: Tree[K] extends PortType<unknown> ? K : K | `${K}.${AnyPathOf<Tree[K]>}`
    }[Names<Tree> & string]

/** The type of the port under a dotted name. */
export type ValueAt<Tree, Path> =
  Path extends Names<Tree>
    ? Tree[Path] extends PortType<infer T>
      ? T
      : never
    : Path extends `${infer Head}.${infer Tail}`
      ? Head extends Names<Tree>
        ? ValueAt<Tree[Head], Tail>
        : DynamicValue<Tree>
      : DynamicValue<Tree>
type DynamicValue<Tree> = Tree extends DynamicType<infer T> ? T : never

export type IsAny<T> = 0 extends 1 & T ? true : false
