import { preview } from '../ports/plain.ts'
import { SpecError } from '../shared/errors.ts'
import { ExitCode } from './exit-code.ts'
import type { OutlineBranch, OutlineNode } from './outline-node.ts'

/**
 * A step or a predicate of an outline: a method, `Relax.prototype.setup`, or its name.
 */
// With `any` the compiler does not infer the return type of the method, so a class can name its own
// methods in its `define`. `void` would work too, but linters report asynchronous methods there.
// oxlint-disable-next-line typescript/no-explicit-any
export type OutlineStep = string | ((...args: never) => any)

/** The argument of `return_`: an exit code, or its label or number. */
export type OutlineExit = string | number | ExitCode

// Registered symbols, so that instructions of another loaded copy of the package work too.
const NODE = Symbol.for('damson.outline.node')
const OPEN = Symbol.for('damson.outline.open')

/** An instruction of an outline, made by `if_`, `while_` and `return_`. */
export interface Instruction {
  readonly [NODE]: OutlineNode<OutlineExit | undefined>
}

/** An instruction without its block. */
interface Open {
  /** The code of the instruction. */
  readonly [OPEN]: string
}

/** One part of an outline or of a block. */
export type OutlinePart = OutlineStep | Instruction

/** An `if_` that may have further branches. */
export interface Conditional extends Instruction {
  /** Adds a block that runs if this predicate returns true and no previous one did. */
  elif_(predicate: OutlineStep): (...block: readonly OutlinePart[]) => Conditional
  /** Adds a block that runs if no predicate returned true. It must be the last one. */
  else_(...block: readonly OutlinePart[]): Instruction
}

/** `return_` by itself, or `return_(exitCode)`. */
export interface ReturnInstruction extends Instruction {
  (exitCode: OutlineExit): Instruction
}

/**
 * Runs a block if a predicate returns true: `if_(W.prototype.isSmall)(W.prototype.skip)`, with
 * `.elif_(…)(…)` and `.else_(…)`.
 *
 * @throws SpecError for an empty block, and for a part that is neither a step nor an instruction
 */
export function if_(predicate: OutlineStep): (...block: readonly OutlinePart[]) => Conditional {
  const name = predicateName(predicate, 'if_')
  return open(`if_(${name})`, (...parts) => conditional([branch(`if_(${name})`, name, parts)]))
}

/**
 * Repeats a block while a predicate returns true. The predicate is called before each round.
 *
 * @throws SpecError for an empty block, and for a part that is neither a step nor an instruction
 */
export function while_(predicate: OutlineStep): (...block: readonly OutlinePart[]) => Instruction {
  const name = predicateName(predicate, 'while_')
  return open(`while_(${name})`, (...parts) =>
    instruction({ kind: 'while', predicate: name, block: blockOf(parts, `while_(${name})`) }),
  )
}

/**
 * Ends the process: `return_` with success, `return_(exitCode)` with an exit code, or its label or
 * number. A label must be declared when the spec is sealed. A number need not be declared, and 0
 * means success.
 *
 * @throws SpecError for anything else
 */
export const return_: ReturnInstruction = Object.assign(
  (exitCode: OutlineExit): Instruction => instruction({ kind: 'return', exitCode: checkedExit(exitCode) }),
  instruction({ kind: 'return', exitCode: undefined }),
)

/** Checks the parts of a block and returns its nodes. `where` names the block in messages. */
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
      throw new SpecError(`${where} has no block: write ${started}(…) with its steps`)
  }
  return { kind: 'step', step: methodName(part, where, 'a step is a method, W.prototype.setup, or its name') }
}

function conditional(branches: readonly OutlineBranch<OutlineExit | undefined>[]): Conditional {
  const complete = branches.at(-1)?.predicate === undefined
  const start = `if_(${String(branches[0]?.predicate)})`
  return {
    ...instruction({ kind: 'if', branches }),
    elif_(predicate) {
      if (complete) throw new SpecError(`${start} has an else_ already: elif_ must come before it`)
      const name = predicateName(predicate, 'elif_')
      return open(`elif_(${name})`, (...parts) =>
        conditional([...branches, branch(`elif_(${name})`, name, parts)]),
      )
    },
    else_(...parts) {
      if (complete) throw new SpecError(`${start} has two else_: there can be only one`)
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

/**
 * Marks a function that takes the block, so that an instruction without a block is not mistaken for
 * a step.
 */
function open<F extends object>(text: string, take: F): F {
  return Object.assign(take, { [OPEN]: text })
}

function predicateName(predicate: unknown, where: string): string {
  return methodName(predicate, where, 'a predicate is a method, W.prototype.isSmall, or its name')
}

/**
 * Returns the name of a method given by itself or by name. `where` and `expected` are for messages.
 */
export function methodName(method: unknown, where: string, expected: string): string {
  if (typeof method === 'function' && method.name === '')
    throw new SpecError(`${where} is a function without a name: ${expected}`)
  const name = typeof method === 'function' ? method.name : method
  if (typeof name !== 'string' || name === '')
    throw new SpecError(`${where} is ${preview(method)}: ${expected}`)
  // These characters separate names in positions.
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
