import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { expect, onTestFinished, test } from 'vitest'
import { SqliteStore } from '../../../src/persistence/sqlite/index.ts'
import type { Advance } from '../../../src/persistence/contract/writes.ts'
import { advance, commitOne, create, done, engine, finish, request } from '../fixtures.ts'

/*
 * A store remembers the numbers of rows. SQLite gives the number of a deleted row to a new one.
 */

type Held = Parameters<typeof advance>[0]

test.each<[what: string, write: (held: Held) => Advance, engine: string | null]>([
  ['a step', (held) => advance(held), 'A'],
  ['a step with a part', (held) => advance(held, { parts: { state: '{}', memory: '1' } }), 'A'],
  ['a retried step', (held) => advance(held, { attempt: 2 }), 'A'],
  ['an end', (held) => finish(held), 'A'],
  ['a first step', (held) => advance(held, { begins: true }), null],
])(
  'C1: the write of %s to a process that another program has pruned changes no process that has its row now',
  async (_, write, claim) => {
    const folder = mkdtempSync(join(tmpdir(), 'damson-numbers-'))
    const path = join(folder, 'store.db')
    const [store, other] = [await SqliteStore.open(path), await SqliteStore.open(path)]
    onTestFinished(async () => {
      await store.close()
      await other.close()
      rmSync(folder, { recursive: true })
    })
    await store.join(engine('A'))
    const made = () => create(claim === null ? {} : { claim, state: 'running', seq: 1 })
    const [pruned, next] = [made(), made()]
    const file = new Database(path, { readonly: true })
    const numberOf = ({ pid }: { pid: string }) =>
      file.prepare('SELECT id FROM process WHERE pid = ?').get(pid)
    const look = async () => {
      const stored = await store.load(next.pid)
      return [stored?.row, stored?.bundle().parts, await store.history(next.pid)]
    }
    await done(store, pruned)
    const number = numberOf(pruned)
    await done(other, request(pruned.pid, 'kill', { grace: 0 }), { kind: 'prune', pid: pruned.pid }, next)
    expect(numberOf(next)).toEqual(number)
    file.close()
    const before = await look()
    const held = { pid: pruned.pid, fence: claim === null ? 0 : 1, seq: next.seq }
    expect(await commitOne(store, write(held))).toEqual({ status: 'missing' })
    expect(await look()).toEqual(before)
    await done(store, write({ ...held, pid: next.pid }))
  },
)
