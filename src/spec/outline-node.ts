import type { ExitCode } from './exit-code.ts'

/** One place of an outline; `Exit` is how its ends are told. */
export type OutlineNode<Exit = ExitCode | undefined> =
  OutlineStepNode | OutlineIfNode<Exit> | OutlineWhileNode<Exit> | OutlineReturnNode<Exit>

/** A step, by the name of its method. */
export interface OutlineStepNode {
  readonly kind: 'step'
  readonly step: string
}

/** The first branch whose predicate gives true runs. */
export interface OutlineIfNode<Exit = ExitCode | undefined> {
  readonly kind: 'if'
  readonly branches: readonly OutlineBranch<Exit>[]
}

/** A block of an `if_`, `elif_` or `else_`. */
export interface OutlineBranch<Exit = ExitCode | undefined> {
  /** Nothing for `else_`. */
  readonly predicate: string | undefined
  readonly block: readonly OutlineNode<Exit>[]
}

/** The block runs as long as the predicate gives true before it. */
export interface OutlineWhileNode<Exit = ExitCode | undefined> {
  readonly kind: 'while'
  readonly predicate: string
  readonly block: readonly OutlineNode<Exit>[]
}

/** Ends the process. */
export interface OutlineReturnNode<Exit = ExitCode | undefined> {
  readonly kind: 'return'
  /** Nothing for an end with success. */
  readonly exitCode: Exit
}
