import { Block } from '../../spec/outline-block.ts'
import { findPosition } from '../../spec/outline-walk.ts'
import type { OutlineNode, OutlineReturnNode } from '../../spec/outline-node.ts'
import type { ProcessSpec, SpecDescription } from '../../spec/process-spec.ts'
import { WorkChainSpec } from '../../spec/work-chain-spec.ts'
import { IncompatibleBundle } from '../../shared/errors.ts'
import { label } from './mermaid.ts'
import { portRow, portRows } from './port-rows.ts'

/** Where a process is, as its picture shows it. */
export interface CurrentPosition {
  /** The beginning, the end, or a position in the outline or the name of a step. */
  readonly place: 'start' | 'end' | { readonly at: string }
  readonly look: Look
  /** For people, a line each: its state, what it waits for. */
  readonly notes: readonly string[]
}

export type Look = keyof typeof LOOKS

const LOOKS = {
  moving: 'fill:#fff3bf,stroke:#e67700,stroke-width:3px,color:#000',
  waiting: 'fill:#d0ebff,stroke:#1864ab,stroke-width:3px,color:#000',
  paused: 'fill:#e9ecef,stroke:#495057,stroke-width:3px,stroke-dasharray:4 3,color:#000',
  failed: 'fill:#ffe3e3,stroke:#c92a2a,stroke-width:3px,color:#000',
  done: 'fill:#d3f9d8,stroke:#2b8a3e,stroke-width:3px,color:#000',
} as const

/** A way out of a node, to whatever comes next. */
interface Way {
  readonly from: string
  readonly text?: 'yes' | 'no'
  /** Whether there may be more in between. */
  readonly dotted?: true
}

/**
 * The outline and the ports of a class as the text of a Mermaid flowchart. Of a class without an outline no step but `run` is known. With
 * currentPosition, the place of a process is marked in it, and loops around that place tell their rounds.
 */
export function flowchart(name: string, spec: ProcessSpec, currentPosition?: CurrentPosition): string {
  return new Drawing(name, spec, currentPosition).text()
}

class Drawing {
  readonly #lines: string[] = []
  readonly #description: SpecDescription
  readonly #root: Block | undefined
  readonly #name: string
  readonly #place: CurrentPosition['place'] | undefined
  readonly #look: Look | undefined
  #notes: readonly string[]
  /** The node to be marked. */
  #marked: string | undefined
  /** Where the process is in the outline: the block of its step, and the place in it. */
  #step: { readonly block: Block; readonly index: number } | undefined
  /** The rounds of the loops around that, by the block that they are in. */
  readonly #rounds = new Map<Block, { readonly index: number; readonly round: number }>()
  #count = 0
  /** What ends with success. */
  readonly #ends: Way[] = []

  constructor(name: string, spec: ProcessSpec, currentPosition: CurrentPosition | undefined) {
    this.#name = name
    this.#description = spec.getDescription()
    this.#look = currentPosition?.look
    this.#notes = currentPosition?.notes ?? []
    const outline = spec instanceof WorkChainSpec ? spec.getOutline() : undefined
    this.#root = outline === undefined ? undefined : new Block(outline.parts, { isWhole: true })
    // Until its first predicate has been asked a work chain is in `run`, which is no part of its outline.
    const isAtStart = isAt(currentPosition?.place, 'run') && outline !== undefined
    this.#place = isAtStart ? 'start' : currentPosition?.place
    if (this.#root !== undefined && typeof this.#place === 'object') this.#find(this.#root, this.#place.at)
  }

  #find(root: Block, at: string): void {
    try {
      const { index, inside } = findPosition(root, at)
      this.#step = { block: inside.block, index }
      let { entered } = inside
      while (entered !== undefined) {
        this.#rounds.set(entered.from.block, entered)
        entered = entered.from.entered
      }
    } catch (error) {
      if (!(error instanceof IncompatibleBundle)) throw error
      this.#notes = [...this.#notes, `this outline has no position ${at}`]
    }
  }

