import { Continue, Process, Wait, type ProcessHandle, type ProcessSpec } from '../../src/index.ts'

/** A door that a step waits at until the test opens it; `reached` resolves once a step stands there. */
export class Gate {
  readonly reached: Promise<void>
  readonly #opened: Promise<void>
  #arrive!: () => void
  open!: () => void
  /** How many steps have come here. */
  visits = 0

  constructor() {
    this.reached = new Promise((resolve) => (this.#arrive = resolve))
    this.#opened = new Promise((resolve) => (this.open = resolve))
  }

  async pass(): Promise<void> {
    this.visits++
    this.#arrive()
    await this.#opened
  }
}

const gates = new Map<string, Gate>()

/** The gate of that name, made on first use. */
export function gate(name: string): Gate {
  let found = gates.get(name)
  if (found === undefined) gates.set(name, (found = new Gate()))
  return found
}

/** Forgets all gates, opening them first, so that nothing is left standing there. */
export function closeGates(): void {
  for (const one of gates.values()) one.open()
  gates.clear()
}

export class Add extends Process<typeof Add> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('a', { schema: { type: 'number' } })
      .input('b', { schema: { type: 'number' }, default: 1 })
      .output('sum', { schema: { type: 'number' } })
  }
  override run(): void {
    this.out('sum', this.inputs.a + this.inputs.b)
  }
}

/** Counts up to `steps`, one step at a time. */
export class Count extends Process<typeof Count> {
  declare ctx: { count?: number }
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('steps', { schema: { type: 'integer' }, default: 3 })
      .output('count', { schema: { type: 'integer' } })
  }
  override run(): unknown {
    this.ctx.count = (this.ctx.count ?? 0) + 1
    if (this.ctx.count < this.inputs.steps) return new Continue(this.run)
    this.out('count', this.ctx.count)
    return undefined
  }
}

/** Its step stands at a gate, then it goes on to a second step. */
export class Gated extends Process<typeof Gated> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.input('gate', { schema: { type: 'string' } }).output('steps', { schema: { type: 'integer' } })
  }
  override async run(): Promise<unknown> {
    await gate(this.inputs.gate).pass()
    return new Continue(this.finish)
  }
  finish(): void {
    this.out('steps', 2)
  }
}

/** Waits for a resume, and returns what it was resumed with. */
export class Approval extends Process<typeof Approval> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.output('answer')
  }
  override run(): unknown {
    return new Wait(this.decide, { message: 'waiting for the approval' })
  }
  decide(answer: unknown): void {
    this.out('answer', answer)
  }
}

export class Failing extends Process<typeof Failing> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.input('message', { schema: { type: 'string' }, default: 'on purpose' })
  }
  override run(): never {
    throw new TypeError(this.inputs.message)
  }
}

/** Launches the given number of children, waits for them and adds up their sums. */
export class Parent extends Process<typeof Parent> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('children', { schema: { type: 'integer' }, default: 2 })
      .input('gate', { schema: { type: 'string' }, required: false })
      .output('total', { schema: { type: 'number' } })
      .output('pids', { schema: { type: 'array', items: { type: 'string' } } })
  }
  override async run(): Promise<void> {
    const handles: ProcessHandle<unknown, typeof Add>[] = []
    for (let index = 0; index < this.inputs.children; index++)
      handles.push(await this.launch(Add, { a: index }))
    if (this.inputs.gate !== undefined) await gate(this.inputs.gate).pass()
    let total = 0
    for (const handle of handles) total += (await handle.outputs.all()).sum
    this.out('total', total)
    this.out(
      'pids',
      handles.map(({ pid }) => pid),
    )
  }
}
