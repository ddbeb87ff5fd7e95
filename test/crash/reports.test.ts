import { writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Continue, Process, type LogChunk } from '../../src/index.ts'
import { crashAtEveryCommit } from './every-commit.ts'
import { outside } from './outside.ts'
import { killStarted, start, withClientOf } from './programs.ts'

let folder: string
let store: string
let release: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'damson-reports-'))
  store = join(folder, 'reports.db')
  release = join(folder, 'release')
})

afterEach(async () => {
  await killStarted()
  await rm(folder, { recursive: true, force: true })
})

test('C4, C11: a client follows what a process prints through the death of its engine, to its end', async () => {
  const program = (): ReturnType<typeof start> =>
    start({ store, launch: [{ class: 'Prints', inputs: { release }, key: 'prints' }] })
  const first = program()
  await first.ready
  await withClientOf(store, async (client) => {
    const handle = await client.handle({ key: 'prints' })
    const seen: LogChunk[] = []
    const progress: unknown[] = []
    for await (const chunk of handle.logs({ follow: true })) {
      seen.push(chunk)
      if (seen.length === 1) {
        progress.push((await handle.refresh()).progress)
        first.kill('SIGKILL')
        await first.ended
        await program().ready
      }
      // The step has printed again in the second program.
      if (seen.length === 2) writeFileSync(release, '')
    }
    expect(seen.map(({ n, text, attempt }) => [n, text, attempt])).toEqual([
      [1, 'begins\n', 1],
      [2, 'begins\n', 1],
      [3, 'goes on\n', 1],
      [4, 'ends\n', 1],
    ])
    const times = seen.map(({ at }) => at.getTime())
    expect(times).toEqual(times.toSorted((a, b) => a - b))
    progress.push((await handle.refresh()).progress)
    expect(progress).toEqual([
      { done: 1, total: 2 },
      { done: 2, total: 2 },
    ])
  })
})

/** Reports in each way, before and after something that is recorded, and in a second step. */
class Talks extends Process {
  override async run(): Promise<Continue> {
    this.print('one')
    this.progress({ done: 1, total: 3 })
    this.addEvent('began', { by: 'run' })
    await this.effect('pay', ({ idempotencyKey }) => outside.pay(idempotencyKey))
    this.print('two', { stream: 'stderr' })
    this.addEvent('paid')
    return new Continue(this.last)
  }
  last(): void {
    this.logger.warn({}, 'three')
    this.progress({ done: 3, total: 3, message: 'all' })
    this.addEvent('ends')
  }
}

crashAtEveryCommit('what a process prints, reports and adds', { processes: [Talks] }, async (driver) => {
  const handle = await driver.launch('p', Talks)
  await driver.ends('p')
  const log: LogChunk[] = []
  for await (const chunk of handle.logs()) log.push(chunk)
  // A step that runs again prints again, and nothing is missing or out of order.
  expect([...new Set(log.map(({ text, stream }) => `${stream} ${text.trimEnd()}`))]).toEqual([
    'stdout one',
    'stderr two',
    expect.stringMatching(/^stderr .*three/),
  ])
  const numbers = log.map(({ n }) => n)
  expect(numbers).toEqual([...new Set(numbers)].toSorted((a, b) => a - b))
  await handle.refresh()
  expect(handle.state.progress).toEqual({ done: 3, total: 3, message: 'all' })
  const added: string[] = []
  for await (const event of handle.events()) if (event.name === 'event') added.push(event.data.name)
  expect([...new Set(added)]).toEqual(['began', 'paid', 'ends'])
})
