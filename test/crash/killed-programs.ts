/* This file is longer than 400 lines, because its tests are run over each kind of store. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Client, Engine, type EventRecord } from '../../src/index.ts'
import { untilRow, untilWaiting } from '../engine/over-stores.ts'
import { freeze, killStarted, start, withClientOf } from './programs.ts'
import type { EngineProgram } from '../programs/engine-program.ts'
import type { Started } from '../programs/start.ts'
import { Blocking, Held } from '../programs/processes.ts'
import { crashesAt, sidesOf } from '../run/commits.ts'
import { extent, HAS_MORE, runsMore, share } from '../run/extent.ts'
import { seedOf } from '../run/seed.ts'

/*
 * Real programs and real SIGKILL. Nothing here depends on how fast anything is: a test waits for what the store says.
 */

const UNTIL_LEASE_ENDS = { timeout: 60_000 }

/** What must hold of programs that are killed, over one kind of store. `lease` is that of their engines, in milliseconds. */
export function killedPrograms(newStore: (folder: string) => string | Promise<string>, lease?: number): void {
  let folder: string
  let store: string
  let log: string

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'damson-crash-'))
    store = await newStore(folder)
    log = join(folder, 'steps.log')
  })

  afterEach(async () => {
    await killStarted()
    await rm(folder, { recursive: true, force: true })
  })

  /** Starts an engine in a program of its own. */
  function begin(task: EngineProgram): Started {
    return start({ ...(lease !== undefined && { lease }), ...task })
  }

  function withClient<T>(use: (client: Client) => Promise<T>): Promise<T> {
    return withClientOf(store, use)
  }

  /** How often each step of each process ran. */
  function stepsRun(): Map<string, number> {
    const counts = new Map<string, number>()
    if (!existsSync(log)) return counts
    for (const line of readFileSync(log, 'utf8').split('\n'))
      if (line !== '') counts.set(line, (counts.get(line) ?? 0) + 1)
    return counts
  }

  describe('a crash at every commit boundary', () => {
    const task = (): EngineProgram => ({
      store,
      launch: [{ class: 'Whole', inputs: { log }, key: 'whole' }],
      resume: [{ key: 'whole', value: 'yes' }],
    })

    for (const when of sidesOf('whole')) {
      test(
        `C1, C3, C8, C11: killed ${when} each commit in turn, it goes on by itself to the same end`,
        { ...HAS_MORE, timeout: 240_000 },
        async () => {
          let crashes = 0
          let undisturbed: { code: number | null; stderr: string } | undefined
          for (let commit = 1; ; commit++) {
            if (!crashesAt(commit, `whole ${when}`)) continue
            const program = begin({ ...task(), crash: { commit, when } })
            const { signal, code } = await program.ended
            if (signal === null) {
              undisturbed = { code, stderr: program.stderr() }
              break
            }
            expect([commit, signal]).toEqual([commit, 'SIGKILL'])
            crashes++
            const again = begin(task())
            expect([commit, await again.ended, again.stderr()]).toEqual([
              commit,
              { code: 0, signal: null },
              '',
            ])
            await withClient(async (client) => {
              const { processes } = await client.list()
              const whole = processes.filter(({ name }) => name === 'Whole')
              expect(whole).toHaveLength(1)
              const handle = client.handle(whole[0]?.pid as string)
              expect(await handle.result()).toBe('whole')
              const outputs = (await handle.outputs.all()) as { child: string; answer: string }
              expect(outputs.answer).toBe('yes')
              // The step that launched it ran again, perhaps; the child is the same one (C2).
              const children = processes.filter(({ parent }) => parent === handle.pid)
              expect(children.map(({ pid }) => pid)).toEqual([outputs.child])
              expect(names(await handle.history()).filter((name) => name === 'finished')).toHaveLength(1)
              expect(names(await handle.history()).filter((name) => name === 'resumed')).toHaveLength(1)
              expect(await client.handle(outputs.child).wait()).toMatchObject({ label: 'finished' })
            })
            await rm(folder, { recursive: true })
            folder = await mkdtemp(join(tmpdir(), 'damson-crash-'))
            store = await newStore(folder)
            log = join(folder, 'steps.log')
          }
          expect(undisturbed).toEqual({ code: 0, stderr: '' })
          expect(crashes).toBeGreaterThan(extent === 'all' ? 4 : 0)
        },
      )
    }
  })

  test(
    'C1, C3, C11: killed at random times in a loop, everything ends as in an undisturbed run',
    { ...HAS_MORE, timeout: 240_000 },
    async () => {
      const steps = 12
      const launch = Array.from({ length: 20 }, (_, index) => ({
        class: 'Sum' as const,
        inputs: { steps, log },
        key: `sum-${index}`,
      }))
      const first = begin({ store, launch, stay: true })
      await first.ready
      let random = seedOf(42)
      for (let kills = 0; kills < share(2, 6); kills++) {
        // Some commits have to be made in between: three crashes without one are taken for the process's own fault (C11).
        const program = kills === 0 ? first : begin({ store, stay: true })
        await program.ready
        const before = await withClient(progress)
        random = (random * 1_103_515_245 + 12_345) % 2 ** 31
        await withClient(async (client) => {
          const wanted = before + 1 + (random % 30)
          await new Promise<void>((resolve, reject) => {
            const look = (): void =>
              void progress(client).then(
                (now) => (now >= Math.min(wanted, 20 * (steps + 2)) ? resolve() : undefined),
                reject,
              )
            const stop = client.store.watch(look)
            void program.ended.then(() => stop())
            look()
          })
        })
        program.kill('SIGKILL')
        await program.ended
      }
      const last = begin({ store, launch })
      expect([await last.ended, last.stderr()]).toEqual([{ code: 0, signal: null }, ''])
      await withClient(async (client) => {
        const { processes } = await client.list({ limit: 1000 })
        expect(processes).toHaveLength(20)
        for (const { pid } of processes) {
          expect(await client.handle(pid).outputs.all()).toEqual({
            sum: (steps * (steps + 1)) / 2,
            seen: steps,
          })
          const history = await client.history(pid)
          expect(names(history).filter((name) => name === 'finished')).toHaveLength(1)
          // Each step ran at least once, and as many times more as its engine died in it.
          const crashes = names(history).filter((name) => name === 'crashed').length
          for (let number = 1; number <= steps; number++) {
            const runs = stepsRun().get(`${pid} ${number}`) ?? 0
            expect(runs).toBeGreaterThanOrEqual(1)
            expect(runs).toBeLessThanOrEqual(1 + crashes)
          }
        }
      })

      /** Transitions that the file knows of. */
      async function progress(client: Client): Promise<number> {
        const { processes } = await client.list({ limit: 1000 })
        const rows = await Promise.all(
          processes.map(async ({ pid }) => (await client.store.read(pid))?.seq ?? 0),
        )
        return rows.reduce((sum, seq) => sum + seq, 0)
      }
    },
  )

  test('C4: an engine that was stopped past its lease changes nothing when it wakes', async () => {
    const [begun, release] = [join(folder, 'begun'), join(folder, 'release')]
    const frozen = begin({
      store,
      launch: [{ class: 'Held', inputs: { started: begun, release }, key: 'held' }],
      lease: 300,
      stay: true,
    })
    await frozen.ready
    await fileAppears(begun)
    await freeze(frozen, store)
    const engine = await Engine.open({ store, processes: [Held], lease: 300, handleSignals: false })
    try {
      const [held] = (await engine.list()).processes
      const handle = engine.handle(held?.pid as string)
      await historyHas(engine, handle.pid, 'crashed')
      writeFileSync(release, '')
      expect(await handle.result()).toEqual({ by: process.pid })
      const settled = await handle.history()
      frozen.kill('SIGCONT')
      // It finds that it has lost the process, goes on with others, and stops cleanly.
      frozen.kill('SIGTERM')
      expect(await frozen.ended).toMatchObject({ signal: 'SIGTERM' })
      expect(await handle.history()).toEqual(settled)
      expect(await engine.handle(handle.pid).result()).toEqual({ by: process.pid })
    } finally {
      await engine.close({ drain: 0 })
    }
  }, 240_000)

  test('C11: a process whose step kills its engine is paused at the third crash, and innocent ones go on', async () => {
    const launch = [
      { class: 'Poison' as const, inputs: {}, key: 'poison' },
      ...Array.from({ length: 3 }, (_, index) => ({
        class: 'Sum' as const,
        inputs: { steps: 3, log },
        key: `sum-${index}`,
      })),
    ]
    let deaths = 0
    for (;;) {
      const program = begin({ store, launch, stay: true })
      await Promise.race([program.ready.catch(() => {}), program.ended])
      const stays = await Promise.race([program.ended.then(() => false), poisonPaused().then(() => true)])
      if (stays) break
      deaths++
      expect(deaths).toBeLessThanOrEqual(3)
    }
    expect(deaths).toBe(3)
    await withClient(async (client) => {
      const { processes } = await client.list()
      const poison = processes.find(({ name }) => name === 'Poison')
      expect(poison?.state).toMatchObject({ paused: true, label: 'running' })
      expect(await client.explain(poison?.pid as string)).toMatch(/crashed its engine/)
      for (const { pid } of processes.filter(({ name }) => name === 'Sum'))
        expect(await client.handle(pid).outputs.all()).toEqual({ sum: 6, seen: 3 })
    })

    async function poisonPaused(): Promise<void> {
      await withClient(
        (client) =>
          new Promise<void>((resolve, reject) => {
            const look = (): void =>
              void client
                .list({ paused: true })
                .then(({ processes }) => (processes.length > 0 ? resolve() : undefined), reject)
            client.store.watch(look)
            look()
          }),
      )
    }
  }, 240_000)

  test.runIf(runsMore)(
    'C11: a step that waited beside a suspect, goes on and kills its engine brings no blame on the suspect',
    { ...HAS_MORE, timeout: 240_000 },
    async () => {
      await withClient(async (client) => {
        const [began, release] = [join(folder, 'began'), join(folder, 'release')]
        const suspect = await client.launch('Held', { started: began, release })
        const taken = (crashed: number) =>
          untilRow(client.store, suspect.pid, ({ crashes, owner }) => crashes === crashed && owner !== null)
        const first = begin({ store, concurrency: 1, stay: true })
        await taken(0)
        first.kill('SIGKILL')
        await first.ended
        const second = begin({ store, concurrency: 1, stay: true })
        await taken(1)
        // The suspect has the only place there, so the step that is to wait runs in another program.
        const sleeper = await client.launch('Sleeper')
        const program = begin({ store, stay: true })
        await untilWaiting(client.store, sleeper.pid)
        second.kill('SIGKILL')
        await second.ended
        await taken(2)
        const [engine] = (await client.store.engines()).filter(({ suspect: alone }) => alone !== null)
        expect(engine?.suspect).toMatchObject({ pid: suspect.pid, runs: true })
        await sleeper.signal('go')
        expect(await program.ended).toMatchObject({ signal: 'SIGKILL' })
        await expect
          .poll(async () => {
            await client.store.recover()
            return client.store.read(sleeper.pid)
          }, UNTIL_LEASE_ENDS)
          .toMatchObject({ owner: null, crashes: 1, paused: null })
        expect(await client.store.read(suspect.pid)).toMatchObject({ owner: null, crashes: 3, paused: null })
      })
    },
  )

  test('C12: on SIGTERM with 50 live processes none is excepted or killed, and all go on', async () => {
    const launch = Array.from({ length: 50 }, (_, index) => ({
      class: 'Sum' as const,
      inputs: { steps: 30, log },
      key: `sum-${index}`,
    }))
    const program = begin({ store, launch, stay: true })
    await program.ready
    program.kill('SIGTERM')
    expect([await program.ended, program.stderr()]).toEqual([{ code: null, signal: 'SIGTERM' }, ''])
    await withClient(async (client) => {
      const counts = await client.store.count()
      expect(counts.excepted + counts.killed).toBe(0)
      for (const { pid } of (await client.list({ limit: 100 })).processes) {
        expect(await client.store.read(pid)).toMatchObject({ owner: null, crashes: 0 })
      }
    })
    const next = begin({ store, launch })
    expect([await next.ended, next.stderr()]).toEqual([{ code: 0, signal: null }, ''])
    await withClient(async (client) => {
      expect((await client.store.count()).finished).toBe(50)
    })
    // No step ran twice: each had ended and was saved before the program did.
    expect([...stepsRun().values()].every((runs) => runs === 1)).toBe(true)
  }, 240_000)

  test('C7: a pause survives the crash of its engine, and another program kills, pauses and plays what runs there', async () => {
    const [begun, release] = [join(folder, 'begun'), join(folder, 'release')]
    const program = begin({
      store,
      launch: [{ class: 'Held', inputs: { started: begun, release }, key: 'held' }],
      stay: true,
    })
    await program.ready
    await fileAppears(begun)
    const pid = await withClient(async (client) => (await client.list()).processes[0]?.pid as string)
    await withClient(async (client) => expect(await client.handle(pid).pause('for the night')).toBe(true))
    program.kill('SIGKILL')
    await program.ended
    const engine = await Engine.open({ store, processes: [Held], handleSignals: false })
    try {
      await historyHas(engine, pid, 'crashed')
      writeFileSync(release, '')
      await withClient(async (client) => {
        const paused = client.handle(pid)
        await historyHas(client, pid, 'paused')
        expect(await paused.refresh()).toMatchObject({ paused: true, message: 'for the night' })
        expect(await paused.play()).toBe(true)
        expect(await paused.result()).toEqual({ by: process.pid })
      })
    } finally {
      await engine.close({ drain: 0 })
    }
  }, 240_000)

  test('C4, C11: an engine whose event loop is blocked for two leases keeps its processes, or is cleanly fenced', async () => {
    const program = begin({
      store,
      launch: [{ class: 'Blocking', inputs: { for: 4_200 }, key: 'blocking' }],
      lease: 2_000,
    })
    const other = await Engine.open({ store, processes: [Blocking], lease: 2_000, handleSignals: false })
    try {
      expect([await program.ended, program.stderr()]).toEqual([{ code: 0, signal: null }, ''])
      const [row] = (await other.list()).processes
      const history = await other.history(row?.pid as string)
      expect(names(history).filter((name) => name === 'finished')).toHaveLength(1)
      // Its heart is kept beating off the main thread.
      expect(names(history)).not.toContain('crashed')
    } finally {
      await other.close({ drain: 0 })
    }
  }, 240_000)

  test(
    'programs with many processes each share one store: nobody sees it locked, and nothing runs twice',
    { ...HAS_MORE, timeout: 180_000 },
    async () => {
      // A commit on a server takes longer than one to a file in memory.
      const [count, each] = lease === undefined && runsMore ? [share(4, 8), share(100, 200)] : [3, 50]
      const programs = Array.from({ length: count }, (_, part) =>
        begin({
          store,
          launch: Array.from({ length: each }, (_unused, index) => ({
            class: 'Sum' as const,
            inputs: { steps: 2, log },
            key: `sum-${part}-${index}`,
          })),
        }),
      )
      for (const program of programs)
        expect([await program.ended, program.stderr()]).toEqual([{ code: 0, signal: null }, ''])
      await withClient(async (client) => expect((await client.store.count()).finished).toBe(count * each))
      expect([...stepsRun().values()].every((runs) => runs === 1)).toBe(true)
      expect(stepsRun().size).toBe(2 * count * each)
    },
  )
}

function names(history: readonly EventRecord[]): string[] {
  return history.map(({ name }) => name)
}

async function fileAppears(path: string): Promise<void> {
  while (!existsSync(path)) await new Promise((resolve) => setImmediate(resolve))
}

async function historyHas(client: Client, pid: string, name: string): Promise<void> {
  let stop: (() => void) | undefined
  await new Promise<void>((resolve, reject) => {
    const look = (): void =>
      void client
        .history(pid)
        .then((history) => (names(history).includes(name) ? resolve() : undefined), reject)
    stop = client.store.watch(look)
    look()
  })
  stop?.()
}
