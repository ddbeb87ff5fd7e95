import { writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { LogChunk } from '../../src/index.ts'
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
