import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { MemoryStore } from '../../src/index.ts'
import { SqliteStore } from '../../src/persistence/sqlite/index.ts'
import { crashAt, type CrashPoint } from '../../src/testing/index.ts'
import { startEngine } from '../programs/start.ts'

async function aPath(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'damson-crash-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return join(folder, 'test.db')
}

test.each<readonly [point: object, says: string]>([
  [{}, "`when` is 'before' or 'after'"],
  [{ commit: 1, when: 'during' }, "`when` is 'before' or 'after'"],
  [{ when: 'before' }, 'give `commit`, counted from 1, or `write`: create, advance, record,'],
  [{ commit: 1, write: 'create', when: 'before' }, 'give `commit`, counted from 1, or `write`'],
  [{ commit: 0, when: 'before' }, '`commit` is a whole number from 1'],
  [{ commit: 1, nth: 2, when: 'before' }, 'goes with `when` alone'],
  [{ write: 'launch', when: 'after' }, '`write` is create, advance, record, request, edit, event, resume,'],
  [{ write: 'advance', state: 'asleep', when: 'after' }, '`state` is created, running, waiting,'],
  [
    { write: 'signal', state: 'waiting', when: 'after' },
    '`state` goes with the writes create, advance, record',
  ],
  [{ write: 'advance', nth: 1.5, when: 'after' }, '`nth` is a whole number from 1'],
  [{ write: 'advance', entry: 'effect:charge', when: 'after' }, "`entry` goes with the write 'record'"],
  [{ write: 'advance', step: 'ship', when: 'after' }, 'there is no `step`'],
])('%j is not a crash point, and what is right is said', (point, says) => {
  expect(() => crashAt(new MemoryStore(), point as CrashPoint)).toThrow(RangeError)
  expect(() => crashAt(new MemoryStore(), point as CrashPoint)).toThrow(says)
})

test.each<readonly [point: CrashPoint, state: string, step: string]>([
  [{ write: 'advance', state: 'waiting', when: 'before' }, 'running', 'run'],
  [{ write: 'advance', state: 'waiting', when: 'after' }, 'waiting', 'decide'],
])('a program kills itself at %j, and the file says so', async (crash, state, step) => {
  const path = await aPath()
  const log = `${path}.log`
  const launch = [{ class: 'Whole', inputs: { log }, key: 'whole' }] as const
  const program = startEngine({ store: path, launch, crash })
  expect(await program.ended).toMatchObject({ signal: 'SIGKILL' })
  const store = await SqliteStore.open(path)
  onTestFinished(() => store.close())
  const [whole] = (await store.list({ className: 'Whole' })).rows
  expect(whole).toMatchObject({ state, step })
})

test('the nth write of a kind is counted over all processes', async () => {
  const path = await aPath()
  const inputs = { steps: 1, log: `${path}.log` }
  const launch = ['a', 'b', 'c'].map((key) => ({ class: 'Sum', inputs, key }) as const)
  const crash: CrashPoint = { write: 'advance', state: 'finished', nth: 3, when: 'after' }
  const program = startEngine({ store: path, launch, crash })
  expect(await program.ended).toMatchObject({ signal: 'SIGKILL' })
  const store = await SqliteStore.open(path)
  onTestFinished(() => store.close())
  expect(await store.count()).toMatchObject({ finished: 3 })
})
