import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  Client,
  currentCall,
  Engine,
  MemoryStore,
  Process,
  type AnyProcessClass,
  type ProcessSpec,
  type Store,
  type Transaction,
} from '../../src/index.ts'
import { defer } from '../../src/process/state/deferred.ts'
import type { Outcome } from '../../src/persistence/contract/outcomes.ts'
import type { OpenTransaction } from '../../src/persistence/contract/store.ts'
import { openStore } from '../../src/persistence/open-store.ts'
import * as fixtures from '../persistence/fixtures.ts'
import { HAS_MORE, share } from '../run/extent.ts'
import { startEngine } from '../programs/start.ts'

/* What must hold of `this.transaction` over each store that has transactions. */

/** A store, made anew for each test, that has a table `entry (name text)` beside. */
export interface Opened {
  /** Its path or URL. */
  readonly store: string
  /** The names in the table, in their order. */
  names(): Promise<readonly string[]>
  dispose(): Promise<void>
  /** Cuts the connections of all programs. */
  cut?(): void
}

/** Adds a row. On SQLite it is there at once; on Postgres when the promise resolves. */
function enter(tx: Transaction, name: string): unknown {
  return tx.kind === 'sqlite'
    ? tx.run('INSERT INTO entry (name) VALUES (?)', name).changes
    : tx.query('INSERT INTO entry (name) VALUES ($1)', [name]).then(({ rowCount }) => rowCount)
}

/** Calls of functions of transactions, by what they enter. */
const calls: string[] = []

class Enter extends Process<typeof Enter> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('name', { schema: { type: 'string' } })
      .output('rows', { schema: { type: 'integer' } })
      .retry(Enter.prototype.run, { attempts: 3, backoff: { initial: 0 } })
  }
  override async run(): Promise<void> {
    const { name } = this.inputs
    const rows = await this.transaction('enter', (tx) => {
      calls.push(name)
      return enter(tx, name)
    })
    if (this.attempt === 1) throw new Error('not yet')
    this.out('rows', rows as number)
  }
}

class Fails extends Process<typeof Fails> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.output('messages')
  }
  override async run(): Promise<void> {
    const messages: unknown[] = []
    const fails = (tx: Transaction): unknown => {
      const entered = enter(tx, 'lost')
      const refuse = (): never => {
        throw new Error('the account is closed')
      }
      return entered instanceof Promise ? entered.then(refuse) : refuse()
    }
    for (const name of ['first', 'second'])
      await this.transaction(name, fails).catch((error: Error) => messages.push(error.message))
    await this.transaction('third', (tx) => enter(tx, 'kept'))
    this.out('messages', messages)
  }
}

class Refused extends Process<typeof Refused> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.input('sql', { schema: { type: 'string' } })
  }
  override async run(): Promise<void> {
    await this.transaction('own', (tx) => {
      const entered = enter(tx, 'lost')
      const run = (): unknown => (tx.kind === 'sqlite' ? tx.run(this.inputs.sql) : tx.query(this.inputs.sql))
      return entered instanceof Promise ? entered.then(run) : run()
    })
  }
}

class Late extends Process {
  override async run(): Promise<void> {
    let kept: Transaction | undefined
    await this.transaction('own', (tx) => {
      kept = tx
      return 1
    })
    await enter(kept as Transaction, 'late')
  }
}

class Unsavable extends Process {
  override async run(): Promise<void> {
    await this.transaction('own', (tx) => {
      const entered = enter(tx, 'lost')
      const value = { f: () => 1 }
      return entered instanceof Promise ? entered.then(() => value) : value
    })
  }
}

class Many extends Process {
  override async run(): Promise<void> {
    await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        Promise.all([
          this.transaction(`enter ${n}`, (tx) => enter(tx, `many ${n}`)),
          this.effect(`effect ${n}`, () => n),
        ]),
      ),
    )
  }
}

class Account {
  balance = 0
  async add(amount: number): Promise<number> {
    await currentCall().transaction('enter', (tx) => enter(tx, `add ${amount}`))
    this.balance += amount
    if (amount === 2) throw new Error('not two')
    return this.balance
  }
}

const gates = { entered: defer<void>(), open: defer<void>() }

/** Waits between its row and the end of the function, where the store allows that. */
class Waits extends Process {
  override async run(): Promise<void> {
    await this.transaction('enter', (tx) => {
      const entered = enter(tx, 'waited')
      if (!(entered instanceof Promise)) return entered
      return entered.then(() => {
        gates.entered.resolve()
        return gates.open.promise
      })
    })
  }
}

