import { preview } from '../ports/plain.ts'
import { SpecError } from '../shared/errors.ts'
import { ExitCode } from './exit-code.ts'
import type { OutlineBranch, OutlineNode } from './outline-node.ts'

/**
 * A step or a predicate of an outline: a method, `Relax.prototype.setup`, or its name.
 */
// What a method returns fits `any` without being looked at, so that a class can name its own
// methods in its own `define`. It would fit `void` too, but linters take an asynchronous method in
// place of that for a mistake.
// oxlint-disable-next-line typescript/no-explicit-any
export type OutlineStep = string | ((...args: never) => any)

/** What `return_` takes: the label or number of an exit code, or the exit code itself. */
export type OutlineExit = string | number | ExitCode

// By name, so that an instruction of another loaded copy of the package is one too.
const NODE = Symbol.for('damson.outline.node')
const OPEN = Symbol.for('damson.outline.open')

/** An instruction of an outline: what `if_`, `while_` and `return_` make. */
export interface Instruction {
  readonly [NODE]: OutlineNode<OutlineExit | undefined>
}

/** An instruction that waits for its block. */
interface Open {
  /** How it was written. */
  readonly [OPEN]: string
}

/** One part of an outline or of a block in it. */
export type OutlinePart = OutlineStep | Instruction

/** An `if_` that may have further branches. */
export interface Conditional extends Instruction {
  /** The block that runs where no predicate before gave true, and this one does. */
  elif_(predicate: OutlineStep): (...block: readonly OutlinePart[]) => Conditional
  /** The block that runs where no predicate gave true. Nothing comes after it. */
  else_(...block: readonly OutlinePart[]): Instruction
}

/** `return_` as it stands, and `return_(exitCode)`. */
export interface ReturnInstruction extends Instruction {
  (exitCode: OutlineExit): Instruction
}

/**
 * Runs a block where a predicate gives true: `if_(W.prototype.isSmall)(W.prototype.skip)`, with
 * `.elif_(…)(…)` and `.else_(…)`.
 *
 * @throws SpecError for an empty block, and for a part that is neither step nor instruction
 */
export function if_(predicate: OutlineStep): (...block: readonly OutlinePart[]) => Conditional {
  const name = predicateName(predicate, 'if_')
  return open(`if_(${name})`, (...parts) => conditional([branch(`if_(${name})`, name, parts)]))
}

/**
 * Runs a block again and again, as long as a predicate gives true before it.
 *
 * @throws SpecError for an empty block, and for a part that is neither step nor instruction
 */
export function while_(predicate: OutlineStep): (...block: readonly OutlinePart[]) => Instruction {
  const name = predicateName(predicate, 'while_')
  return open(`while_(${name})`, (...parts) =>
    instruction({ kind: 'while', predicate: name, block: blockOf(parts, `while_(${name})`) }),
  )
}

/**
 * Ends the process: `return_` with success, `return_(exitCode)` with that exit code, by its label,
 * its number or itself. A label has to be declared when the spec is sealed; a number need not be,
 * and 0 is success.
 *
 * @throws SpecError for anything else
 */
export const return_: ReturnInstruction = Object.assign(
  (exitCode: OutlineExit): Instruction => instruction({ kind: 'return', exitCode: checkedExit(exitCode) }),
  instruction({ kind: 'return', exitCode: undefined }),
)

/** The nodes of a block, checked; `where` names it in messages. */
export function blockOf(
  parts: readonly unknown[],
  where: string,
): readonly OutlineNode<OutlineExit | undefined>[] {
  if (parts.length === 0) throw new SpecError(`${where} is empty: name at least one step`)
  return parts.map((part, index) => nodeOf(part, `part ${index + 1} of ${where}`))
}

function nodeOf(part: unknown, where: string): OutlineNode<OutlineExit | undefined> {
  if (typeof part === 'object' || typeof part === 'function') {
    const { [NODE]: node, [OPEN]: started } = (part ?? {}) as Partial<Instruction & Open>
    if (node !== undefined) return node
    if (started !== undefined)
      throw new SpecError(`${where} has no block: write ${started}(…) with the steps in it`)
  }
  return { kind: 'step', step: methodName(part, where, 'a step is a method, W.prototype.setup, or its name') }
}

function conditional(branches: readonly OutlineBranch<OutlineExit | undefined>[]): Conditional {
  const complete = branches.at(-1)?.predicate === undefined
  const start = `if_(${String(branches[0]?.predicate)})`
  return {
    ...instruction({ kind: 'if', branches }),
    elif_(predicate) {
      if (complete) throw new SpecError(`${start} has an else_ already: elif_ has to come before it`)
      const name = predicateName(predicate, 'elif_')
      return open(`elif_(${name})`, (...parts) =>
        conditional([...branches, branch(`elif_(${name})`, name, parts)]),
      )
    },
    else_(...parts) {
      if (complete) throw new SpecError(`${start} has two else_: one is all there can be`)
      return conditional([...branches, branch(`else_ of ${start}`, undefined, parts)])
    },
  }
}

function branch(
  where: string,
  predicate: string | undefined,
  parts: readonly unknown[],
): OutlineBranch<OutlineExit | undefined> {
  return { predicate, block: blockOf(parts, where) }
}

function instruction(node: OutlineNode<OutlineExit | undefined>): Instruction {
  return { [NODE]: node }
}

/** Marks a function that waits for its block, so that a forgotten one is not taken for a step. */
function open<F extends object>(text: string, take: F): F {
  return Object.assign(take, { [OPEN]: text })
}

function predicateName(predicate: unknown, where: string): string {
  return methodName(predicate, where, 'a predicate is a method, W.prototype.isSmall, or its name')
}

/**
 * The name of a method that was given by itself or by its name; `where` and `expected` are for
 * messages.
 */
export function methodName(method: unknown, where: string, expected: string): string {
  if (typeof method === 'function' && method.name === '')
    throw new SpecError(`${where} is a function without a name: ${expected}`)
  const name = typeof method === 'function' ? method.name : method
  if (typeof name !== 'string' || name === '')
    throw new SpecError(`${where} is ${preview(method)}: ${expected}`)
  // They stand between names in positions.
  if (/[.#()\s]/.test(name)) throw new SpecError(`${where} is ${preview(name)}: ${expected}`)
  return name
}

function checkedExit(exitCode: unknown): OutlineExit {
  if (exitCode instanceof ExitCode || (typeof exitCode === 'string' && exitCode !== '')) return exitCode
  if (typeof exitCode === 'number' && Number.isInteger(exitCode) && exitCode >= 0) return exitCode
  throw new SpecError(
    `return_ takes an exit code, its label or its number, not ${preview(exitCode)}; return_ alone ends with success`,
  )
}
