import { afterEach, expect, test, vi } from 'vitest'
import {
  Client,
  Engine,
  type Logger,
  MemoryStore,
  PersistenceError,
  Process,
  type ProcessSpec,
  type Settled,
  silentLogger,
  Wait,
} from '../../src/index.ts'
import { unreliable } from '../../src/testing/index.ts'
import type { Store } from '../../src/persistence/contract/store.ts'
import { overBackEnds, replaced } from '../contracts/stores.ts'
import { BAKE, engine as engineRow } from '../persistence/fixtures.ts'
import { Add, Approval, closeGates, Count, gate, Gated, Parent } from './processes.ts'

const opened: Client[] = []

afterEach(async () => {
  closeGates()
  for (const one of opened.splice(0)) await (one instanceof Engine ? one.close({ drain: 0 }) : one.close())
})

async function engineOn(store: Store, logger: Logger = silentLogger): Promise<Engine> {
  const processes = [Add, Count, Gated, Approval, Parent]
  const engine = await Engine.open({ store, processes, handleSignals: false, logger })
  opened.push(engine)
  return engine
}

async function clientOn(store: Store): Promise<Client> {
  const client = await Client.open({ store })
  opened.push(client)
  return client
}

/** What nobody has caught while this runs. */
async function unhandled(action: () => Promise<void>): Promise<unknown[]> {
  const seen: unknown[] = []
  const note = (reason: unknown): void => void seen.push(reason)
  process.on('unhandledRejection', note)
  try {
    await action()
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
  } finally {
    process.off('unhandledRejection', note)
  }
  return seen
}

const broken = new PersistenceError('the disk fails (as the test requested)')

test('C2: a launch whose every acknowledgement was lost is reported as failed, and yet runs, once', async () => {
  const memory = new MemoryStore()
  let deaf = 3
  const engine = await engineOn(
    replaced(memory, {
      commit: async (writes) => {
        const outcomes = await memory.commit(writes)
        if (deaf > 0 && deaf--) throw broken
        return outcomes
      },
    }),
  )
  await expect(engine.launch(Count, { steps: 2 }, { pid: 'unheard' })).rejects.toBe(broken)
  expect(await engine.handle('unheard').result()).toEqual({ count: 2 })
})

test('a store that cannot write for a while fails no step that launches children', async () => {
  const memory = new MemoryStore()
  let failures = 0
  const engine = await engineOn(
    replaced(memory, {
      commit: async (writes) => {
        if (writes.some((write) => write.kind === 'create' && write.parent !== null) && failures++ < 5)
          throw broken
        return memory.commit(writes)
      },
    }),
  )
  const handle = await engine.launch(Parent, { children: 3 })
  expect(await handle.wait()).toMatchObject({ label: 'finished' })
  expect(await handle.outputs.all()).toMatchObject({ total: 6 })
  expect(failures).toBeGreaterThan(5)
})

test('C7: a kill whose acknowledgement was lost is reported as done', async () => {
  const memory = new MemoryStore()
  let deaf = false
  const client = await clientOn(
    replaced(memory, {
      commit: async (writes) => {
        const outcomes = await memory.commit(writes)
        if (!deaf) return outcomes
        deaf = false
        throw broken
      },
    }),
  )
  const handle = await client.launch(Add, { a: 1 })
  deaf = true
  expect(await handle.kill()).toBe(true)
  expect(await handle.kill()).toBe(false)
})

overBackEnds((_, open) => {
  test('C7: a store that cannot write is read all the same, and a prune of it is refused', async () => {
    const store = await open()
    await store.join(engineRow('A'))
    let full = false
    const client = await Client.open({
      store: replaced(store, {
        commit: async (writes) => {
          if (full) throw broken
          return store.commit(writes)
        },
      }),
      killGrace: 100,
    })
    opened.push(client)
    const ended = await client.launch('Ended', {})
    await ended.kill()
    const handle = await client.launch('Bake', {})
    await store.claim({ engine: 'A', classes: BAKE, suspects: false, limit: 1 })
    await handle.kill()
    const { killRequested } = (await store.read(handle.pid)) ?? {}
    await vi.waitFor(() => expect(Date.now()).toBeGreaterThan(killRequested?.deadline ?? Infinity))
    full = true
    const { processes } = await client.list({ className: 'Bake' })
    expect(processes).toMatchObject([{ pid: handle.pid, state: { terminal: false } }])
    expect(await handle.explain()).toContain('kill')
    expect(await handle.refresh()).toMatchObject({ terminal: false })
    await expect(client.prune()).rejects.toBe(broken)
    full = false
    expect((await client.list({ className: 'Bake' })).processes).toMatchObject([
      { state: { label: 'killed' } },
    ])
    expect(await client.prune()).toBe(2)
  })
})

