import { existsSync } from 'node:fs'
import { setTimeout as later } from 'node:timers/promises'
import {
  append,
  Continue,
  if_,
  Wait,
  WaitTimeout,
  while_,
  WorkChain,
  type AnyProcessClass,
  type ProcessHandle,
  type ProcessSpec,
  type SavedForm,
  type Settled,
  type WorkChainSpec,
} from '../../../src/index.ts'
import { block, given } from './here.ts'
import { Branches, Brood, Caller, Doomed, Hasty, Stubborn, Taker } from './hard-classes.ts'
import { Noted, noted, pay, woke, type Kept } from './noted.ts'

/*
 * The processes of the load. What each comes to is said once more, in words of its own, in ../checker/models.ts.
 */

/** Adds up 1 to `n`, one step each. */
class Steps extends Noted {
  override run() {
    return noted(this, 'run', () => new Continue(this.add, 1))
  }
  add(number: number): Promise<unknown> {
    return noted(this, 'add', async () => {
      await this.pay('add', this.slow)
      this.ctx.sum = (this.ctx.sum ?? 0) + number
      if (number < this.n) return new Continue(this.add, number + 1)
      return this.emit(this.ctx.sum)
    })
  }
}

/** Computes for a while in one step, with an effect before and one after. */
class Slow extends Noted {
  override run(): Promise<unknown> {
    return noted(this, 'run', async () => {
      await this.pay('before')
      await later(this.slow)
      await this.pay('after')
      this.emit(this.n)
    })
  }
}

/** Computes in `n` steps, and writes nothing to the store before the end of each. */
class Idle extends Noted {
  override run(): Promise<unknown> {
    return this.#idle('run')
  }
  more(): Promise<unknown> {
    return this.#idle('more')
  }
  #idle(step: string): Promise<unknown> {
    return noted(this, step, async () => {
      await later(this.slow)
      this.ctx.sum = (this.ctx.sum ?? 0) + 1
      return this.ctx.sum < this.n ? new Continue(this.more) : this.emit(this.ctx.sum)
    })
  }
}

/** Sleeps `n` times within its step, every other time out of memory, and once between steps. */
class Sleeper extends Noted {
  override run(): Promise<unknown> {
    return noted(this, 'run', async () => {
      for (let count = 0; count < this.n; count++) {
        await this.sleep('nap', this.slow, { evict: count % 2 === 1 })
        woke(this, 'nap', count)
        await this.pay(`dream ${count}`)
      }
      return new Wait(this.rise, { for: this.slow })
    })
  }
  rise(): Promise<void> {
    return noted(this, 'rise', () => this.emit(this.n))
  }
}

/** Launches children and adds up what they come to. */
class Parent extends Noted {
  static override define(spec: ProcessSpec) {
    const whole = Noted.define(spec)
    return whole
      .input('depth', { schema: { type: 'integer' } })
      .input('how', { schema: { enum: ['join', 'wait', 'together'] } })
  }
  override run(): Promise<unknown> {
    return noted(this, 'run', async () => {
      const { n, how, slow } = this
      const depth = Number(this.inputs['depth'])
      const launch = (index: number): Promise<ProcessHandle> => {
        if (depth > 1) return this.launch('Parent', { n, depth: depth - 1, how, slow })
        return this.launch(index % 3 === 2 ? 'Sleeper' : index % 3 === 1 ? 'Slow' : 'Steps', {
          n: index + 1,
          slow,
        })
      }
      const indices = Array.from({ length: n }, (_, index) => index)
      const handles: ProcessHandle[] = []
      if (how === 'together') handles.push(...(await Promise.all(indices.map(launch))))
      else for (const index of indices) handles.push(await launch(index))
      if (how === 'wait') return new Wait(this.gather, { on: handles })
      const results = (await this.join('children', handles)) as { sum: number }[]
      woke(this, 'children', results.length)
      await this.pay('joined')
      return this.emit(results.reduce((sum, result) => sum + result.sum, 0))
    })
  }
  gather(ends: readonly Settled<{ sum: number }>[]): Promise<void> {
    return noted(this, 'gather', async () => {
      await this.pay('gathered')
      this.emit(ends.reduce((sum, end) => sum + (end.status === 'fulfilled' ? end.value.sum : 0), 0))
    })
  }
}

