import type { Control } from '../../persistence/contract/control.ts'
import { ProcessLost } from '../../shared/errors.ts'
import { GENERATED_PID } from '../../shared/ids.ts'

/** The fewest characters of a shortened pid. */
const SHORTEST = 6
/** The most pids that are compared. If more are similar, no pid is shortened. */
const MOST_ALIKE = 10_000

/** @throws ProcessLost if no process of the store has the key */
export async function pidOfKey(store: Control, key: string): Promise<string> {
  const { rows } = await store.list({ key, limit: 1 })
  const [row] = rows
  if (row === undefined)
    throw new ProcessLost('', `no process of this store has the key ${JSON.stringify(key)}`)
  return row.pid
}

/** Returns the pids that begin or end with this text, at most `limit`. */
export async function pidsLike(store: Control, text: string, limit: number): Promise<readonly string[]> {
  const [beginning, ending] = await Promise.all([
    store.pids({ beginnings: [text] }, limit),
    text === '' ? [] : store.pids({ endings: [text] }, limit),
  ])
  return [...new Set([...beginning, ...ending])].toSorted().slice(0, limit)
}

/**
 * Returns the shortest ending of each pid that no other pid of the store begins or ends with, of at
 * least six characters. A pid that a caller chose stays whole. Reads the pids of the store once,
 * however many are asked for.
 */
export async function shortPids(
  store: Control,
  pids: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const short = new Map(pids.map((pid) => [pid, pid]))
  const generated = pids.filter((pid) => GENERATED_PID.test(pid))
  if (generated.length === 0) return short
  const last = (pid: string): string => pid.slice(-SHORTEST)
  const endings = new Map(generated.map((pid) => [last(pid), new Set<string>()]))
  const ending = await store.pids({ endings: [...endings.keys()] }, MOST_ALIKE)
  for (const pid of [...ending, ...generated]) endings.get(last(pid))?.add(pid)
  const lengths = new Map(generated.map((pid) => [pid, lengthOf(pid, endings.get(last(pid)) ?? [])]))
  const beginnings = [...lengths].map(([pid, length]) => pid.slice(-length))
  const beginning = await store.pids({ beginnings }, MOST_ALIKE)
  if (ending.length === MOST_ALIKE || beginning.length === MOST_ALIKE) return short
  for (const [pid, shared] of lengths) {
    let length = shared
    const isBegun = (other: string): boolean => other !== pid && other.startsWith(pid.slice(-length))
    while (length < pid.length && beginning.some(isBegun)) length++
    short.set(pid, pid.slice(-length))
  }
  return short
}

/** The length of the shortest ending of a pid that is not the ending of another one. */
function lengthOf(pid: string, alike: Iterable<string>): number {
  let length = SHORTEST
  for (const other of alike) {
    if (other === pid) continue
    while (length < pid.length && other.endsWith(pid.slice(-length))) length++
  }
  return length
}
