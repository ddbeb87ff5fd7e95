import { describe, expect, test } from 'vitest'
import type { Driver } from './driver.ts'
import { live, places, type Scenario } from './lives.ts'
import type { Death } from './program.ts'

/** More commits than any of these scenarios makes. */
const MOST_COMMITS = 200
const FIRST_COMMIT: Death = { commit: 1, when: 'after' }
/** Of a test, in milliseconds: files are written through to the disk, which may be slow. */
const TIME_OUT = 180_000

/**
 * Lives through a scenario again and again, and each time its program dies at another commit, before it or after it, until it makes no more.
 * Whatever the crash, it goes on by itself, and what comes of it is the same.
 */
export function crashAtEveryCommit(
  name: string,
  options: Omit<Scenario, 'drive'>,
  drive: (driver: Driver) => Promise<void>,
): void {
  const scenario = { ...options, drive }
  describe.each(places)('over %s', (_place, open) => {
    for (const when of ['before', 'after'] as const) {
      test(
        `${name}: killed ${when} each commit in turn, it comes to the same end`,
        { timeout: TIME_OUT },
        async () => {
          const undisturbed = await live(scenario, open, () => undefined)
          let commit = 1
          for (; commit < MOST_COMMITS; commit++) {
            const first: Death = { commit, when }
            const { facts, deaths } = await live(scenario, open, (life) => [first][life - 1])
            expect({ commit, ...facts }).toEqual({ commit, ...undisturbed.facts })
            if (deaths === 0) break
            // The next program dies too, as soon as it has done one thing.
            const again = await live(scenario, open, (life) => [first, FIRST_COMMIT][life - 1])
            expect({ commit, again: true, ...again.facts }).toEqual({
              commit,
              again: true,
              ...undisturbed.facts,
            })
          }
          expect(commit).toBeGreaterThan(2)
        },
      )
    }

    test(`${name}: killed again and again, it comes to the same end`, { timeout: TIME_OUT }, async () => {
      const undisturbed = await live(scenario, open, () => undefined)
      for (const commits of [6, 8, 11]) {
        const { facts } = await live(scenario, open, () => ({ commit: commits, when: 'after' }))
        expect({ commits, ...facts }).toEqual({ commits, ...undisturbed.facts })
      }
    })
  })
}
