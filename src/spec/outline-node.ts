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

/** Copies nodes, with their methods and exit codes replaced. */
export function mapNodes<ExitBefore, MethodBefore, Exit, Method>(
  nodes: readonly OutlineNode<ExitBefore, MethodBefore>[],
  methodOf: (method: MethodBefore) => Method,
  exitOf: (exitCode: ExitBefore) => Exit,
): readonly OutlineNode<Exit, Method>[] {
  const block = (inner: typeof nodes): readonly OutlineNode<Exit, Method>[] =>
    mapNodes(inner, methodOf, exitOf)
  return nodes.map((node): OutlineNode<Exit, Method> => {
    switch (node.kind) {
      case 'step':
        return { kind: 'step', step: methodOf(node.step) }
      case 'while':
        return { kind: 'while', predicate: methodOf(node.predicate), block: block(node.block) }
      case 'if':
        return {
          kind: 'if',
          branches: node.branches.map(({ predicate, block: inner }) => ({
            predicate: predicate === undefined ? undefined : methodOf(predicate),
            block: block(inner),
          })),
        }
      case 'return':
        return { kind: 'return', exitCode: exitOf(node.exitCode) }
    }
  })
}
