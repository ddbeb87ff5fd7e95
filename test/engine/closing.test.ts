import { afterEach, expect, test } from 'vitest'
import { Engine, MemoryStore, PersistenceError } from '../../src/index.ts'
import type { Store } from '../../src/persistence/contract/store.ts'
import { register, replaced } from '../contracts/stores.ts'
import { Add, closeGates, gate, Gated } from './processes.ts'

afterEach(closeGates)

function open(store: Store, concurrency = 10): Promise<Engine> {
  return Engine.open({ store, processes: [Add, Gated], handleSignals: false, concurrency })
}

/** A promise and how to settle it. */
function door() {
  let open!: () => void
  const opened = new Promise<void>((resolve) => (open = resolve))
  return { opened, open }
}

test('C12: what a claim brings while the engine closes is not started, and is given back without a crash', async () => {
  const memory = new MemoryStore()
  const first = await open(memory)
  const { pid } = await first.launch(Gated, { gate: 'claimed' })
  await gate('claimed').reached
  await first.close({ drain: 0 })
  const claiming = door()
  const answer = door()
  const engine = await open(
    replaced(memory, {
      claim: async (request) => {
        const claimed = await memory.claim(request)
        claiming.open()
        await answer.opened
        return claimed
      },
    }),
  )
  await claiming.opened
  const closing = engine.close()
  answer.open()
  await closing
  expect(gate('claimed').visits).toBe(1)
  expect(await memory.read(pid)).toMatchObject({ state: 'running', step: 'run', owner: null, crashes: 0 })
})

test('C12: an engine closes also while its store cannot write', async () => {
  const memory = new MemoryStore()
  let broken = false
  const engine = await open(
    replaced(memory, {
      commit: async (writes) => {
        if (broken) throw new PersistenceError('the disk is full (as the test requested)')
        return memory.commit(writes)
      },
    }),
  )
  const { pid } = await engine.launch(Gated, { gate: 'stuck' })
  await gate('stuck').reached
  broken = true
  await engine.close({ drain: 0 })
  expect(await memory.read(pid)).toMatchObject({ step: 'run', owner: null, crashes: 0 })
})

test('C12: a launch that is being committed when the engine closes is durable and is no crash', async () => {
  const memory = new MemoryStore()
  const committing = door()
  const answer = door()
  const engine = await open(
    replaced(memory, {
      commit: async (writes) => {
        committing.open()
        await answer.opened
        return memory.commit(writes)
      },
    }),
  )
  const launching = engine.launch(Add, { a: 1 })
  await committing.opened
  const closing = engine.close({ drain: 0 })
  for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
  answer.open()
  const { pid } = await launching
  await closing
  // Whoever looks next finds nothing that a dead engine held.
  await register(memory, 'next')
  expect(await memory.recover()).toMatchObject({ processes: 0 })
  expect(await memory.read(pid)).toMatchObject({ owner: null, crashes: 0 })
  const next = await open(memory)
  expect(await next.handle(pid).result()).toEqual({ sum: 2 })
  await next.close()
})
