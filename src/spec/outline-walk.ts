import { IncompatibleBundle, SpecError } from '../shared/errors.ts'
import type { ExitCode } from './exit-code.ts'
import type { Block, Way } from './outline-block.ts'
import type { OutlineStepNode } from './outline-node.ts'

/** What a process does next: a step, or its end. */
export type OutlineNext =
  | {
      readonly kind: 'step'
      /** The name of the method. */
      readonly step: string
      /** The position of the step: `2.while(notConverged)#7.relax`. */
      readonly at: string
    }
  | {
      readonly kind: 'return'
      /** Undefined for an end with success. */
      readonly exitCode: ExitCode | undefined
    }
  | { readonly kind: 'end' }

/** A step of an outline and the blocks that contain it. */
export interface Position {
  readonly node: OutlineStepNode
  readonly index: number
  readonly inside: Inside
}

/** A block that the walk is in. */
interface Inside {
  readonly block: Block
  /** The position of the block, with a dot: `2.while(more)#7.`. */
  readonly prefix: string
  /** The loop or branch to which the block belongs; undefined for the whole outline. */
  readonly entered:
    { readonly from: Inside; readonly index: number; readonly way: Way; readonly round: number } | undefined
}

/** A loop that reaches no step would block the event loop for ever. */
const MOST_EMPTY_ROUNDS = 1_000_000

/**
 * Walks from the start of an outline to its first step. Yields each predicate, and receives its
 * result.
 */
export function walkIn(root: Block): Generator<string, OutlineNext, boolean> {
  return walk({ block: root, prefix: '', entered: undefined }, 0)
}

/** Walks from a step to the one after it. */
export function walkFrom({ inside, index }: Position): Generator<string, OutlineNext, boolean> {
  return walk(inside, index + 1)
}

function* walk(inside: Inside, index: number): Generator<string, OutlineNext, boolean> {
  let emptyRounds = 0
  for (;;) {
    const node = inside.block.nodes[index]
    if (node === undefined) {
      if (inside.entered === undefined) return { kind: 'end' }
      const { from, index: entry, way, round } = inside.entered
      inside = from
      index = entry + 1
      if (from.block.nodes[entry]?.kind !== 'while') continue
      emptyRounds += 1
      if (emptyRounds > MOST_EMPTY_ROUNDS)
        throw new SpecError(
          `'${from.prefix}${from.block.written(entry, way.label)}' went through ${MOST_EMPTY_ROUNDS} rounds without reaching a step: add a step that always runs to its block`,
        )
      if (yield way.predicate!) {
        inside = enter(from, entry, way, round + 1)
        index = 0
      }
    } else if (node.kind === 'step') {
      return { kind: 'step', step: node.step, at: inside.prefix + inside.block.written(index, node.step) }
    } else if (node.kind === 'return') {
      return { kind: 'return', exitCode: node.exitCode }
    } else {
      const taken = yield* choose(inside.block.waysAt(index))
      if (taken === undefined) index += 1
      else {
        inside = enter(inside, index, taken, 1)
        index = 0
      }
    }
  }
}

/** Returns the first way without a predicate, or whose predicate returns true. */
function* choose(ways: readonly Way[]): Generator<string, Way | undefined, boolean> {
  for (const way of ways) if (way.predicate === undefined || (yield way.predicate)) return way
  return undefined
}

function enter(from: Inside, index: number, way: Way, round: number): Inside {
  const loop = from.block.nodes[index]?.kind === 'while' ? `#${round}` : ''
  return {
    block: way.block!,
    prefix: `${from.prefix}${from.block.written(index, way.label)}${loop}.`,
    entered: { from, index, way, round },
  }
}

/**
 * Returns the step at a position.
 *
 * @throws IncompatibleBundle if the outline does not have it
 */
export function findPosition(root: Block, at: string): Position {
  const segments = at.split('.')
  let inside: Inside = { block: root, prefix: '', entered: undefined }
  for (let read = 0; ; read += 1) {
    const { block } = inside
    let index = -1
    // The last segment is a step, whose name may be a number.
    const indexed = read < segments.length - 1 && /^[1-9]\d*$/.test(segments[read]!)
    if (indexed) {
      index = Number(segments[read]) - 1
      read += 1
    }
    const { label, round } = labelIn(segments[read]!)
    if (!indexed && block !== root) index = block.firstOf(label) ?? -1
    const node = block.nodes[index]
    const way = block.waysAt(index).find((one) => one.label === label)
    const isLast = read === segments.length - 1
    if (node?.kind === 'step' && way !== undefined && isLast) return { node, index, inside }
    if (way?.block === undefined || isLast || (node?.kind === 'while') !== (round !== undefined))
      throw missing(inside, at, index)
    inside = enter(inside, index, way, round ?? 1)
  }
}

/** Splits `while(more)#7` into its label and round. Any other segment is a label. */
function labelIn(segment: string): { readonly label: string; readonly round: number | undefined } {
  const [, label, round] = /^(while\(.*\))#([1-9]\d*)$/.exec(segment) ?? []
  return label === undefined ? { label: segment, round: undefined } : { label, round: Number(round) }
}

function missing({ block, prefix }: Inside, at: string, index: number): IncompatibleBundle {
  const where = prefix === '' ? 'the outline' : `'${prefix.slice(0, -1)}' of the outline`
  return new IncompatibleBundle(
    `the outline has no position '${at}' (any more): ${where} has ${labelsOf(block, index)}. Give the class a higher version, and change the position to an existing one in its static upgrade`,
  )
}

/** Lists the labels at one index of a block, or all of them. */
function labelsOf(block: Block, index: number): string {
  const indexes = index === -1 ? [...block.nodes.keys()] : [index]
  const labels = indexes.flatMap((one) => block.waysAt(one).map(({ label }) => block.written(one, label)))
  return labels.length === 0 ? 'no step there' : labels.map((label) => `'${label}'`).join(', ')
}