test('a claim that fails is tried again with the next look, and not in a circle', async () => {
  const memory = new MemoryStore()
  let claims = 0
  const engine = await engineOn(
    replaced(memory, {
      claim: async () => {
        claims++
        throw broken
      },
    }),
  )
  await (await clientOn(memory)).launch(Add, { a: 1 })
  for (let turn = 0; turn < 100; turn++) await new Promise((resolve) => setImmediate(resolve))
  expect(claims).toBeLessThan(5)
  await engine.close()
})

test('an end that cannot be read at once is no unhandled rejection, and is reported later', async () => {
  const memory = new MemoryStore()
  let failing = 0
  const store = replaced(memory, {
    read: async (pid) => {
      if (failing > 0 && failing--) throw broken
      return memory.read(pid)
    },
  })
  const engine = await engineOn(memory)
  const client = await clientOn(store)
  const handle = await client.launch(Gated, { gate: 'unread' })
  await gate('unread').reached
  const waiting = handle.result()
  await handle.refresh()
  expect(
    await unhandled(async () => {
      failing = 1
      gate('unread').open()
      await engine.handle(handle.pid).result()
    }),
  ).toEqual([])
  expect(await waiting).toEqual({ steps: 2 })
})

test('a request that is stored is acknowledged also when the row cannot be read after it', async () => {
  const memory = new MemoryStore()
  let failing = false
  const client = await clientOn(
    replaced(memory, {
      read: async (pid) => {
        if (failing) throw broken
        return memory.read(pid)
      },
    }),
  )
  const handle = await client.launch(Add, { a: 1 })
  failing = true
  expect(await handle.pause()).toBe(true)
})

test('a refresh that is given up or wrong leaves no rejection behind', async () => {
  const client = await clientOn(replaced(new MemoryStore(), { read: () => Promise.reject(broken) }))
  const seen = await unhandled(async () => {
    await expect(client.handle('x').refresh({ signal: AbortSignal.abort('enough') })).rejects.toBe('enough')
    await expect(client.handle('x').refresh({ timeout: -1 })).rejects.toBeInstanceOf(RangeError)
  })
  expect(seen).toEqual([])
})

test('a callback of onDone that is asynchronous and fails is reported, and no unhandled rejection', async () => {
  const reported: unknown[] = []
  const logger = { ...silentLogger, error: (details: object) => void reported.push(details) }
  const engine = await engineOn(new MemoryStore(), logger)
  const handle = await engine.launch(Add, { a: 1 })
  const seen = await unhandled(async () => {
    // oxlint-disable-next-line typescript/no-misused-promises -- the type forbids it, but JavaScript does not
    handle.onDone(async () => {
      throw new Error('in a callback')
    })
    await handle.result()
  })
  expect(seen).toEqual([])
  expect(reported).toEqual([expect.objectContaining({ pid: handle.pid, err: expect.any(Error) })])
})

test('what was asked for is seen by the handle once it is acknowledged, also while it looks', async () => {
  const memory = new MemoryStore()
  let answer: (() => void) | undefined
  let held = false
  const client = await clientOn(
    replaced(memory, {
      read: async (pid) => {
        const row = await memory.read(pid)
        if (held) {
          held = false
          await new Promise<void>((resolve) => (answer = resolve))
        }
        return row
      },
    }),
  )
  const handle = await client.launch(Add, { a: 1 })
  held = true
  const looking = handle.refresh()
  await vi.waitUntil(() => answer !== undefined)
  const pausing = handle.pause('now')
  setImmediate(() => answer?.())
  await pausing
  expect(handle.state).toMatchObject({ paused: true, message: 'now' })
  await looking
})