/** Receives `n` signals, in one step or between steps, and says which. */
class Listener extends Noted {
  declare ctx: Kept & { got?: unknown[] }
  static override define(spec: ProcessSpec) {
    const whole = Noted.define(spec)
    return whole
      .input('how', { schema: { enum: ['hold', 'evict', 'wait'] } })
      .signal('ping')
      .output('got')
  }
  override run(): Promise<unknown> {
    return noted(this, 'run', async () => {
      this.ctx.got = []
      if (this.how === 'wait') return new Wait(this.hear, { receive: 'ping' })
      for (let count = 0; count < this.n; count++) {
        const value: unknown = await this.receive('ping', { evict: this.how === 'evict' })
        woke(this, 'ping', value)
        this.ctx.got.push(value)
        await this.pay(`heard ${count}`)
      }
      return this.#done()
    })
  }
  hear(value: unknown): Promise<unknown> {
    return noted(this, 'hear', async () => {
      const got = (this.ctx.got ??= [])
      got.push(value)
      await this.pay('heard')
      return got.length < this.n ? new Wait(this.hear, { receive: 'ping' }) : this.#done()
    })
  }
  #done(): void {
    this.out('got', this.ctx.got ?? [])
    this.emit(this.n)
  }
}

/** Is resumed `n` times. */
class Asker extends Noted {
  declare ctx: Kept & { got?: unknown[] }
  static override define(spec: ProcessSpec) {
    return Noted.define(spec).output('got')
  }
  override run(): Promise<unknown> {
    return noted(this, 'run', () => new Wait(this.answered, { message: 'an answer' }))
  }
  answered(value: unknown): Promise<unknown> {
    return noted(this, 'answered', async () => {
      const got = (this.ctx.got ??= [])
      got.push(value)
      await this.pay('answered')
      if (got.length < this.n) return new Wait(this.answered, { message: 'another answer' })
      this.out('got', got)
      return this.emit(this.n)
    })
  }
}

/** Receives a signal or gives it up. */
class Racer extends Noted {
  static override define(spec: ProcessSpec) {
    return Noted.define(spec).signal('maybe').output('got')
  }
  override run(): Promise<unknown> {
    return noted(this, 'run', async () => {
      const got: unknown[] = []
      try {
        got.push(await this.receive('maybe', { timeout: this.slow, evict: this.n % 2 === 0 }))
      } catch (error) {
        if (!(error instanceof WaitTimeout)) throw error
      }
      woke(this, 'maybe', got)
      await this.pay('decided')
      this.out('got', got)
      this.emit(got.length)
    })
  }
}

/** Fails `n` times, and then does not. */
class Flaky extends Noted {
  static override define(spec: ProcessSpec) {
    return Noted.define(spec).retry({ attempts: 9, backoff: { initial: 50, factor: 1, jitter: 0 } })
  }
  override run(): Promise<unknown> {
    return noted(this, 'run', async () => {
      await this.pay('first')
      if (this.attempt <= this.n) throw new Error(`attempt ${this.attempt}`)
      await this.pay('last')
      this.emit(this.attempt)
    })
  }
}

/** Fails for good until a file is there. */
class Failing extends Noted {
  static override define(spec: ProcessSpec) {
    return Noted.define(spec).input('mend', { schema: { type: 'string' } })
  }
  override run(): Promise<unknown> {
    return noted(this, 'run', async () => {
      await this.pay('reserve')
      return new Continue(this.charge)
    })
  }
  charge(): Promise<unknown> {
    return noted(this, 'charge', async () => {
      await this.pay('charge', this.slow)
      if (!existsSync(String(this.inputs['mend']))) throw new Error('not mended')
      await this.pay('book')
      this.emit(this.n)
    })
  }
}

