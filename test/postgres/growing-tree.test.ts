// @module-tag more
import { describe, expect, onTestFinished, test } from 'vitest'
import { Client, Engine, Process, ProcessKilled, type ProcessSpec } from '../../src/index.ts'
import { HAS_MORE } from '../run/extent.ts'
import { POSTGRES } from './server.ts'
import { newDatabase } from './shared-server.ts'

class Waits extends Process<typeof Waits> {
  static override define(spec: ProcessSpec) {
    return spec.signal('go')
  }
  override async run() {
    await this.receive('go')
  }
}

class Breeds extends Process<typeof Breeds> {
  override async run() {
    try {
      for (;;) await this.launch(Waits)
    } catch (error) {
      if (!(error instanceof ProcessKilled)) throw error
    }
  }
}

describe.skipIf(POSTGRES === undefined)('on Postgres', () => {
  test(
    'USERS 12: another program kills a tree that grows all the time, with each child',
    HAS_MORE,
    async () => {
      const url = await newDatabase()
      const engine = await Engine.open({ store: url, processes: [Waits, Breeds], handleSignals: false })
      const client = await Client.open({ store: url, processes: [Waits, Breeds] })
      onTestFinished(async () => {
        await client.close()
        await engine.close({ drain: 0 })
      })
      for (let round = 0; round < 5; round++) {
        const parent = await client.launch(Breeds)
        await expect
          .poll(async () => (await client.list({ parent: parent.pid })).processes.length, { timeout: 30_000 })
          .toBeGreaterThan(3)
        expect(await parent.kill('enough')).toBe(true)
        await parent.wait()
        await expect
          .poll(() => client.store.count(), { timeout: 30_000 })
          .toMatchObject({ created: 0, running: 0, waiting: 0, excepted: 0 })
      }
    },
  )
})
