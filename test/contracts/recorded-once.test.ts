import { afterEach, expect, onTestFinished, test } from 'vitest'
import {
  Engine,
  MemoryStore,
  Process,
  type AnyProcessClass,
  type ProcessSpec,
  type Store,
} from '../../src/index.ts'
import { untilRow } from '../engine/over-stores.ts'
import { closeGates, gate } from '../engine/processes.ts'
import { overBackEnds, replaced, slow } from './stores.ts'

afterEach(closeGates)

/** What was done outside, in order. */
let done: string[] = []
/** What the store had of the record when the effect resolved. */
let stored: unknown

class Paying extends Process<typeof Paying> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.input('gate', { schema: { type: 'string' }, required: false })
  }
  override async run(): Promise<unknown> {
    const receipts: unknown[] = []
    for (const amount of [1, 2]) {
      receipts.push(
        await this.effect('pay', ({ idempotencyKey }) => {
          done.push(`${amount} ${idempotencyKey}`)
          return `receipt ${amount}`
        }),
      )
    }
    stored = await look(this.pid)
    if (this.inputs.gate !== undefined) await gate(this.inputs.gate).pass()
    return receipts
  }
}
let look: (pid: string) => Promise<unknown>

async function open(store: Store, processes: readonly AnyProcessClass[]): Promise<Engine> {
  done = []
  look = async (pid) => {
    const { parts } = (await store.load(pid))?.bundle() ?? {}
    return Object.keys(parts ?? {})
      .filter((name) => name.startsWith('record:'))
      .toSorted()
  }
  const engine = await Engine.open({ store, processes, handleSignals: false })
  onTestFinished(() => engine.close({ drain: 0 }))
  return engine
}

overBackEnds((_name, openStore) => {
  test('C6: an effect resolves after its record is durable, and the record goes with the commit that ends the step', async () => {
    const store = await openStore()
    const engine = await open(slow(store), [Paying])
    const handle = await engine.launch(Paying)
    expect(await handle.result()).toEqual(['receipt 1', 'receipt 2'])
    expect(stored).toEqual(['record:effect:pay', 'record:effect:pay#2'])
    expect(await look(handle.pid)).toEqual([])
  })

  test('C6: a step that runs again takes what it has done from its record', async () => {
    const store = await openStore()
    const first = await open(store, [Paying])
    const { pid } = await first.launch(Paying, { gate: 'again' })
    await gate('again').reached
    await first.close({ drain: 0 })
    const before = done
    gate('again').open()
    const second = await open(store, [Paying])
    expect(await second.handle(pid).result()).toEqual(['receipt 1', 'receipt 2'])
    expect(before).toHaveLength(2)
    expect(done).toEqual([])
  })

  test('C6: a record of a stale owner is not written, and its step stops', async () => {
    const store = await openStore()
    class Stale extends Process<typeof Stale> {
      override async run(): Promise<unknown> {
        await gate('stale').pass()
        error = await this.effect('late', () => 1).catch((thrown: unknown) => thrown)
        return 'late'
      }
    }
    let error: unknown
    const engine = await open(store, [Stale])
    const handle = await engine.launch(Stale)
    await gate('stale').reached
    // Killed and restarted elsewhere, say: the engine has not heard of it when its step goes on.
    await store.commit([
      {
        kind: 'request',
        pid: handle.pid,
        request: 'kill',
        message: null,
        grace: 0,
        by: 'a test',
        killedState: null,
      },
    ])
    gate('stale').open()
    await expect(handle.result()).rejects.toMatchObject({ code: 'PROCESS_KILLED' })
    await new Promise((resolve) => setImmediate(resolve))
    expect(error).toBeInstanceOf(Error)
    expect((await store.history(handle.pid)).map(({ name }) => name)).not.toContain('effect')
  })
})

test('C6: a crash between an effect and its record does it again, with the same key', async () => {
  const memory = new MemoryStore()
  let letThrough!: () => void
  const held = new Promise<void>((resolve) => (letThrough = resolve))
  let recording!: () => void
  const reached = new Promise<void>((resolve) => (recording = resolve))
  const holding = replaced(memory, {
    commit: async (writes) => {
      if (writes.some(({ kind }) => kind === 'record')) {
        recording()
        await held
      }
      return memory.commit(writes)
    },
    // It is dead as far as the others know, and begins nothing more.
    claim: async () => [],
  })
  const first = await open(holding, [Paying])
  const { pid } = await first.launch(Paying)
  await reached
  const before = done
  memory.forget(first.id)
  await memory.recover()
  const second = await open(memory, [Paying])
  expect(await second.handle(pid).result()).toEqual(['receipt 1', 'receipt 2'])
  expect(before).toHaveLength(1)
  expect(done[0]).toBe(before[0])
  letThrough()
  // What the first one still writes changes nothing (C4).
  await first.close()
  expect((await memory.history(pid)).filter(({ name }) => name === 'effect')).toHaveLength(2)
})

test('C6: a record that the store refuses fails its effect alone', async () => {
  const memory = new MemoryStore()
  class Large extends Process<typeof Large> {
    override async run(): Promise<unknown> {
      const [large, small] = await Promise.allSettled([
        this.effect('large', () => 'x'.repeat(65 * 2 ** 20)),
        this.effect('small', () => 1),
      ])
      const after = await this.effect('after', () => 2)
      return [large.status, small.status, after]
    }
  }
  const engine = await open(memory, [Large])
  const handle = await engine.launch(Large)
  await untilRow(memory, handle.pid, ({ endedAt }) => endedAt !== null)
  expect(await handle.result()).toEqual(['rejected', 'fulfilled', 2])
  const effects = (await handle.history()).filter(({ name }) => name === 'effect')
  expect(effects.map(({ data }) => data)).toMatchObject([{ name: 'small' }, { name: 'after' }])
})
