import type { ExitCode } from './exit-code.ts'

/** A node of an outline. `Exit` is the type of the exit codes of its `return_`. */
export type OutlineNode<Exit = ExitCode | undefined> =
  OutlineStepNode | OutlineIfNode<Exit> | OutlineWhileNode<Exit> | OutlineReturnNode<Exit>

/** A step, with the name of its method. */
export interface OutlineStepNode {
  readonly kind: 'step'
  readonly step: string
}

/** Runs the first branch whose predicate returns true. */
export interface OutlineIfNode<Exit = ExitCode | undefined> {
  readonly kind: 'if'
  readonly branches: readonly OutlineBranch<Exit>[]
}

/** A block of an `if_`, `elif_` or `else_`. */
export interface OutlineBranch<Exit = ExitCode | undefined> {
  /** Undefined for `else_`. */
  readonly predicate: string | undefined
  readonly block: readonly OutlineNode<Exit>[]
}

/** Repeats the block while the predicate returns true. */
export interface OutlineWhileNode<Exit = ExitCode | undefined> {
  readonly kind: 'while'
  readonly predicate: string
  readonly block: readonly OutlineNode<Exit>[]
}

/** Ends the process. */
export interface OutlineReturnNode<Exit = ExitCode | undefined> {
  readonly kind: 'return'
  /** Undefined for an end with success. */
  readonly exitCode: Exit
}
