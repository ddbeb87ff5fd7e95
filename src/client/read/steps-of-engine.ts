import type { Control } from '../../persistence/contract/control.ts'
import type { ProcessRow } from '../../persistence/contract/rows.ts'

/** The most processes of an engine that are read. */
const READ = 1000

/** The processes that an engine runs a step of, the one whose step began first in front. */
export async function stepsOf(store: Control, engine: string): Promise<readonly ProcessRow[]> {
  const { rows } = await store.list({ engine, limit: READ })
  return rows.filter(({ state }) => state !== 'waiting').toSorted((a, b) => a.updatedAt - b.updatedAt)
}
