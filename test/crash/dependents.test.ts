import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { crashesAt, sidesOf } from '../run/commits.ts'
import { extent, HAS_MORE } from '../run/extent.ts'
import type { EngineProgram } from '../programs/engine-program.ts'
import { killStarted, start, withClientOf } from './programs.ts'

/* Real programs that are killed while processes take the values of one another. */

afterEach(killStarted)

for (const when of sidesOf('pipes')) {
  test(
    `C1, C3, C8, C11: killed ${when} each commit in turn, each process gets the values of the others once`,
    { ...HAS_MORE, timeout: 240_000 },
    async () => {
      // Crashes between the end of a process and the start of the one that takes its value.
      let between = 0
      for (let commit = 1; ; commit++) {
        if (!crashesAt(commit, `pipes ${when}`)) continue
        const folder = await mkdtemp(join(tmpdir(), 'damson-crash-'))
        const [store, log] = [join(folder, 'crash.db'), join(folder, 'steps.log')]
        const task: EngineProgram = { store, launch: [{ class: 'Pipes', inputs: { log }, key: 'pipes' }] }
        const program = start({ ...task, crash: { commit, when } })
        const { signal } = await program.ended
        const states = await statesOf(store)
        if (states.includes('Sum finished') && states.includes('Takes created')) between++
        expect([null, 'SIGKILL']).toContain(signal)
        // After the run without a crash there is nothing left to do.
        const again = start(task)
        expect([commit, await again.ended, again.stderr()]).toEqual([commit, { code: 0, signal: null }, ''])
        await withClientOf(store, async (client) => {
          const { processes } = await client.list()
          const taking = processes.filter(({ name }) => name === 'Takes')
          expect([commit, taking.length, processes.length]).toEqual([commit, 2, 4])
          const pipes = processes.find(({ name }) => name === 'Pipes')
          expect(await client.handle(pipes?.pid as string).result()).toEqual([{ sum: 3 }, 2])
          const lines = existsSync(log) ? readFileSync(log, 'utf8').split('\n') : []
          for (const { pid } of taking) {
            const runs = lines.filter((line) => line === `${pid} takes`).length
            const crashes = (await client.history(pid)).filter(({ name }) => name === 'crashed').length
            expect(runs).toBeGreaterThanOrEqual(1)
            expect(runs).toBeLessThanOrEqual(1 + crashes)
          }
        })
        await rm(folder, { recursive: true })
        if (signal === null) break
      }
      expect(between).toBeGreaterThanOrEqual(extent === 'all' ? 1 : 0)
    },
  )
}

/** The class and state of each process. */
async function statesOf(store: string): Promise<readonly string[]> {
  return withClientOf(store, async (client) => {
    const { processes } = await client.list()
    return processes.map(({ name, state }) => `${name} ${state.label}`)
  })
}
