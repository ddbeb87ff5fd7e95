import { EventEmitter } from 'node:events'
import {
  append,
  Continue,
  type Engine,
  Process,
  type ProcessSpec,
  Wait,
  while_,
  WorkChain,
  type WorkChainSpec,
} from 'damson'

/** One step, one input, one output. */
export class OneStep extends Process<typeof OneStep> {
  static override define(spec: ProcessSpec) {
    return spec.input('a', { schema: { type: 'number' } }).output('sum', { schema: { type: 'number' } })
  }
  override run() {
    this.out('sum', this.inputs.a + 1)
  }
}

/** Three steps that hand on a number. */
export class ThreeSteps extends Process<typeof ThreeSteps> {
  static override define(spec: ProcessSpec) {
    return spec.input('a', { schema: { type: 'number' } }).output('sum', { schema: { type: 'number' } })
  }
  override run() {
    return new Continue(this.second, this.inputs.a + 1)
  }
  second(sum: number) {
    return new Continue(this.third, sum + 1)
  }
  third(sum: number) {
    this.out('sum', sum + 1)
  }
}

/** Launches so many processes at once. Resolves after the last result. */
export async function runTogether(
  engine: Engine,
  processClass: typeof OneStep | typeof ThreeSteps,
  count: number,
): Promise<void> {
  await Promise.all(
    Array.from({ length: count }, async (_, a) => {
      const handle = await engine.launch(processClass, { a })
      await handle.result()
    }),
  )
}

/** As many steps as it is told, one after the other; carries along what it is given. */
export class ManySteps extends Process<typeof ManySteps> {
  static override define(spec: ProcessSpec) {
    return spec
      .input('steps', { schema: { type: 'integer' } })
      .input('cargo', { schema: { type: 'string' }, default: '' })
      .output('count', { schema: { type: 'integer' } })
  }
  override run() {
    return this.next(1)
  }
  next(count: number) {
    if (count < this.inputs.steps) return new Continue(this.next, count + 1)
    this.out('count', count)
    return undefined
  }
}

/** Waits until somebody resumes it. */
export class Waiting extends Process<typeof Waiting> {
  override run() {
    return new Wait(this.woken)
  }
  woken() {
    return 'awake'
  }
}

/** A step has begun that a wait led to. */
export interface Woken {
  readonly pid: string
  /** Wall-clock milliseconds; `due`: of what waited for a time. */
  readonly at: number
  readonly due?: number
}

/** Tells of each as `woken`, in the program that runs it. */
export const wakes = new EventEmitter<{ woken: [Woken] }>()

/** Waits for a signal, and has left memory by then. */
export class Approval extends Process<typeof Approval> {
  static override define(spec: ProcessSpec) {
    return spec.signal('approval', { schema: { type: 'string' } })
  }
  override run() {
    return new Wait(this.decided, { receive: 'approval' })
  }
  decided(answer: string) {
    wakes.emit('woken', { pid: this.pid, at: Date.now() })
    return answer
  }
}

/** Waits for a signal in the flow of its step, and stays in memory. */
export class Receiver extends Process<typeof Receiver> {
  static override define(spec: ProcessSpec) {
    return spec.signal('approval', { schema: { type: 'string' } })
  }
  override async run() {
    return this.receive('approval')
  }
}

/** Waits for a time, in wall-clock milliseconds. */
export class Sleeper extends Process<typeof Sleeper> {
  static override define(spec: ProcessSpec) {
    return spec.input('until', { schema: { type: 'number' } })
  }
  override run() {
    return new Wait(this.awake, { until: new Date(this.inputs.until) })
  }
  awake() {
    wakes.emit('woken', { pid: this.pid, at: Date.now(), due: this.inputs.until })
  }
}

/** One step launches all its children and waits for them. */
export class Parent extends Process<typeof Parent> {
  static override define(spec: ProcessSpec) {
    return spec
      .input('children', { schema: { type: 'integer' } })
      .output('sum', { schema: { type: 'number' } })
  }
  override async run() {
    const launched = Array.from({ length: this.inputs.children }, (_, a) => this.launch(OneStep, { a }))
    const results = await this.join('children', await Promise.all(launched))
    this.out('sum', sumOf(results as { readonly sum: number }[]))
  }
}

/** As `Parent`, by an outline: the results are in the context of the step that adds them up. */
export class ParentChain extends WorkChain<typeof ParentChain> {
  declare ctx: { results: { readonly sum: number }[] }
  static override define(spec: WorkChainSpec) {
    return spec
      .input('children', { schema: { type: 'integer' } })
      .output('sum', { schema: { type: 'number' } })
      .outline(ParentChain.prototype.spread, ParentChain.prototype.gather)
  }
  async spread() {
    const launched = Array.from({ length: this.inputs.children }, (_, a) => this.launch(OneStep, { a }))
    for (const child of await Promise.all(launched)) this.toContext({ results: append(child) })
  }
  gather() {
    this.out('sum', sumOf(this.ctx.results))
  }
}

function sumOf(results: readonly { readonly sum: number }[]): number {
  return results.reduce((sum, result) => sum + result.sum, 0)
}

/** Effects in a row in one step. */
export class Effects extends Process<typeof Effects> {
  static override define(spec: ProcessSpec) {
    return spec
      .input('effects', { schema: { type: 'integer' } })
      .output('count', { schema: { type: 'integer' } })
  }
  override async run() {
    let count = 0
    for (let i = 0; i < this.inputs.effects; i++) count += await this.effect('count', () => 1)
    this.out('count', count)
  }
}

/** As many rounds of a loop as it is told, with one step in each. */
export class Rounds extends WorkChain<typeof Rounds> {
  declare ctx: { round: number }
  static override define(spec: WorkChainSpec) {
    return spec
      .input('rounds', { schema: { type: 'integer' } })
      .output('count', { schema: { type: 'integer' } })
      .outline(
        Rounds.prototype.setUp,
        while_(Rounds.prototype.more)(Rounds.prototype.round),
        Rounds.prototype.end,
      )
  }
  setUp() {
    this.ctx.round = 0
  }
  more() {
    return this.ctx.round < this.inputs.rounds
  }
  round() {
    this.ctx.round++
  }
  end() {
    this.out('count', this.ctx.round)
  }
}
