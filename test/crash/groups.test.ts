import { expect } from 'vitest'
import { Process, each, type ProcessSpec } from '../../src/index.ts'
import { crashAtEveryCommit } from './every-commit.ts'
import { outside } from './outside.ts'

/* Groups, with a crash while they are launched and while they run. */

class Ship extends Process<typeof Ship> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.input('n', { schema: { type: 'integer' } }).returns({ schema: { type: 'integer' } })
  }
  override async run(): Promise<number> {
    await this.effect('sail', ({ idempotencyKey }) => outside.pay(idempotencyKey))
    return this.inputs.n
  }
}

/** Sends ships, and then as many again. */
class Fleet extends Process<typeof Fleet> {
  override async run(): Promise<unknown> {
    const first = await this.map(Ship, { n: each([1, 2, 3]) })
    const second = await this.launchAll(Ship, [{ n: 4 }, { n: 1 }])
    return [await first.result(), await second.result()]
  }
}

crashAtEveryCommit(
  'a group that is launched again under its name has each process once',
  { processes: [Ship] },
  async (driver) => {
    const { engine } = driver
    const ships = function* () {
      for (let n = 0; n < 5; n++) yield { n }
    }
    const group = await engine.launchAll('Ship', ships(), { group: 'ships', maxOutstanding: 2 })
    for (const pid of group.pids) await driver.ends(pid)
    expect(await group.result()).toEqual([0, 1, 2, 3, 4])
    expect(await engine.store.group('ships')).toMatchObject({ length: 5, launched: 5 })
    expect((await engine.list({ className: 'Ship' })).processes).toHaveLength(5)
  },
)

crashAtEveryCommit('groups that a step launches', { processes: [Fleet, Ship] }, async (driver) => {
  const handle = await driver.launch('p', Fleet)
  await driver.ends('p')
  expect(await handle.result()).toEqual([
    [1, 2, 3],
    [4, 1],
  ])
  expect(await driver.children('p')).toHaveLength(5)
  expect((await driver.engine.store.groups()).rows).toMatchObject([{ length: 2 }, { length: 3 }])
})
