import type { ProcessRow } from '../../persistence/contract/rows.ts'
import type { Store } from '../../persistence/contract/store.ts'
import { formerChildPid, LaunchIds, partsOf, stepTag, type StepKey } from './child-pid.ts'

/** A child that an earlier run of a step launched. */
export interface EarlierChild {
  readonly row: ProcessRow
  /**
   * 0 for the first child of this launch, 1 for its first replacement, and so on. The newest one
   * counts.
   */
  readonly generation: number
}

/**
 * Returns the children that a step has launched in its attempts so far, by the id of their launch. Pids of
 * earlier releases do not contain that id, so the inputs of such children are read to compute it.
 */
export async function earlierChildren(
  parent: string,
  step: StepKey,
  attempts: number,
  children: readonly ProcessRow[],
  inputsOf: (pid: string) => Promise<string | undefined>,
): Promise<Map<string, EarlierChild>> {
  const earlier = new Map<string, EarlierChild>()
  if (children.length === 0) return earlier
  const tags = new Map<string, number>()
  for (let generation = 0; generation <= attempts; generation++)
    tags.set(stepTag(parent, step, generation), generation)
  const byClass = new Map<string, Map<string, ProcessRow>>()
  for (const row of children) {
    const parts = partsOf(row.pid)
    const generation = parts === undefined ? undefined : tags.get(parts.tag)
    if (parts !== undefined && generation !== undefined) {
      if ((earlier.get(parts.id)?.generation ?? -1) < generation) earlier.set(parts.id, { row, generation })
      continue
    }
    let others = byClass.get(row.className)
    if (others === undefined) byClass.set(row.className, (others = new Map()))
    others.set(row.pid, row)
  }
  const ids = new LaunchIds()
  for (const [className, others] of byClass) {
    for (let count = 1; count <= others.size; count++) {
      for (let generation = attempts; generation >= 0; generation--) {
        const row = others.get(formerChildPid({ parent, step, className, count, generation }))
        if (row === undefined) continue
        const inputs = await inputsOf(row.pid)
        earlier.set(ids.next({ step, branch: '', className, inputs }), { row, generation })
        break
      }
    }
  }
  return earlier
}

/** The number of children in one page. */
const PAGE = 1_000

/** Returns all children of a process. */
export async function childrenOf(store: Pick<Store, 'list'>, parent: string): Promise<readonly ProcessRow[]> {
  const children: ProcessRow[] = []
  let after: string | undefined
  do {
    const page = await store.list({ parent, limit: PAGE, after })
    children.push(...page.rows)
    after = page.next
  } while (after !== undefined)
  return children
}