export function transactionsSuite(
  name: string,
  kind: Transaction['kind'],
  open: () => Promise<Opened>,
  options: object = {},
): void {
  describe(`transactions ${name}`, options, () => {
    let opened: Opened
    let disposers: (() => Promise<void>)[]

    beforeEach(async () => {
      opened = await open()
      disposers = [() => opened.dispose()]
      calls.splice(0)
      Object.assign(gates, { entered: defer<void>(), open: defer<void>() })
    })
    afterEach(async () => {
      gates.open.resolve()
      for (const dispose of disposers.toReversed()) await dispose()
    })

    async function engine(processes: readonly AnyProcessClass[], lease?: number): Promise<Engine> {
      const made = await Engine.open({
        store: opened.store,
        processes,
        actors: [Account],
        handleSignals: false,
        ...(lease !== undefined && { lease }),
      })
      disposers.push(() => made.close({ drain: 0 }))
      return made
    }

    it('stores the rows and the record of its function in one commit, once for all attempts (C6)', async () => {
      const handle = await (await engine([Enter])).launch(Enter, { name: 'one' })
      expect(await handle.outputs.all()).toEqual({ rows: 1 })
      expect(await opened.names()).toEqual(['one'])
      expect(calls).toEqual(['one'])
      const done = (await handle.history()).filter(({ name }) => name === 'effect')
      expect(done).toMatchObject([{ data: { name: 'enter' } }])
    })

    it('stores nothing of a function that throws, and the step gets the error', async () => {
      const handle = await (await engine([Fails])).launch(Fails)
      expect(await handle.outputs.all()).toEqual({
        messages: ['the account is closed', 'the account is closed'],
      })
      expect(await opened.names()).toEqual(['kept'])
    })

    it('stores nothing if what the function returns cannot be saved (C10)', async () => {
      const handle = await (await engine([Unsavable])).launch(Unsavable)
      await expect(handle.result()).rejects.toThrow(/effect:own.*value\.f/)
      expect(await opened.names()).toEqual([])
    })

    it.each(['BEGIN', 'COMMIT', ' -- now\n rollback', '/* so */ SAVEPOINT a', 'End'])(
      'does not let its function run %j',
      async (sql) => {
        const handle = await (await engine([Refused])).launch(Refused, { sql })
        await expect(handle.result()).rejects.toThrow(/the store begins and ends the transaction/)
        expect(await opened.names()).toEqual([])
      },
    )

    it('is over when its function has ended', async () => {
      const handle = await (await engine([Late])).launch(Late)
      await expect(handle.result()).rejects.toThrow(/the transaction is over/)
      expect(await opened.names()).toEqual([])
    })

    it('may run beside others of its step, and beside effects', async () => {
      await (await (await engine([Many])).launch(Many)).result()
      expect((await opened.names()).toSorted()).toEqual(
        Array.from({ length: 20 }, (_, n) => `many ${n}`).toSorted(),
      )
    })

    it('is there for the methods of actors: what a failed call has written stays, as its effects do', async () => {
      const account = await (await engine([])).actor(Account, [])
      const added = [1, 2, 3].map((amount) => account.call.add(amount))
      expect(await added[0]?.result()).toBe(1)
      await expect(added[1]?.result()).rejects.toThrow('not two')
      expect(await added[2]?.result()).toBe(4)
      expect(await opened.names()).toEqual(['add 1', 'add 2', 'add 3'])
    })

    it.runIf(kind === 'postgres')('stores nothing for an engine that has lost the process (C4)', async () => {
      const first = await engine([Waits], 1_000)
      const handle = await first.launch(Waits)
      await gates.entered.promise
      const client = await Client.open({ store: opened.store })
      disposers.push(() => client.close())
      expect(await client.handle(handle.pid).kill('enough', { force: true })).toBe(true)
      gates.open.resolve()
      await expect(client.handle(handle.pid).result()).rejects.toThrow('enough')
      await first.close({ drain: 0 })
      expect(await opened.names()).toEqual([])
    })

    it.runIf(kind === 'postgres')(
      'calls its function again if the connection broke, and one call counts',
      async () => {
        const handle = await (await engine([Waits])).launch(Waits)
        await gates.entered.promise
        opened.cut?.()
        gates.open.resolve()
        await handle.result()
        expect(await opened.names()).toEqual(['waited'])
      },
    )

    describe('in a store', () => {
      let store: Store
      beforeEach(async () => {
        store = await openStore(opened.store, { create: false })
        disposers.push(() => store.close())
        await store.join(fixtures.engine('A'))
      })

      /** What an engine that holds a process stores of a transaction. */
      async function transact(held: fixtures.Held, name: string, count = 1): Promise<Outcome> {
        const { pid, fence, seq } = held
        const head = { kind: 'record', pid, fence, count, seq } as const
        const write = { ...head, parts: { 'record:effect:a': '{"value":1}' }, consumes: null, history: [] }
        const { transactions } = store
        if (transactions?.kind === 'sqlite')
          return transactions.run(head, (tx) => {
            enter(tx, name)
            return write
          })
        const begun = await transactions?.begin()
        await enter(begun?.tx as Transaction, name)
        return (begun as OpenTransaction).commit(write)
      }

      it('stores nothing for a stale engine, nor for a step that is over (C4)', async () => {
        const held = await fixtures.running(store, 'A')
        expect(await transact({ ...held, fence: held.fence + 1 }, 'stale')).toEqual({ status: 'fenced' })
        await fixtures.done(store, fixtures.advance(held, { state: 'running' }))
        expect(await transact(held, 'late')).toEqual({ status: 'fenced' })
        expect(await opened.names()).toEqual([])
        expect(await transact({ ...held, seq: held.seq + 1 }, 'right')).toMatchObject({ status: 'done' })
        expect(await opened.names()).toEqual(['right'])
      })

      it('stores the rows and the record once, also if its answer was lost (C4, C6)', async () => {
        const held = await fixtures.running(store, 'A')
        for (const name of ['once', 'again'])
          expect(await transact(held, name)).toMatchObject({ status: 'done' })
        expect(await opened.names()).toEqual(['once'])
        expect((await store.load(held.pid))?.bundle().parts).toMatchObject({
          'record:effect:a': '{"value":1}',
        })
      })

      it('stores nothing for a process that has ended (C5)', async () => {
        const held = await fixtures.running(store, 'A')
        await fixtures.done(store, fixtures.finish(held))
        expect(await transact(held, 'ended')).toMatchObject({ status: 'ended' })
        expect(await opened.names()).toEqual([])
      })

      it('stores nothing for a process that is paused where it waits, before it is played (C7)', async () => {
        const held = await fixtures.running(store, 'A')
        await fixtures.done(store, fixtures.waitInStep(held, { signal: 'go' }))
        await fixtures.done(store, fixtures.request(held.pid, 'pause'))
        expect(await transact(held, 'paused', 2)).toMatchObject({ status: 'held' })
        expect(await opened.names()).toEqual([])
        await fixtures.done(store, fixtures.request(held.pid, 'play'))
        expect(await transact(held, 'played', 2)).toMatchObject({ status: 'done' })
        expect(await opened.names()).toEqual(['played'])
      })
    })

    it(
      'happens once, however often the program of the engine is killed (C6, C11)',
      { ...HAS_MORE, timeout: 60_000 },
      async () => {
        const steps = 30
        const launch = [{ class: 'Ledger', inputs: { steps }, key: 'ledger' }] as const
        for (let deaths = 0; deaths < share(3, 6); deaths++) {
          const when = deaths % 2 === 0 ? 'before' : 'after'
          const program = startEngine({
            store: opened.store,
            launch,
            lease: 1_000,
            crash: { commit: 4, when },
          })
          expect({ ...(await program.ended), stderr: program.stderr() }).toMatchObject({ signal: 'SIGKILL' })
        }
        const last = startEngine({ store: opened.store, launch, lease: 1_000 })
        expect({ ...(await last.ended), stderr: last.stderr() }).toEqual({
          code: 0,
          signal: null,
          stderr: '',
        })
        expect(await opened.names()).toEqual(Array.from({ length: steps }, (_, n) => `ledger ${n}`))
      },
    )
  })
}

describe('a transaction without a store for it', () => {
  it('is refused in memory', async () => {
    await expect(new Late().execute()).rejects.toThrow(
      /Late calls this.transaction, and it runs out of a store: run it in an engine whose store is an SQLite file/,
    )
  })

  it('is refused by a store in memory', async () => {
    const engine = await Engine.open({
      store: new MemoryStore(),
      processes: [Late],
      handleSignals: false,
    })
    const handle = await engine.launch(Late)
    await expect(handle.result()).rejects.toThrow(
      /no transactions: open one on an SQLite file or on Postgres/,
    )
    await engine.close()
  })
})
