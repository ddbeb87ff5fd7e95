/*
 * A program that uses a store, for tests with several of them. Says `ready` when it is, and then does its task.
 */
import { writeSync } from 'node:fs'
import { SqliteStore } from '../../../src/persistence/sqlite/index.ts'
import { create, engine } from '../fixtures.ts'

export interface StoreTask {
  readonly path: string
  readonly what: 'write' | 'hold' | 'judge' | 'block' | 'fill'
  readonly name: string
  /** Commits to make, or milliseconds to block. */
  readonly count?: number
  readonly lease?: number
}

const task = JSON.parse(process.argv[2] as string) as StoreTask
const store = await SqliteStore.open(task.path)
const say = (word: string): void => void writeSync(1, `${word}\n`)

if (task.what === 'write') {
  say('ready')
  for (let index = 0; index < (task.count ?? 0); index++) {
    const [outcome] = await store.commit([create({ pid: `${task.name} ${index}` })])
    if (outcome?.status !== 'done') throw new Error(`commit ${index} was ${outcome?.status}`)
    await store.list({ limit: 5 })
  }
  await store.close()
} else if (task.what === 'fill') {
  // What Unix says to a program whose file may not grow; without it the write fails as on a full disk.
  process.on('SIGXFSZ', () => {})
  let saved = 0
  try {
    for (;;) {
      await store.commit([
        create({
          pid: `${task.name} ${saved}`,
          parts: { state: '{}', inputs: JSON.stringify('x'.repeat(9_000)) },
        }),
      ])
      saved++
    }
  } catch (error) {
    const known = (await store.count()).created
    say(
      JSON.stringify({
        saved,
        known,
        error: (error as Error).constructor.name,
        message: (error as Error).message,
      }),
    )
  }
} else {
  await store.join(engine(task.name, { lease: task.lease ?? 10_000 }))
  await store.commit([create({ pid: `held by ${task.name}`, claim: task.name, state: 'running', seq: 1 })])
  if (task.what === 'block') {
    // The worker that beats has to have begun, as it has in any program that does not block at once.
    const expires = async () => (await store.engines()).find(({ id }) => id === task.name)?.expires
    const first = await expires()
    while ((await expires()) === first) await new Promise((resolve) => setImmediate(resolve))
    say('ready')
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, task.count)
    say('free')
  } else say('ready')
  if (task.what === 'judge') {
    // Nothing reports that a lease has run out, so the judge looks again and again.
    for (;;) {
      const { processes } = await store.recover()
      if (processes > 0) say(`took ${processes}`)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }
  const alive = setInterval(() => {}, 1_000)
  process.once('SIGTERM', () => {
    void store.close().then(() => {
      process.exitCode = 7
      clearInterval(alive)
    })
  })
  process.once('SIGUSR2', () => process.exit(8))
}
