import { preview } from '../ports/plain.ts'
import { SpecError } from '../shared/errors.ts'
import { ExitCode } from './exit-code.ts'
import { checkedName, methodName } from './method-name.ts'
import type { Carrier, NamedOf, Reference } from './named-methods.ts'
import { mapNodes, type OutlineBranch, type OutlineNode } from './outline-node.ts'

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

/** A method that has not been looked up in a class. `where` and `expected` are for messages. */
interface GivenMethod {
  readonly method: OutlineStep
  readonly where: string
  readonly expected: string
}
type DraftNode = OutlineNode<OutlineExit | undefined, GivenMethod>
type DraftBranch = OutlineBranch<OutlineExit | undefined, GivenMethod>
/** A node with the names of its methods. */
export type NamedNode = OutlineNode<OutlineExit | undefined>

/**
 * An instruction of an outline, made by `if_`, `while_` and `return_`. `N` carries, for the
 * compiler, the methods that it names.
 */
export interface Instruction<N = never> {
  readonly [NODE]: DraftNode
  /** Type only. */
  readonly '~named'?: Carrier<N>
}

/** An instruction without its block. */
interface Open {
  /** The code of the instruction. */
  readonly [OPEN]: string
}

/** One part of an outline or of a block. */
export type OutlinePart = OutlineStep | Instruction

/** The methods that the parts of a block name. */
export type NamedIn<Parts extends readonly OutlinePart[]> = NamedInPart<Parts[number]>
type NamedInPart<Part> = Part extends Instruction<unknown> ? NamedOf<Part> : Reference<'step', Part>

/** An `if_` that may have further branches. */
export interface Conditional<N = never> extends Instruction<N> {
  /** Adds a block that runs if this predicate returns true and no previous one did. */
  elif_<P extends OutlineStep>(
    predicate: P,
  ): <B extends readonly OutlinePart[]>(
    ...block: B
  ) => Conditional<N | Reference<'predicate', P> | NamedIn<B>>
  /** Adds a block that runs if no predicate returned true. It must be the last one. */
  else_<B extends readonly OutlinePart[]>(...block: B): Instruction<N | NamedIn<B>>
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
export function if_<P extends OutlineStep>(
  predicate: P,
): <B extends readonly OutlinePart[]>(...block: B) => Conditional<Reference<'predicate', P> | NamedIn<B>> {
  const { start, given } = opening('if_', predicate)
  return open(start, (...parts) => conditional([branch(start, given, parts)]))
}

/**
 * Repeats a block while a predicate returns true. The predicate is called before each round.
 *
 * @throws SpecError for an empty block, and for a part that is neither a step nor an instruction
 */
export function while_<P extends OutlineStep>(
  predicate: P,
): <B extends readonly OutlinePart[]>(...block: B) => Instruction<Reference<'predicate', P> | NamedIn<B>> {
  const { start, given } = opening('while_', predicate)
  return open(start, (...parts) =>
    instruction({ kind: 'while', predicate: given, block: blockOf(parts, start) }),
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

/**
 * Checks the parts of an outline and returns its nodes, with the names that the methods have in the
 * class of the spec.
 */
export function namedNodes(spec: object, parts: readonly unknown[]): readonly NamedNode[] {
  return mapNodes(
    blockOf(parts, 'the outline'),
    ({ method, where, expected }) => methodName(spec, method, where, expected),
    (exit) => exit,
  )
}

/** Checks the parts of a block and returns its nodes. `where` names the block in messages. */
function blockOf(parts: readonly unknown[], where: string): readonly DraftNode[] {
  if (parts.length === 0) throw new SpecError(`${where} is empty: name at least one step`)
  return parts.map((part, index) => nodeOf(part, `part ${index + 1} of ${where}`))
}

function nodeOf(part: unknown, where: string): DraftNode {
  if (typeof part === 'object' || typeof part === 'function') {
    const { [NODE]: node, [OPEN]: started } = (part ?? {}) as Partial<Instruction & Open>
    if (node !== undefined) return node
    if (started !== undefined)
      throw new SpecError(`${where} has no block: write ${started}(…) with its steps`)
  }
  return {
    kind: 'step',
    step: givenMethod(part, where, 'a step is a method, W.prototype.setup, or its name'),
  }
}

function conditional(branches: readonly DraftBranch[]): Conditional {
  const complete = branches.at(-1)?.predicate === undefined
  const start = `if_(${labelOf(branches[0]?.predicate)})`
  return {
    ...instruction({ kind: 'if', branches }),
    elif_(predicate) {
      if (complete) throw new SpecError(`${start} has an else_ already: elif_ must come before it`)
      const { start: begin, given } = opening('elif_', predicate)
      return open(begin, (...parts) => conditional([...branches, branch(begin, given, parts)]))
    },
    else_(...parts) {
      if (complete) throw new SpecError(`${start} has two else_: there can be only one`)
      return conditional([...branches, branch(`else_ of ${start}`, undefined, parts)])
    },
  }
}

function branch(where: string, predicate: GivenMethod | undefined, parts: readonly unknown[]): DraftBranch {
  return { predicate, block: blockOf(parts, where) }
}

function instruction(node: DraftNode): Instruction {
  return { [NODE]: node }
}

/**
 * Marks a function that takes the block, so that an instruction without a block is not mistaken for
 * a step.
 */
function open<F extends object>(text: string, take: F): F {
  return Object.assign(take, { [OPEN]: text })
}

/** An instruction without its block: its text, for messages, and its predicate. */
function opening(
  instructionName: 'if_' | 'elif_' | 'while_',
  predicate: OutlineStep,
): { readonly start: string; readonly given: GivenMethod } {
  const expected = 'a predicate is a method, W.prototype.isSmall, or its name'
  const given = givenMethod(predicate, instructionName, expected)
  return { start: `${instructionName}(${labelOf(given)})`, given }
}

/** Checks a name. The name of a method is looked up in the class of the spec. */
function givenMethod(given: unknown, where: string, expected: string): GivenMethod {
  const method = typeof given === 'function' ? (given as OutlineStep) : checkedName(given, where, expected)
  return { method, where, expected }
}

function labelOf(given: GivenMethod | undefined): string {
  const method = given?.method
  return typeof method === 'function' ? method.name : String(method)
}

function checkedExit(exitCode: unknown): OutlineExit {
  if (exitCode instanceof ExitCode || (typeof exitCode === 'string' && exitCode !== '')) return exitCode
  if (typeof exitCode === 'number' && Number.isInteger(exitCode) && exitCode >= 0) return exitCode
  throw new SpecError(
    `return_ takes an exit code, its label or its number, not ${preview(exitCode)}; return_ alone ends with success`,
  )
}
