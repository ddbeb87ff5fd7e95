import { expect, test } from 'vitest'
import { Client, PersistenceError, Process, Wait, type ProcessSpec } from '../../src/index.ts'
import { intercept } from '../../src/testing/intercept.ts'
import { overEachStore, untilRow } from './over-stores.ts'

class Counting extends Process<typeof Counting> {
  declare ctx: { counted?: unknown[] }
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.signal('next')
  }
  override run(): unknown {
    return new Wait(this.count, { receive: 'next' })
  }
  count(value: unknown): unknown {
    this.ctx.counted = [...(this.ctx.counted ?? []), value]
    return value === 'last' ? this.ctx.counted : new Wait(this.count, { receive: 'next' })
  }
}

overEachStore((over) => {
  test('C8: signals that are sent again, since their acknowledgement was lost, count once, also when all of them were used up meanwhile', async () => {
    const { store, clock } = over()
    const engine = await over().engine([Counting])
    const { pid } = await engine.launch(Counting)
    await untilRow(store, pid, ({ state }) => state === 'waiting')
    let lost = false
    const unheard = intercept(store, (commit) => async (writes) => {
      const outcomes = await commit(writes)
      if (lost) return outcomes
      lost = true
      while ((await store.pending(pid)).mail.length > 0) await clock.quiet()
      throw new PersistenceError('the acknowledgement was lost (as the test requested)')
    })
    const client = await Client.open({ store: unheard, clock })
    const handle = client.handle(pid)
    await handle.refresh()
    await Promise.all([1, 2, 3, 4, 5].map((value) => handle.signal('next', value)))
    expect(lost).toBe(true)
    await handle.signal('next', 'last')
    expect(await engine.handle(pid).result()).toEqual([1, 2, 3, 4, 5, 'last'])
    await client.close()
  })
})
