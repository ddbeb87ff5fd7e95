import { expect, test } from 'vitest'
import { currentCall, Engine, MemoryStore } from '../../src/index.ts'

const keys: string[] = []

class Payer {
  paid = 0

  async pay(): Promise<number> {
    await currentCall().effect('pay', async ({ idempotencyKey, signal }) => {
      keys.push(idempotencyKey)
      // The first two programs die before the effect ends.
      if (keys.length > 2) return
      await new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error))
      })
    })
    return ++this.paid
  }
}

test('the effect of a call has the same key each time that the call runs again after a crash (C6)', async () => {
  const store = new MemoryStore()
  const open = () => Engine.open({ store, actors: [Payer], handleSignals: false, killGrace: '1s' })
  const first = await open()
  const engines = [first]
  const call = (await first.actor(Payer, [])).call.pay()
  for (const times of [1, 2]) {
    await expect.poll(() => keys.length).toBe(times)
    store.forget(engines.at(-1)?.id ?? '')
    engines.push(await open())
  }
  const last = engines.at(-1) as Engine
  await expect.poll(() => keys.length, { timeout: 10_000 }).toBe(3)
  expect(await last.handle(call.pid).result()).toBe(1)
  expect(new Set(keys)).toEqual(new Set([keys[0]]))
  for (const engine of engines) await engine.close()
})