/** Rounds of children, and a branch. */
class Chain extends WorkChain<typeof Chain> {
  declare ctx: Kept & { round?: number; parts?: { sum: number }[] }
  static override define(spec: WorkChainSpec) {
    super.define(spec)
    return spec
      .input('n', { schema: { type: 'integer' } })
      .input('slow', { schema: { type: 'integer' }, default: 0 })
      .output('sum', { schema: { type: 'integer' } })
      .output('tokens')
      .outline('begin', while_('isOpen')('send', 'count'), if_('isOdd')('left').else_('right'), 'end')
  }
  begin(): Promise<void> {
    return noted(this, 'begin', async () => {
      this.ctx.round = 0
      await this.pay('begin', this.inputs.slow)
    })
  }
  isOpen(): boolean {
    return (this.ctx.round ?? 0) < this.inputs.n
  }
  send(): Promise<void> {
    return noted(this, 'send', async () => {
      const child = await this.launch(Steps, { n: (this.ctx.round ?? 0) + 1, slow: this.inputs.slow })
      this.toContext({ parts: append(child) })
    })
  }
  count(): Promise<void> {
    return noted(this, 'count', async () => {
      await this.pay('count')
      this.ctx.round = (this.ctx.round ?? 0) + 1
    })
  }
  protected pay(name: string, takes?: number): Promise<void> {
    return pay(this, (...args) => this.effect(...args), name, takes)
  }
  protected emit(sum: number): void {
    this.out('sum', sum)
    this.out('tokens', this.ctx.tokens ?? [])
  }
  isOdd(): boolean {
    return this.inputs.n % 2 === 1
  }
  left(): Promise<void> {
    return noted(this, 'left', () => void (this.ctx.sum = 100))
  }
  right(): Promise<void> {
    return noted(this, 'right', () => void (this.ctx.sum = 200))
  }
  end(): Promise<void> {
    return noted(this, 'end', () =>
      this.emit((this.ctx.parts ?? []).reduce((sum, part) => sum + part.sum, this.ctx.sum ?? 0)),
    )
  }
}

/** As it was before. */
class OldEvolving extends Noted {
  static override processName = 'Evolving'
  declare ctx: Kept & { count?: number }
  override run(): Promise<unknown> {
    return noted(this, 'run', async () => {
      await this.pay('begin', this.slow)
      this.ctx.count = this.n
      return new Wait(this.second, { for: this.slow })
    })
  }
  second(): Promise<unknown> {
    return noted(this, 'second', async () => {
      await this.pay('second')
      this.emit((this.ctx.count ?? Number.NaN) * 2)
    })
  }
}

/** What was `count` is `total`, and what was `second` is `last`. */
class Evolving extends Noted {
  static override version = 2
  declare ctx: Kept & { total?: number }
  static override upgrade(form: SavedForm): void {
    if ('count' in form.ctx) {
      form.ctx['total'] = form.ctx['count']
      delete form.ctx['count']
    }
    if (form.state['step'] === 'second') form.state['step'] = 'last'
    form.version = 2
  }
  override run(): Promise<unknown> {
    return noted(this, 'run', async () => {
      await this.pay('begin', this.slow)
      this.ctx.total = this.n
      return new Wait(this.last, { for: this.slow })
    })
  }
  last(): Promise<unknown> {
    return noted(this, 'last', async () => {
      await this.pay('second')
      this.emit((this.ctx.total ?? Number.NaN) * 2)
    })
  }
}

/** Stops its whole program for a while. */
class Blocker extends Noted {
  override run(): Promise<unknown> {
    return noted(this, 'run', async () => {
      await this.pay('before')
      block(this.slow)
      await this.pay('after')
      this.emit(this.n)
    })
  }
}

const always = {
  Branches,
  Brood,
  Caller,
  Stubborn,
  Hasty,
  Steps,
  Slow,
  Idle,
  Sleeper,
  Parent,
  Listener,
  Asker,
  Racer,
  Flaky,
  Failing,
  Chain,
  Blocker,
  Doomed,
  Taker,
}

export type Known = keyof typeof always | 'Evolving'

/** The classes that a program knows. */
export const classes: Readonly<Record<Known, AnyProcessClass>> = {
  ...always,
  Evolving: given.old ? OldEvolving : Evolving,
}
