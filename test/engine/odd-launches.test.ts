import { expect, test } from 'vitest'
import { Process, type ProcessSpec } from '../../src/index.ts'
import { overEachStore, untilRow } from './over-stores.ts'

const payments: string[] = []

class Sleeper extends Process<typeof Sleeper> {
  override async run(): Promise<unknown> {
    const paid = await this.effect('pay', ({ idempotencyKey }) => payments.push(idempotencyKey))
    await this.sleep('rest', '1h', { evict: true })
    return paid
  }
}

class Again extends Process<typeof Again> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.signal('fail').retry({ attempts: 2, backoff: { initial: 0 } })
  }
  override async run(): Promise<unknown> {
    const child = await this.launch(Sleeper)
    if (this.attempt > 1) return this.join('child', child)
    await this.receive('fail')
    throw new Error('the first attempt fails')
  }
}

overEachStore((over) => {
  test('C6: a child that has left memory and is launched again in the same moment runs once', async () => {
    payments.length = 0
    const { clock, store } = over()
    const engine = await over().engine([Again, Sleeper])
    const parent = await engine.launch(Again)
    await untilRow(store, parent.pid, ({ state }) => state === 'waiting')
    const [child] = (await engine.list({ parent: parent.pid })).processes
    await untilRow(store, child?.pid as string, ({ state, owner }) => state === 'waiting' && owner === null)
    await engine.handle(parent.pid).signal('fail')
    await untilRow(store, parent.pid, ({ state, attempt }) => state === 'waiting' && attempt === 2)
    await clock.advance('1h')
    expect(await parent.result()).toBe(1)
    expect(payments).toEqual([`${child?.pid}/1/pay`])
  })
})
