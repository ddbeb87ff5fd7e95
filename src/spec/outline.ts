import type { OutlineNode, OutlineStepNode } from './outline-node.ts'
import { Block } from './outline-block.ts'
import { findPosition, walkFrom, walkIn, type OutlineNext } from './outline-walk.ts'

/**
 * A node on the way to a step: its index in its block, and the branch or the round that is entered
 * there.
 */
export interface OutlineSegment {
  readonly index: number
  /** The index of the branch of an `if_`. */
  readonly branch?: number
  /** The round of a `while_`, from 1. */
  readonly round?: number
}

/**
 * The steps of a work chain in order. An outline has no state: the next step follows from a
 * position, which is text, and from the results of the predicates.
 *
 * A position reads from left to right: `2.while(notConverged)#7.relax` is the step `relax` in round
 * 7 of the second part, a `while_`. `3.else.while(more)#1.2.go` also has an index inside a block,
 * since the block contains `go` more than once. A position stays valid if parts are added after it.
 */
export class Outline {
  /** The names of the steps, each once, in order. */
  readonly steps: readonly string[]
  /** The names of the predicates, each once, in order. */
  readonly predicates: readonly string[]
  /** The outline as a tree. */
  readonly parts: readonly OutlineNode[]
  readonly #root: Block

  constructor(parts: readonly OutlineNode[]) {
    const found = namesOf(parts)
    this.steps = found.steps
    this.predicates = found.predicates
    this.parts = parts
    this.#root = new Block(parts, { isWhole: true })
  }

  /**
   * Returns what follows the step at a position, or the beginning for `null`. `test` is called for
   * predicates in order, and only as needed. If it returns a promise, so does this method.
   *
   * @throws IncompatibleBundle if the outline does not have that position
   * @throws SpecError if a `while_` repeats too often without reaching a step
   */
  next(
    at: string | null,
    test: (predicate: string) => boolean | Promise<boolean>,
  ): OutlineNext | Promise<OutlineNext> {
    const walk = at === null ? walkIn(this.#root) : walkFrom(findPosition(this.#root, at))
    let turn = walk.next()
    while (turn.done !== true) {
      const answer = test(turn.value)
      if (typeof answer !== 'boolean') return finish(walk, answer, test)
      turn = walk.next(answer)
    }
    return turn.value
  }

  /**
   * Returns the name of the step at a position.
   *
   * @throws IncompatibleBundle if the outline does not have that position
   */
  stepAt(at: string): string {
    return this.nodeAt(at).step
  }

  /**
   * Returns the node in `parts` of the step at a position.
   *
   * @throws IncompatibleBundle if the outline does not have that position
   */
  nodeAt(at: string): OutlineStepNode {
    return findPosition(this.#root, at).node
  }

  /**
   * Returns the way through `parts` to the step at a position, from the outermost block inwards.
   * The last segment is the step itself.
   *
   * @throws IncompatibleBundle if the outline does not have that position
   */
  pathTo(at: string): readonly OutlineSegment[] {
    const { index, inside } = findPosition(this.#root, at)
    const path: OutlineSegment[] = [{ index }]
    for (let { entered } = inside; entered !== undefined; entered = entered.from.entered) {
      const { from, index: outer, way, round } = entered
      const isLoop = from.block.nodes[outer]?.kind === 'while'
      path.unshift(
        isLoop ? { index: outer, round } : { index: outer, branch: from.block.waysAt(outer).indexOf(way) },
      )
    }
    return path
  }

  /** Returns one line for each part, indented by two spaces for each enclosing block. */
  toLines(): string[] {
    return linesOf(this.parts, '')
  }
}

async function finish(
  walk: Generator<string, OutlineNext, boolean>,
  first: Promise<boolean>,
  test: (predicate: string) => boolean | Promise<boolean>,
): Promise<OutlineNext> {
  let turn = walk.next(await first)
  while (turn.done !== true) turn = walk.next(await test(turn.value))
  return turn.value
}

function namesOf(parts: readonly OutlineNode[]): { readonly steps: string[]; readonly predicates: string[] } {
  const steps = new Set<string>()
  const predicates = new Set<string>()
  const look = (nodes: readonly OutlineNode[]): void => {
    for (const node of nodes) {
      if (node.kind === 'step') steps.add(node.step)
      else if (node.kind === 'while') {
        predicates.add(node.predicate)
        look(node.block)
      } else if (node.kind === 'if')
        for (const { predicate, block } of node.branches) {
          if (predicate !== undefined) predicates.add(predicate)
          look(block)
        }
    }
  }
  look(parts)
  return { steps: [...steps], predicates: [...predicates] }
}

function linesOf(nodes: readonly OutlineNode[], indent: string): string[] {
  return nodes.flatMap((node) => {
    if (node.kind === 'step') return [`${indent}${node.step}`]
    if (node.kind === 'return')
      return [`${indent}return${node.exitCode === undefined ? '' : `(${node.exitCode.label})`}`]
    if (node.kind === 'while')
      return [`${indent}while(${node.predicate})`, ...linesOf(node.block, `${indent}  `)]
    return node.branches.flatMap(({ predicate, block }, index) => [
      `${indent}${predicate === undefined ? 'else' : `${index === 0 ? 'if' : 'elif'}(${predicate})`}`,
      ...linesOf(block, `${indent}  `),
    ])
  })
}
