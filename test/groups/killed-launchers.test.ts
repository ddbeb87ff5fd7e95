import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { Client } from '../../src/index.ts'
import type { CrashPoint } from '../../src/testing/index.ts'
import { HAS_MORE, partOf } from '../run/extent.ts'
import { startEngine } from '../programs/start.ts'

const COUNT = 1_200

/* A program that is killed while it launches a group of some commits, and the same launch again. */
const POINTS: readonly CrashPoint[] = [
  { write: 'create', nth: 1_100, when: 'after' },
  { write: 'create', nth: 1, when: 'before' },
  { write: 'create', nth: 1_150, when: 'before' },
  { write: 'complete', when: 'before' },
  { write: 'complete', when: 'after' },
]

test.each(partOf(POINTS, (point) => point === POINTS[0]))(
  'a program is killed at %j: the same launch completes the group, and another program reads it',
  HAS_MORE,
  async (crash) => {
    const folder = await mkdtemp(join(tmpdir(), 'damson-group-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const store = join(folder, 'test.db')
    const group = {
      class: 'Sum',
      name: 'sums',
      count: COUNT,
      inputs: { steps: 0, log: join(folder, 'log') },
    } as const
    const killed = startEngine({ store, group, crash })
    expect(await killed.ended).toMatchObject({ signal: 'SIGKILL' })
    const second = startEngine({ store, group, stay: true })
    onTestFinished(async () => {
      second.kill('SIGKILL')
      await second.ended
    })
    await second.ready
    const client = await Client.open({ store })
    onTestFinished(() => client.close())
    const opened = await client.openGroup({ name: 'sums' })
    expect(new Set(opened.pids).size).toBe(COUNT)
    expect(await client.store.group('sums')).toMatchObject({ length: COUNT, launched: COUNT })
    await opened.wait()
    expect(await client.count({ className: 'Sum' })).toMatchObject({ finished: COUNT })
    expect(opened.successful()).toBe(true)
  },
)