test('C8: an end that comes while the handle looks is not missed', async () => {
  const memory = new MemoryStore()
  const answers: (() => void)[] = []
  let held = false
  let later = false
  const client = await clientOn(
    replaced(memory, {
      read: async (pid) => {
        if (later) throw new Error('it was looked at too late')
        const row = await memory.read(pid)
        if (held) await new Promise<void>((resolve) => answers.push(resolve))
        return row
      },
    }),
  )
  const handle = await client.launch(Add, { a: 1 })
  held = true
  const waiting = handle.wait()
  await vi.waitUntil(() => answers.length > 0)
  held = false
  await (await clientOn(memory)).handle(handle.pid).kill()
  later = true
  answers[0]?.()
  expect(await waiting).toMatchObject({ label: 'killed' })
})

test('over a store that loses every other acknowledgement, launches and resumes are neither lost nor doubled', async () => {
  const runs = new Map<string, number>()
  class Asked extends Process<typeof Asked> {
    override run(): unknown {
      return new Wait(this.one)
    }
    one(value: unknown): unknown {
      this.ctx['one'] = value
      return new Wait(this.two)
    }
    two(value: unknown): unknown {
      runs.set(this.pid, (runs.get(this.pid) ?? 0) + 1)
      return [this.ctx['one'], value]
    }
  }
  const memory = new MemoryStore()
  const engines: Engine[] = []
  for (const seed of [1, 2]) {
    const engine = await Engine.open({
      store: unreliable(memory, { seed, lost: 0.5, failed: 0.2 }),
      processes: [Asked],
      handleSignals: false,
    })
    opened.push(engine)
    engines.push(engine)
  }
  const again = async <T>(action: () => Promise<T>): Promise<T> => {
    for (;;) {
      try {
        return await action()
      } catch (error) {
        if (!(error instanceof PersistenceError)) throw error
      }
    }
  }
  const client = await clientOn(memory)
  const all = Array.from({ length: 20 }, async (_, index) => {
    const engine = engines[index % 2] as Engine
    const { pid } = await again(() => engine.launch(Asked, {}, { key: `k${index}` }))
    const handle = client.handle(pid)
    await handle.resume('a')
    await handle.resume('b')
    return handle.result()
  })
  const results = await Promise.all(all)
  expect(results).toEqual(results.map(() => ['a', 'b']))
  expect((await memory.list({ limit: 100 })).rows).toHaveLength(20)
  for (const { pid } of (await memory.list({ limit: 100 })).rows) {
    const history = (await memory.history(pid)).map(({ name }) => name)
    expect(history.filter((name) => name === 'finished')).toHaveLength(1)
    expect(history.filter((name) => name === 'resumed')).toHaveLength(2)
  }
})

test('a wait that begins after its client was closed rejects, also where the store stays open', async () => {
  const store = new MemoryStore()
  const client = await Client.open({ store })
  const handle = await client.launch(Add, { a: 1 })
  await client.close()
  await expect(handle.result()).rejects.toMatchObject({ code: 'CLOSED' })
  await expect(handle.wait({ timeout: '1h' })).rejects.toMatchObject({ code: 'CLOSED' })
  handle.onDone(() => expect.unreachable())
})

test('a store that cannot be read for a while fails no step that asks for signals, children or their ends', async () => {
  class Asking extends Process<typeof Asking> {
    static override define(spec: ProcessSpec) {
      super.define(spec)
      return spec.signal('go')
    }
    override async run(): Promise<unknown> {
      failing = 6
      await this.receive('go')
      return new Wait(this.end, { on: await this.launch(Add, { a: 1 }) })
    }
    end({ status }: Settled<unknown>): unknown {
      return status
    }
  }
  let failing = 0
  const memory = new MemoryStore()
  const failsNow = (): void => {
    if (failing > 0 && failing-- > 0) throw broken
  }
  const engine = await Engine.open({
    store: replaced(memory, {
      mail: async (pid, signal) => {
        failsNow()
        return memory.mail(pid, signal)
      },
      read: async (pid) => {
        failsNow()
        return memory.read(pid)
      },
    }),
    processes: [Asking, Add],
    handleSignals: false,
  })
  opened.push(engine)
  const { pid } = await engine.launch(Asking)
  const client = await clientOn(memory)
  await client.handle(pid).signal('go')
  expect(await client.handle(pid).result()).toBe('fulfilled')
})
