import {
  IncompatibleBundle,
  type Outline,
  type OutlineIfNode,
  type OutlineNode,
  type OutlineReturnNode,
  type OutlineSegment,
  type ProcessSpec,
  type SpecDescription,
  WorkChainSpec,
} from '../../index.ts'
import { label } from './mermaid.ts'
import { portRow, portRows } from './port-rows.ts'

/** The position of a process, as its flowchart shows it. */
export interface CurrentPosition {
  /** The start, the end, a position in the outline, or the name of a step. */
  readonly position: 'start' | 'end' | { readonly at: string }
  readonly look: Look
  /** Lines that describe the process: its state, what it waits for. */
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

/** The start of an arrow to the next node. */
interface Exit {
  readonly from: string
  readonly text?: 'yes' | 'no'
  /** Whether other steps may run in between. */
  readonly dotted?: true
}

/**
 * Draws the outline and the ports of a class as the text of a Mermaid flowchart. Of a class without an
 * outline only the step `run` is known. With `currentPosition`, the flowchart marks the position of a
 * process, and the loops around that position show their rounds.
 */
export function flowchart(name: string, spec: ProcessSpec, currentPosition?: CurrentPosition): string {
  return new Drawing(name, spec, currentPosition).text()
}

/** The rest of the way to the step of the process; undefined outside of it. */
type Path = readonly OutlineSegment[] | undefined

class Drawing {
  readonly #lines: string[] = []
  readonly #description: SpecDescription
  readonly #outline: Outline | undefined
  readonly #name: string
  readonly #position: CurrentPosition['position'] | undefined
  readonly #look: Look | undefined
  #notes: readonly string[]
  /** The node to be marked. */
  #marked: string | undefined
  /** The way to the step of the process, if the outline has that step. */
  readonly #path: Path
  #count = 0
  /** What leads to the successful end. */
  readonly #ends: Exit[] = []

  constructor(name: string, spec: ProcessSpec, currentPosition: CurrentPosition | undefined) {
    this.#name = name
    this.#description = spec.getDescription()
    this.#look = currentPosition?.look
    this.#notes = currentPosition?.notes ?? []
    this.#outline = spec instanceof WorkChainSpec ? spec.getOutline() : undefined
    // A work chain is in `run`, which is not part of its outline, until its first predicate has
    // been called.
    const isAtStart = isAt(currentPosition?.position, 'run') && this.#outline !== undefined
    this.#position = isAtStart ? 'start' : currentPosition?.position
    this.#path = typeof this.#position === 'object' ? this.#pathTo(this.#position.at) : undefined
  }

  #pathTo(at: string): Path {
    try {
      return this.#outline?.pathTo(at)
    } catch (error) {
      if (!(error instanceof IncompatibleBundle)) throw error
      this.#notes = [...this.#notes, `this outline has no position ${at}`]
      return undefined
    }
  }

  text(): string {
    const { inputs, outputs, signals } = this.#description
    const start = this.#node('start', '([', [this.#name], '])')
    if (this.#ports('inputs', portLines(inputs), '[/', '/]')) this.#line(`inputs --> ${start}`)
    const signalLines = Object.entries(signals ?? {}).map(([name, port]) => portLine(portRow(name, port)))
    if (this.#ports('signals', signalLines, '>', ']')) this.#line(`signals -.-> ${start}`)
    if (this.#outline === undefined) this.#ends.push(this.#unknownSteps(start))
    else this.#ends.push(...this.#block(this.#outline.parts, this.#path, [{ from: start }]))
    const end = this.#ends.length === 0 ? undefined : this.#node('finish', '([', ['finished'], '])')
    if (end !== undefined) this.#connect(this.#ends, end)
    if (this.#ports('outputs', portLines(outputs), '[/', '/]') && end !== undefined)
      this.#line(`${end} --> outputs`)
    if (this.#position === 'start') this.#marked = start
    if (this.#position === 'end') this.#marked = end
    this.#mark()
    return ['flowchart TD', ...this.#lines.map((line) => `  ${line}`)].join('\n')
  }

  /** Draws the nodes of a block and returns the exits from it. `path` leads to the step of the process, if it is in there. */
  #block(nodes: readonly OutlineNode[], path: Path, into: readonly Exit[]): Exit[] {
    let exits = [...into]
    for (const [index, node] of nodes.entries()) {
      exits = this.#part(node, path?.[0]?.index === index ? path : undefined, exits)
    }
    return exits
  }

  #part(node: OutlineNode, path: Path, into: readonly Exit[]): Exit[] {
    switch (node.kind) {
      case 'step': {
        const id = this.#next('[', [node.step], ']')
        if (path !== undefined) this.#marked = id
        this.#connect(into, id)
        return [{ from: id }]
      }
      case 'while': {
        const round = path?.[0]?.round === undefined ? [] : [`round ${path[0].round}`]
        const id = this.#next('{{', [`while ${node.predicate}`, ...round], '}}')
        this.#connect(into, id)
        this.#connect(this.#block(node.block, path?.slice(1), [{ from: id, text: 'yes' }]), id)
        return [{ from: id, text: 'no' }]
      }
      case 'if':
        return this.#branches(node, path, into)
      case 'return':
        this.#return(node, into)
        return []
    }
  }

  #branches({ branches }: OutlineIfNode, path: Path, into: readonly Exit[]): Exit[] {
    let open = [...into]
    const exits: Exit[] = []
    for (const [index, { predicate, block }] of branches.entries()) {
      let entries = open
      open = []
      if (predicate !== undefined) {
        const id = this.#next('{', [predicate], '}')
        this.#connect(entries, id)
        entries = [{ from: id, text: 'yes' }]
        open = [{ from: id, text: 'no' }]
      }
      exits.push(...this.#block(block, path?.[0]?.branch === index ? path.slice(1) : undefined, entries))
    }
    return [...exits, ...open]
  }

  #return({ exitCode }: OutlineReturnNode, into: readonly Exit[]): void {
    if (exitCode === undefined) {
      this.#ends.push(...into)
      return
    }
    const { code, label: name, message } = exitCode
    this.#connect(into, this.#next('([', [`${name} (${code})`, message], '])'))
  }

  /** Draws `run` and, if the process is in another step, that step. The steps in between are not known. */
  #unknownSteps(start: string): Exit {
    const at = typeof this.#position === 'object' ? this.#position.at : undefined
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

  /** Draws the ports, if there are any, and returns whether there are. */
  #ports(id: string, lines: readonly string[], open: string, close: string): boolean {
    if (lines.length > 0) this.#node(id, open, [id, ...lines], close)
    return lines.length > 0
  }

  #connect(exits: readonly Exit[], to: string): void {
    for (const { from, text, dotted } of exits) {
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

function isAt(position: CurrentPosition['position'] | undefined, step: string): boolean {
  return typeof position === 'object' && position.at === step
}

function portLines(namespace: SpecDescription['inputs']): string[] {
  return portRows(namespace)
    .filter(([, type]) => type !== 'namespace')
    .map(portLine)
}

/** `price: number, default 1: what it costs`. */
function portLine([name = '', type = '', need = '', help = '']: readonly string[]): string {
  const kind = [type, need === 'required' ? '' : need].filter((text) => text !== '').join(', ')
  return `${name}: ${kind}${help === '' ? '' : ` (${help})`}`
}
