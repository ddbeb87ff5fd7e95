import type { AnySpec, ProcessSpec, SpecOf } from '../spec/process-spec.ts'
import type { WorkChainSpec } from '../spec/work-chain-spec.ts'
import type { AnyProcessClass } from './host/process-object.ts'
import { Process } from './process.ts'
import type { ConstructArgs } from './host/process-types.ts'
import type { WorkChain } from './work-chain.ts'

/** The statics of a process class, less `define`, which each class types for itself. */
type Statics<B> = Omit<B, 'define' | 'prototype'>

/**
 * The spec that a class is declared on: that of its base, which for `WorkChain` itself has no ports
 * yet.
 */
type SpecOn<B> = B extends { readonly prototype: WorkChain }
  ? [typeof WorkChain] extends [B]
    ? WorkChainSpec
    : SpecOf<B>
  : SpecOf<B>

/** A class whose `define` is written for it. */
export interface Defined<S> {
  /** Declares the ports, exit codes and signals of the class. */
  define(spec: ProcessSpec): S
}

/**
 * A base class with these ports, so that a class need not name itself:
 * `class Add extends processOf((spec) => spec.input('a').output('sum')) { … }`.
 */
export function processOf<S extends AnySpec>(
  declare: (spec: ProcessSpec) => S,
): Statics<typeof Process> & Defined<S> & (new (...args: ConstructArgs<Defined<S>>) => Process<Defined<S>>)
/** As above, on top of another process class. */
export function processOf<B extends AnyProcessClass, S extends AnySpec>(
  base: B,
  declare: (spec: SpecOn<B>) => S,
): Statics<B> &
  Defined<S> &
  (new (...args: ConstructArgs<Defined<S>>) => InstanceType<B> & Process<Defined<S>>)
export function processOf(
  ...args: [(spec: ProcessSpec) => unknown] | [typeof Process, (spec: ProcessSpec) => unknown]
): unknown {
  const [base, declare] = args.length === 1 ? [Process, args[0]] : args
  return class extends base {
    static override define(spec: ProcessSpec): unknown {
      super.define(spec)
      return declare(spec)
    }
  }
}
