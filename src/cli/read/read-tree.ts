import type { Client, ProcessSummary } from '../../index.ts'
import { collect } from './collect.ts'
import { LIVE } from '../input/filters.ts'
import type { ProcessTree } from '../render/tree-text.ts'

/** The most children of one process that are shown one by one. */
const WIDEST = 20
/** The most processes of one tree that are shown one by one. */
const LARGEST = 500
const PAGE = 1000

/** Reads a process and its descendants. Without `all`, large numbers of children are only counted. */
export async function readTree(client: Client, root: ProcessSummary, all: boolean): Promise<ProcessTree> {
  const budget = { left: all ? Number.POSITIVE_INFINITY : LARGEST }
  return below(client, root, all ? Number.POSITIVE_INFINITY : WIDEST, budget)
}

async function below(
  client: Client,
  process: ProcessSummary,
  widest: number,
  budget: { left: number },
): Promise<ProcessTree> {
  const parent = process.pid
  const awaited = process.waits?.on == null ? [] : (await client.store.pending(parent)).on
  const most = Math.min(widest, budget.left)
  if (process.mailbox !== null) return withCalls(client, process, most)
  const { processes: found } = await collect(client, { parent }, most + 1)
  if (found.length > most) {
    return { process, awaited, children: [], counts: await client.count({ parent }) }
  }
  budget.left -= found.length
  const children: ProcessTree[] = []
  for (const child of found.toReversed()) children.push(await below(client, child, widest, budget))
  return { process, awaited, children }
}

/** An actor, with the first of its calls that have not ended. */
async function withCalls(client: Client, process: ProcessSummary, most: number): Promise<ProcessTree> {
  const rows = await client.store.mailbox(process.pid, Math.max(1, Math.min(most, PAGE)))
  const found = await Promise.all(rows.map(({ pid }) => client.find(pid)))
  const children = found.flatMap((one) =>
    one === undefined ? [] : [{ process: one, awaited: [], children: [] }],
  )
  const left = (process.mailbox?.calls ?? 0) - children.length
  return { process, awaited: [], children, ...(left > 0 && { moreCalls: left }) }
}

/**
 * Returns the unfinished processes that have no unfinished parent, newest first and at most `limit` of them, and whether
 * there are more.
 */
export async function findRoots(
  client: Client,
  limit: number,
): Promise<{ readonly roots: readonly ProcessSummary[]; readonly more: boolean }> {
  const roots: ProcessSummary[] = []
  const known = new Map<string, boolean>()
  const lives = async (pid: string): Promise<boolean> => {
    const found = await client.find(pid)
    return found !== undefined && found.ended === null
  }
  let after: string | undefined
  do {
    const page = await client.list({ state: LIVE, after, limit: PAGE })
    for (const one of page.processes) {
      const above = one.parent ?? one.actor
      if (above !== null) {
        const isBelow = known.get(above) ?? (await lives(above))
        known.set(above, isBelow)
        if (isBelow) continue
      }
      if (roots.length === limit) return { roots, more: true }
      roots.push(one)
    }
    after = page.next
  } while (after !== undefined)
  return { roots, more: false }
}
