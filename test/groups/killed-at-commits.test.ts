import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { Client } from '../../src/index.ts'
import type { EngineProgram } from '../programs/engine-program.ts'
import { startEngine } from '../programs/start.ts'
import { crashesAt, sidesOf } from '../run/commits.ts'
import { extent, HAS_MORE } from '../run/extent.ts'

/*
 * Programs that launch a group, each killed by SIGKILL before or after another commit. The next program does the same again, without a
 * crash: each member is there once.
 */

/** More commits than any of these programs makes. */
const MOST_COMMITS = 200
/** So that the members of a launch by a client take several commits. */
const MANY = 1_100

type Task = Pick<EngineProgram, 'group' | 'launch' | 'client'>

const LAUNCHES: readonly (readonly [name: string, count: number, task: (log: string) => Task])[] = [
  [
    'a client launches',
    MANY,
    (log) => ({
      client: true,
      group: { class: 'Sum', name: 'sums', count: MANY, inputs: { steps: 0, log } },
    }),
  ],
  [
    'a client launches in chunks',
    MANY / 100,
    (log) => ({
      client: true,
      group: { class: 'Sum', name: 'sums', count: MANY, chunkSize: 100, inputs: { steps: 0, log } },
    }),
  ],
  [
    'a step launches',
    12,
    (log) => ({ launch: [{ class: 'Sums', key: 'parent', inputs: { count: 12, group: 'sums', log } }] }),
  ],
  [
    'a step launches in chunks',
    3,
    (log) => ({
      launch: [{ class: 'Sums', key: 'parent', inputs: { count: 12, chunkSize: 4, group: 'sums', log } }],
    }),
  ],
]

/** `npm test` has one launch of a step. That of a client is killed in `killed-launchers.test.ts`. */
const isShort = ([, members]: (typeof LAUNCHES)[number]): boolean => members === 3

for (const [name, members, task] of extent === 'some' ? LAUNCHES.filter(isShort) : LAUNCHES) {
  for (const when of sidesOf(name)) {
    test(
      `a group that ${name}: the program is killed ${when} each commit in turn, and no member is missing or there twice`,
      { ...HAS_MORE, timeout: 240_000 },
      async () => {
        let kills = 0
        for (let commit = 1; commit < MOST_COMMITS; commit++) {
          if (!crashesAt(commit, `${name} ${when}`)) continue
          const signal = await killedAndBegunAgain(task, members, { commit, when })
          if (signal === null) break
          kills++
        }
        expect(kills).toBeGreaterThan(extent === 'all' ? 1 : 0)
      },
    )
  }
}

/** Returns the signal that has ended the first program: null if it made no such commit. */
async function killedAndBegunAgain(
  task: (log: string) => Task,
  members: number,
  crash: NonNullable<EngineProgram['crash']>,
): Promise<NodeJS.Signals | null> {
  const folder = await mkdtemp(join(tmpdir(), 'damson-killed-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const store = join(folder, 'test.db')
  const own = task(join(folder, 'log'))
  const { signal } = await startEngine({ store, ...own, crash }).ended
  const again = startEngine({ store, ...own })
  expect({ ...(await again.ended), stderr: again.stderr() }).toMatchObject({ code: 0 })
  const runs = startEngine({ store, stay: true })
  onTestFinished(async () => {
    runs.kill('SIGKILL')
    await runs.ended
  })
  await runs.ready
  const client = await Client.open({ store })
  try {
    const group = await client.openGroup({ name: 'sums' })
    await group.wait()
    expect(group.successful()).toBe(true)
    const { finished, ...others } = await client.count({ group: 'sums' })
    expect({ crash, finished, ...others }).toEqual({
      crash,
      finished: members,
      created: 0,
      running: 0,
      waiting: 0,
      excepted: 0,
      killed: 0,
    })
    // None was launched beside the group.
    const [single, chunks] = [
      await client.count({ className: 'Sum' }),
      await client.count({ className: 'Sum[]' }),
    ]
    expect(single.finished + chunks.finished).toBe(members)
  } finally {
    await client.close()
    runs.kill('SIGKILL')
    await runs.ended
  }
  return signal
}
