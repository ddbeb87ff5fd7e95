import type { Simplify, ValueType } from './schema-type.ts'

/*
 * A spec carries its ports as a tree of types: a name to a port, or to a tree again. What else
 * is to be known of a node stands under names that begin with `~`.
 */

/**
 * Whether a port must be given, may be left out, or is filled in. Each kind is a part of the next,
 * so that a subclass may make a port stricter and never looser.
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
/** A namespace that may be left out. */
export interface OptionalMark {
  readonly '~optional': true
}
/** A namespace that is filled in when left out. */
export interface DefaultMark {
  readonly '~default': true
}
/** A namespace whose inner defaults are not filled in when it is left out. */
export interface LazyMark {
  readonly '~lazy': true
}
/** A namespace that accepts undeclared ports of type `T`. */
export interface DynamicType<T> {
  readonly '~dynamic': T
}
type MarkName = '~optional' | '~default' | '~lazy' | '~dynamic'
type Names<Tree> = Exclude<keyof Tree, MarkName>

/** The node of a port, by what its options hold; `D` is `never` without a default. */
export type PortNode<T, R, D> = PortType<
  T,
  [D] extends [never] ? (R extends false ? Optional : Required) : Filled
>

/** The node of a namespace, by what its options hold. */
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

/** The tree with a port more; one that is declared again is replaced. */
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
/** Of the tree only these dotted names. */
export type KeepPaths<Tree, Keep> = {
  readonly [
    K in keyof Tree as K extends Keep | MarkName ? K : [Below<K, Keep>] extends [never] ? never : K
  ]: K extends Keep | MarkName ? Tree[K] : KeepPaths<Tree[K], Below<K, Keep>>
}
type Below<K, Path> = K extends string ? (Path extends `${K}.${infer Rest}` ? Rest : never) : never

/** What the process reads: defaults are filled in. */
export type Read<Tree> = WithDynamic<
  Tree,
  Simplify<
    { readonly [K in Names<Tree> as IsPresent<Tree[K]> extends true ? K : never]: ReadNode<Tree[K]> } & {
      readonly [K in Names<Tree> as IsPresent<Tree[K]> extends true ? never : K]?: ReadNode<Tree[K]>
    }
  >
>
// Of `any` there is no end of names below: without this, comparing two untyped classes would not
// end either.
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
 * What the launcher gives: ports with a default, and namespaces with nothing required, may be left
 * out.
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
/** Whether something inside a namespace that was left out is filled in all the same. */
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
 * What a process has emitted that need not have emitted all: every port and namespace may be
 * missing.
 */
export type Emitted<Tree> = WithDynamic<
  Tree,
  Simplify<{
    readonly [K in Names<Tree>]?: Tree[K] extends PortType<infer T> ? T : Emitted<Tree[K]>
  }>
>

type WithDynamic<Tree, Declared> =
  Tree extends DynamicType<infer T> ? Declared & { readonly [name: string]: T } : Declared

/** What a class's exposed ports add to the tree of another. */
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
