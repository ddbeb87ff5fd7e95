import type { ExitCode } from './exit-code.ts'

/**
 * A node of an outline. `Exit` is the type of the exit codes of its `return_`, and `Method` that of
 * its steps and predicates.
 */
export type OutlineNode<Exit = ExitCode | undefined, Method = string> =
  | OutlineStepNode<Method>
  | OutlineIfNode<Exit, Method>
  | OutlineWhileNode<Exit, Method>
  | OutlineReturnNode<Exit>

/** A step, with the name of its method. */
export interface OutlineStepNode<Method = string> {
  readonly kind: 'step'
  readonly step: Method
}

/** Runs the first branch whose predicate returns true. */
export interface OutlineIfNode<Exit = ExitCode | undefined, Method = string> {
  readonly kind: 'if'
  readonly branches: readonly OutlineBranch<Exit, Method>[]
}

/** A block of an `if_`, `elif_` or `else_`. */
export interface OutlineBranch<Exit = ExitCode | undefined, Method = string> {
  /** Undefined for `else_`. */
  readonly predicate: Method | undefined
  readonly block: readonly OutlineNode<Exit, Method>[]
}

/** Repeats the block while the predicate returns true. */
export interface OutlineWhileNode<Exit = ExitCode | undefined, Method = string> {
  readonly kind: 'while'
  readonly predicate: Method
  readonly block: readonly OutlineNode<Exit, Method>[]
}

/** Ends the process. */
export interface OutlineReturnNode<Exit = ExitCode | undefined> {
  readonly kind: 'return'
  /** Undefined for an end with success. */
  readonly exitCode: Exit
}
