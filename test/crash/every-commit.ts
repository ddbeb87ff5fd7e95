import { expect, test } from 'vitest'
import { crashesAt, sidesOf } from '../run/commits.ts'
import { extent, HAS_MORE, share } from '../run/extent.ts'
import type { Driver } from './driver.ts'
import { type Ended, live, overPlaces, type Scenario } from './lives.ts'
import type { Death } from './program.ts'

/** More commits than any of these scenarios makes. */
const MOST_COMMITS = 200
const FIRST_COMMIT: Death = { commit: 1, when: 'after' }
/** Of a test, in milliseconds: files are written through to the disk, which may be slow. */
const TIME_OUT = 180_000

/**
 * Lives through a scenario again and again, and each time its program dies at another commit, before it or after it, until it makes no more.
 * Whatever the crash, it goes on by itself, and what comes of it is the same. `some` of the tests have a part of the commits (`crashesAt`).
 */
export function crashAtEveryCommit(
  name: string,
  options: Omit<Scenario, 'drive'>,
  drive: (driver: Driver) => Promise<void>,
): void {
  const scenario = { ...options, drive }
  overPlaces('over', (place, open) => {
    let life: Promise<Ended> | undefined
    const undisturbed = (): Promise<Ended> => (life ??= live(scenario, open, () => undefined))

    for (const when of sidesOf(`${name} ${place}`)) {
      test(
        `${name}: killed ${when} each commit in turn, it comes to the same end`,
        { ...HAS_MORE, timeout: TIME_OUT },
        async () => {
          const { facts: whole } = await undisturbed()
          let crashes = 0
          for (let commit = 1; commit < MOST_COMMITS; commit++) {
            if (!crashesAt(commit, `${name} ${place} ${when}`)) continue
            const first: Death = { commit, when }
            const { facts, deaths } = await live(scenario, open, (life) => [first][life - 1])
            expect({ commit, ...facts }).toEqual({ commit, ...whole })
            if (deaths === 0) break
            crashes++
            // The next program dies too, as soon as it has done one thing.
            const again = await live(scenario, open, (life) => [first, FIRST_COMMIT][life - 1])
            expect({ commit, again: true, ...again.facts }).toEqual({
              commit,
              again: true,
              ...whole,
            })
          }
          expect(crashes).toBeGreaterThan(extent === 'all' ? 1 : 0)
        },
      )
    }

    test(
      `${name}: killed again and again, it comes to the same end`,
      { ...HAS_MORE, timeout: TIME_OUT },
      async () => {
        const { facts: whole } = await undisturbed()
        for (const few of [8, 6, 11].slice(0, share(1, 3))) {
          // Writes that one commit has elsewhere come in several, as the server answers.
          const commits = place === 'Postgres' ? few * 3 : few
          const { facts } = await live(scenario, open, () => ({ commit: commits, when: 'after' }))
          expect({ commits, ...facts }).toEqual({ commits, ...whole })
        }
      },
    )
  })
}