  text(): string {
    const { inputs, outputs, signals } = this.#description
    const start = this.#node('start', '([', [this.#name], '])')
    if (this.#ports('inputs', portLines(inputs), '[/', '/]')) this.#line(`inputs --> ${start}`)
    const signalLines = Object.entries(signals ?? {}).map(([name, port]) => portLine(portRow(name, port)))
    if (this.#ports('signals', signalLines, '>', ']')) this.#line(`signals -.-> ${start}`)
    if (this.#root === undefined) this.#ends.push(this.#unknownSteps(start))
    else this.#ends.push(...this.#block(this.#root, [{ from: start }]))
    const end = this.#ends.length === 0 ? undefined : this.#node('finish', '([', ['finished'], '])')
    if (end !== undefined) this.#connect(this.#ends, end)
    if (this.#ports('outputs', portLines(outputs), '[/', '/]') && end !== undefined)
      this.#line(`${end} --> outputs`)
    if (this.#place === 'start') this.#marked = start
    if (this.#place === 'end') this.#marked = end
    this.#mark()
    return ['flowchart TD', ...this.#lines.map((line) => `  ${line}`)].join('\n')
  }

  /** Draws the nodes of a block; gives the ways out of it. */
  #block(block: Block, into: readonly Way[]): Way[] {
    let ways = [...into]
    for (const [index, node] of block.nodes.entries()) {
      ways = this.#part(block, index, node, ways)
    }
    return ways
  }

  #part(block: Block, index: number, node: OutlineNode, into: readonly Way[]): Way[] {
    switch (node.kind) {
      case 'step': {
        const id = this.#next('[', [node.step], ']')
        if (this.#step?.block === block && this.#step.index === index) this.#marked = id
        this.#connect(into, id)
        return [{ from: id }]
      }
      case 'while': {
        const here = this.#rounds.get(block)
        const round = here?.index === index ? [`round ${here.round}`] : []
        const id = this.#next('{{', [`while ${node.predicate}`, ...round], '}}')
        this.#connect(into, id)
        for (const { block: inner } of block.waysAt(index)) {
          if (inner !== undefined) this.#connect(this.#block(inner, [{ from: id, text: 'yes' }]), id)
        }
        return [{ from: id, text: 'no' }]
      }
      case 'if':
        return this.#branches(block, index, into)
      case 'return':
        this.#return(node, into)
        return []
    }
  }

  #branches(block: Block, index: number, into: readonly Way[]): Way[] {
    let open = [...into]
    const out: Way[] = []
    for (const { predicate, block: inner } of block.waysAt(index)) {
      let ways = open
      open = []
      if (predicate !== undefined) {
        const id = this.#next('{', [predicate], '}')
        this.#connect(ways, id)
        ways = [{ from: id, text: 'yes' }]
        open = [{ from: id, text: 'no' }]
      }
      if (inner !== undefined) out.push(...this.#block(inner, ways))
    }
    return [...out, ...open]
  }

  #return({ exitCode }: OutlineReturnNode, into: readonly Way[]): void {
    if (exitCode === undefined) {
      this.#ends.push(...into)
      return
    }
    const { code, label: name, message } = exitCode
    this.#connect(into, this.#next('([', [`${name} (${code})`, message], '])'))
  }

  /** `run`, and, where a process is in another, that one; what lies between is not known. */
  #unknownSteps(start: string): Way {
    const at = typeof this.#place === 'object' ? this.#place.at : undefined
    let last = this.#next('[', ['run'], ']')
    this.#connect([{ from: start }], last)
    if (at !== undefined && at !== 'run') {
      const step = this.#next('[', [at], ']')
      this.#connect([{ from: last, dotted: true }], step)
      last = step
    }
    if (at !== undefined) this.#marked = last
    return { from: last, dotted: true }
  }

  #mark(): void {
    const marked = this.#marked
    if (this.#notes.length > 0) {
      const note = this.#node('note', '[', this.#notes, ']')
      if (marked !== undefined) this.#line(`${marked} -.- ${note}`)
    }
    const look = this.#look
    if (marked === undefined || look === undefined) return
    this.#line(`classDef ${look} ${LOOKS[look]}`)
    this.#line(`class ${marked} ${look}`)
  }

  /** Whether there are any. */
  #ports(id: string, lines: readonly string[], open: string, close: string): boolean {
    if (lines.length > 0) this.#node(id, open, [id, ...lines], close)
    return lines.length > 0
  }

  #connect(ways: readonly Way[], to: string): void {
    for (const { from, text, dotted } of ways) {
      this.#line(`${from} ${dotted ? '-.->' : '-->'}${text === undefined ? '' : `|${text}|`} ${to}`)
    }
  }

  #next(open: string, lines: readonly string[], close: string): string {
    this.#count += 1
    return this.#node(`n${this.#count}`, open, lines, close)
  }

  #node(id: string, open: string, lines: readonly string[], close: string): string {
    this.#line(`${id}${open}${label(lines)}${close}`)
    return id
  }

  #line(text: string): void {
    this.#lines.push(text)
  }
}

function isAt(place: CurrentPosition['place'] | undefined, step: string): boolean {
  return typeof place === 'object' && place.at === step
}

function portLines(namespace: SpecDescription['inputs']): string[] {
  return portRows(namespace)
    .filter(([, type]) => type !== 'namespace')
    .map(portLine)
}

/** `price: number, default 1: what it costs`. */
function portLine([name = '', type = '', need = '', help = '']: readonly string[]): string {
  const told = [type, need === 'required' ? '' : need].filter((text) => text !== '').join(', ')
  return `${name}: ${told}${help === '' ? '' : ` (${help})`}`
}
