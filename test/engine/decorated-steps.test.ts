import { expect, test } from 'vitest'
import {
  Continue,
  if_,
  Process,
  TransitionError,
  Wait,
  while_,
  WorkChain,
  type ProcessSpec,
  type WorkChainSpec,
} from '../../src/index.ts'
import type { ProcessRow } from '../../src/persistence/contract/rows.ts'
import { overEachStore, untilRow, untilWaiting } from './over-stores.ts'

type Method = (this: never, ...args: never) => unknown

/** Applies a decorator as the compiler does: a function of another name, or of none, replaces the method. */
function decorate(prototype: object, names: readonly string[], decorator: (method: Method) => Method): void {
  for (const name of names) Reflect.set(prototype, name, decorator(Reflect.get(prototype, name) as Method))
}
function logged(method: Method): Method {
  return function wrapper(this: never, ...args: never) {
    return Reflect.apply(method, this, args)
  }
}
function nameless(method: Method): Method {
  return (() =>
    function (this: never, ...args: never) {
      return Reflect.apply(method, this, args)
    })()
}

class Parcel extends Process<typeof Parcel> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .output('way', { schema: { type: 'string' } })
      .retry(Parcel.prototype.weigh, { attempts: 2, backoff: { initial: 0 } })
  }
  static tried = 0
  override ctx = { way: '' }
  override run() {
    return new Continue(this.weigh, 3)
  }
  weigh(kilograms: number) {
    if (++Parcel.tried % 2 === 1) throw new Error('the scales are not ready')
    this.ctx.way += `weighed ${kilograms}`
    return new Wait(this.ship, { message: 'for the van' })
  }
  ship(van: string) {
    this.out('way', `${this.ctx.way}, shipped by ${van}`)
  }
  /** The name that the decorated methods have themselves. */
  wrapper(): string {
    return 'this is another method'
  }
}
decorate(Parcel.prototype, ['run', 'weigh'], logged)
decorate(Parcel.prototype, ['ship'], nameless)

class Round extends WorkChain<typeof Round> {
  static override define(spec: WorkChainSpec) {
    super.define(spec)
    return spec
      .output('rounds', { schema: { type: 'integer' } })
      .outline(
        while_(Round.prototype.more)(Round.prototype.go, if_(Round.prototype.isLast)(Round.prototype.rest)),
        Round.prototype.end,
      )
  }
  override ctx = { rounds: 0 }
  more(): boolean {
    return this.ctx.rounds < 2
  }
  isLast(): boolean {
    return this.ctx.rounds === 2
  }
  go() {
    this.ctx.rounds += 1
  }
  rest() {
    return new Wait()
  }
  end() {
    this.out('rounds', this.ctx.rounds)
  }
}
decorate(Round.prototype, ['more', 'go', 'isLast'], logged)
decorate(Round.prototype, ['rest', 'end'], nameless)

class Strays extends Process {
  override run() {
    return new Continue(nameless(this.run))
  }
}

overEachStore((over) => {
  test('decorated methods are steps, found again by the names that the class has for them', async () => {
    const engine = await over().engine([Parcel])
    const handle = await engine.launch(Parcel)
    const toShip = { state: 'waiting', step: 'ship' }
    // A process that fails before ends the test at once.
    const shows = ({ state, step, endedAt }: ProcessRow): boolean =>
      endedAt !== null || (state === toShip.state && step === toShip.step)
    expect(await untilRow(over().store, handle.pid, shows)).toMatchObject(toShip)
    await handle.resume('van 7')
    expect(await handle.outputs.all()).toEqual({ way: 'weighed 3, shipped by van 7' })
  })

  test('an outline names decorated steps and predicates by the names that the class has for them', async () => {
    const engine = await over().engine([Round])
    const handle = await engine.launch(Round)
    const row = await untilWaiting(over().store, handle.pid)
    expect(row.step).toBe('1.while(more)#2.if(isLast).rest')
    await handle.resume()
    expect(await handle.outputs.all()).toEqual({ rounds: 2 })
  })
})

test('a function that is no method of the class is refused as a step, also without a name', async () => {
  const process = new Strays()
  await expect(process.execute()).rejects.toThrow(
    expect.objectContaining({
      cause: expect.objectContaining({
        constructor: TransitionError,
        message: expect.stringMatching(
          /^A function without a name that was given as the next step is not a method of Strays/,
        ),
      }),
    }),
  )
})
