import { LARGEST_HISTORY_PAGE, type Control } from '../../persistence/contract/control.ts'
import type { HistoryRow } from '../../persistence/contract/rows.ts'
import type { HistoryOptions } from '../../process/host/history-options.ts'

type Histories = Pick<Control, 'history'>

/** Reads the entries of a history that the options select, a page at a time. */
export async function readHistory(
  store: Histories,
  pid: string,
  { after = 0, limit = Number.POSITIVE_INFINITY, last }: HistoryOptions = {},
): Promise<readonly HistoryRow[]> {
  if (last !== undefined) return readNewest(store, pid, last)
  const rows: HistoryRow[] = []
  for (let left = limit; left > 0;) {
    const size = Math.min(left, LARGEST_HISTORY_PAGE)
    const page = await store.history(pid, { after: rows.at(-1)?.n ?? after, limit: size })
    rows.push(...page)
    if (page.length < size) break
    left -= size
  }
  return rows
}

async function readNewest(store: Histories, pid: string, count: number): Promise<readonly HistoryRow[]> {
  const pages: (readonly HistoryRow[])[] = []
  let left = count
  for await (const page of newestFirst(store, pid)) {
    pages.unshift(page.slice(-left))
    left -= page.length
    if (left <= 0) break
  }
  return pages.flat()
}

/** When the first step of a process began, in wall-clock milliseconds; null if none has. */
export async function startOf(store: Histories, pid: string): Promise<number | null> {
  // The entry is among the first, unless there were many requests before the first step.
  for (let after = 0, limit = 4; ; limit = LARGEST_HISTORY_PAGE) {
    const page = await store.history(pid, { after, limit })
    const started = page.find(({ name }) => name === 'running')
    if (started !== undefined) return started.at
    if (page.length < limit) return null
    after = page.at(-1)?.n ?? after
  }
}

/** The newest entry of a history that passes the test; undefined if none does. */
export async function findLastEntry(
  store: Histories,
  pid: string,
  test: (entry: HistoryRow) => boolean,
): Promise<HistoryRow | undefined> {
  for await (const page of newestFirst(store, pid)) {
    const found = page.findLast(test)
    if (found !== undefined) return found
  }
  return undefined
}

/** The pages of a history, the newest first. Within a page the oldest entry comes first. */
async function* newestFirst(store: Histories, pid: string): AsyncGenerator<readonly HistoryRow[]> {
  let before = Number.POSITIVE_INFINITY
  while (before > 1) {
    const page = await store.history(pid, { before })
    const [first] = page
    if (first === undefined) return
    yield page
    before = first.n
  }
}
