import type { RowSizes } from '../bare.ts'
import { inFiles, inPostgres } from '../place.ts'
import type { Postgres } from '../postgres.ts'

/** About what Damson writes at a transition. */
const SIZES: RowSizes = { process: 600, history: 100 }

/** Commits per second, each of a row of a process and an entry of a history, in one loop. */
export function bareCommits(store: 'sqlite' | 'postgres', postgres: Postgres | undefined): Promise<number> {
  if (store === 'sqlite') return inFiles.bareLoop(SIZES, 1)
  if (postgres === undefined) throw new Error('there is no Postgres')
  return inPostgres(postgres).bareLoop(SIZES, 1)
}
