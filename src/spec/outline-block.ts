import type { OutlineNode } from './outline-node.ts'

/** A way into a node of a block: a loop, a branch of an `if_`, or the step itself. */
export interface Way {
  /** `relax`, `while(notConverged)`, `if(isA)`, `elif(isB)`, `else`. */
  readonly label: string
  readonly predicate: string | undefined
  /** The block that it leads into; undefined for a step. */
  readonly block: Block | undefined
}

/** A list of nodes, with the labels that positions use for them. */
export class Block {
  readonly nodes: readonly OutlineNode[]
  readonly #isWhole: boolean
  readonly #ways: readonly (readonly Way[])[]
  /** The index of the first node with each label. */
  readonly #first = new Map<string, number>()
  readonly #repeated = new Set<string>()

  /** `isWhole` marks the whole outline, as opposed to a block in it. */
  constructor(nodes: readonly OutlineNode[], { isWhole }: { readonly isWhole: boolean }) {
    this.nodes = nodes
    this.#isWhole = isWhole
    this.#ways = nodes.map(waysInto)
    for (const [index, ways] of this.#ways.entries())
      for (const { label } of ways) {
        if (this.#first.has(label)) this.#repeated.add(label)
        else this.#first.set(label, index)
      }
  }

  /** The ways into the node at an index, in the order in which they are tried. */
  waysAt(index: number): readonly Way[] {
    return this.#ways[index] ?? []
  }

  /** The index of the first node with a label. */
  firstOf(label: string): number | undefined {
    return this.#first.get(label)
  }

  /**
   * Writes a label in a position: with its index at the top level, or if the block contains the
   * label more than once.
   */
  written(index: number, label: string): string {
    return this.#isWhole || this.#repeated.has(label) ? `${index + 1}.${label}` : label
  }
}

function waysInto(node: OutlineNode): readonly Way[] {
  const inner = (nodes: readonly OutlineNode[]): Block => new Block(nodes, { isWhole: false })
  switch (node.kind) {
    case 'step':
      return [{ label: node.step, predicate: undefined, block: undefined }]
    case 'while':
      return [{ label: `while(${node.predicate})`, predicate: node.predicate, block: inner(node.block) }]
    case 'if': {
      const times = new Map<string, number>()
      return node.branches.map(({ predicate, block }, branch) => {
        const label = predicate === undefined ? 'else' : `${branch === 0 ? 'if' : 'elif'}(${predicate})`
        const time = (times.get(label) ?? 0) + 1
        times.set(label, time)
        return { label: time === 1 ? label : `${label}#${time}`, predicate, block: inner(block) }
      })
    }
    case 'return':
      return []
  }
}
