import { expect } from 'vitest'
import { Process, WaitTimeout, type ProcessHandle, type ProcessSpec } from '../../src/index.ts'
import { crashAtEveryCommit } from './every-commit.ts'
import { outside } from './outside.ts'

/* What a step waits for in its flow, with a crash in the middle of it, in memory and out of it. */

/** Does things one after the other, and something outside between them. */
class Flow extends Process<typeof Flow> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('does', { schema: { type: 'array', items: { type: 'string' } } })
      .input('evict', { schema: { type: 'boolean' } })
      .signal('go')
      .signal('stop')
  }
  override async run(): Promise<unknown> {
    const said: unknown[] = []
    await this.#pays()
    for (const what of this.inputs.does) {
      said.push(await this.#does(what))
      await this.#pays()
    }
    return said
  }
  async #does(what: string): Promise<unknown> {
    const { evict } = this.inputs
    switch (what) {
      case 'sleep':
        return this.sleep('the night', '8h', { evict })
      case 'receive':
        return this.receive('go', { evict })
      case 'receive for a day':
        return this.receive('go', { timeout: '1d', evict }).catch((error: unknown) => {
          if (error instanceof WaitTimeout) return 'too late'
          throw error
        })
      case 'both':
        return Promise.all([this.receive('stop'), this.receive('go')])
      default: {
        const children: ProcessHandle[] = []
        for (const child of ['sleep', 'receive'])
          children.push(await this.launch(Flow, { does: [child], evict }))
        return this.join('the others', children, { evict })
      }
    }
  }
  async #pays(): Promise<void> {
    await this.effect('pay', ({ idempotencyKey }) => outside.pay(idempotencyKey))
  }
}

for (const evict of [false, true]) {
  const where = evict ? ' out of memory' : ''

  crashAtEveryCommit(`C6, C8: sleeps within a step${where}`, { processes: [Flow] }, async (driver) => {
    const handle = await driver.launch('p', Flow, { does: ['sleep', 'sleep'], evict })
    await driver.rests('p')
    await driver.passes('9h')
    await driver.rests('p')
    await driver.passes('18h')
    await driver.ends('p')
    expect(await handle.result()).toEqual([undefined, undefined])
    expect(outside.paid).toEqual(['p/1/pay', 'p/1/pay#2', 'p/1/pay#3'])
  })

  crashAtEveryCommit(
    `C6, C8: receipts within a step${where}, in the order of the signals`,
    { processes: [Flow] },
    async (driver) => {
      const handle = await driver.launch('p', Flow, { does: ['receive', 'receive', 'receive'], evict })
      await driver.rests('p')
      for (let number = 1; number <= 3; number++)
        await driver.times(handle, 'signalled', number, () => handle.signal('go', number))
      await driver.ends('p')
      expect(await handle.result()).toEqual([1, 2, 3])
      expect(outside.paid).toHaveLength(4)
    },
  )

  crashAtEveryCommit(
    `C6, C8: a receipt with a timeout within a step${where}, which comes in time`,
    { processes: [Flow] },
    async (driver) => {
      const handle = await driver.launch('p', Flow, { does: ['receive for a day', 'sleep'], evict })
      await driver.rests('p')
      await driver.passes('23h')
      await driver.once(handle, 'signalled', () => handle.signal('go', 'just so'))
      await driver.rests('p')
      await driver.passes('3d')
      await driver.ends('p')
      expect(await handle.result()).toEqual(['just so', undefined])
    },
  )

  crashAtEveryCommit(
    `C6, C8: a receipt with a timeout within a step${where}, which comes too late`,
    { processes: [Flow] },
    async (driver) => {
      const handle = await driver.launch('p', Flow, { does: ['receive for a day', 'receive'], evict })
      await driver.rests('p')
      await driver.passes('25h')
      await driver.rests('p')
      await driver.once(handle, 'signalled', () => handle.signal('go', 'late'))
      await driver.ends('p')
      expect(await handle.result()).toEqual(['too late', 'late'])
    },
  )

  crashAtEveryCommit(`C6, C8: a join within a step${where}`, { processes: [Flow] }, async (driver) => {
    const handle = await driver.launch('p', Flow, { does: ['join'], evict })
    await driver.rests('p')
    await driver.passes('9h')
    const [, receiving] = await driver.children('p')
    if (receiving === undefined) throw new Error('it has no children')
    await driver.once(receiving, 'signalled', () => receiving.signal('go', 'done'))
    await driver.ends('p')
    expect(await handle.result()).toEqual([[[undefined], ['done']]])
    expect(await driver.children('p')).toHaveLength(2)
    expect(outside.paid).toHaveLength(6)
  })
}

crashAtEveryCommit(
  'C6, C8: receipts of two signals at once within a step',
  { processes: [Flow] },
  async (driver) => {
    const handle = await driver.launch('p', Flow, { does: ['both'], evict: false })
    await driver.rests('p')
    await driver.times(handle, 'signalled', 1, () => handle.signal('go', 1))
    await driver.rests('p')
    await driver.times(handle, 'signalled', 2, () => handle.signal('stop', 2))
    await driver.ends('p')
    expect(await handle.result()).toEqual([[2, 1]])
  },
)
