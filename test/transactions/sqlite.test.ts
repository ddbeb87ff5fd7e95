import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, describe, expect, it } from 'vitest'
import { Engine, Process, type ProcessSpec, type SqliteTransaction } from '../../src/index.ts'
import { SqliteStore } from '../../src/persistence/sqlite/index.ts'
import { transactionsSuite } from './transactions-suite.ts'

const folders: string[] = []
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true })
})

async function newFile(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'damson-transactions-'))
  folders.push(folder)
  const path = join(folder, 'test.db')
  await (await SqliteStore.open(path)).close()
  const own = new Database(path)
  own.exec('CREATE TABLE entry (id INTEGER PRIMARY KEY, name TEXT NOT NULL)')
  own.close()
  return path
}

transactionsSuite('on an SQLite file', 'sqlite', async () => {
  const store = await newFile()
  return {
    store,
    names: async () => {
      const own = new Database(store, { readonly: true })
      try {
        return own.prepare('SELECT name FROM entry ORDER BY id').pluck().all() as string[]
      } finally {
        own.close()
      }
    },
    dispose: async () => {},
  }
})

class Runs extends Process<typeof Runs> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.input('sql', { schema: { type: 'string' } })
  }
  override async run(): Promise<void> {
    await this.transaction('own', (tx: SqliteTransaction) => tx.run(this.inputs.sql).changes)
  }
}

class Asynchronous extends Process {
  override async run(): Promise<void> {
    await this.transaction('own', async (tx: SqliteTransaction) => {
      tx.run("INSERT INTO entry (name) VALUES ('lost')")
    })
  }
}

class Reads extends Process<typeof Reads> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.output('read')
  }
  override async run(): Promise<void> {
    const read = await this.transaction('own', (tx: SqliteTransaction) => {
      tx.run('CREATE TABLE account (id TEXT PRIMARY KEY, balance INTEGER)')
      tx.run('INSERT INTO account VALUES (?, ?), (?, ?)', 'a', 1, 'b', 2)
      return {
        one: tx.get<{ balance: number }>('SELECT balance FROM account WHERE id = ?', 'b')?.balance,
        none: tx.get('SELECT 1 FROM account WHERE id = ?', 'c') ?? null,
        all: tx.all<{ id: string }>('SELECT id FROM account ORDER BY id').map(({ id }) => id),
        processes: tx.get<{ n: number }>('SELECT count(*) AS n FROM process')?.n,
      }
    })
    this.out('read', read)
  }
}

describe('the function of a transaction on SQLite', () => {
  async function launch(inputs: object, processClass: typeof Runs | typeof Reads | typeof Asynchronous) {
    const engine = await Engine.open({
      store: await newFile(),
      processes: [Runs, Reads, Asynchronous],
      handleSignals: false,
    })
    const handle = await engine.launch(processClass.name, inputs as Record<string, unknown>)
    const [result, outputs] = await Promise.allSettled([handle.result(), handle.outputs.all()])
    await engine.close()
    return { result, outputs }
  }

  it.each([
    ["UPDATE process SET state = 'finished'", 'process'],
    ['DELETE FROM history', 'history'],
    ["INSERT INTO message (pid, sender, value) VALUES ('a', 'b', 'c')", 'message'],
    ['DROP TABLE part', 'part'],
    ['ALTER TABLE process ADD COLUMN mine TEXT', 'process'],
    ['CREATE TRIGGER mine AFTER INSERT ON process BEGIN SELECT 1; END', 'process'],
    ['CREATE INDEX mine ON "process" (label)', 'process'],
  ])('must not change the tables of the store: %s', async (sql, table) => {
    const { result } = await launch({ sql }, Runs)
    expect(String((result as PromiseRejectedResult).reason)).toContain(
      `can't change ${table}, which is a table of Damson: use tables of your own`,
    )
  })

  it('must not be asynchronous', async () => {
    const { result } = await launch({}, Asynchronous)
    expect(String((result as PromiseRejectedResult).reason)).toContain(
      'returned a promise: it must do all of its work before',
    )
  })

  it('makes tables, and reads any', async () => {
    const { outputs } = await launch({}, Reads)
    expect(outputs).toMatchObject({
      value: { read: { one: 2, none: null, all: ['a', 'b'], processes: 1 } },
    })
  })
})
