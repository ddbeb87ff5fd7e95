import { GENERATED_PID } from '../../shared/ids.ts'

/** The name of a process for display, next to its pid. */
export interface Description {
  /** Its label, or else the name of its class. */
  readonly title: string
  /** The engine that runs it, or ran it last. */
  readonly worker: string | undefined
}

/** The fewest characters of a shortened pid. */
const SHORTEST = 6

/**
 * The shortest endings of pids that differ from each other, of at least six characters. A pid that a
 * caller chose stays whole.
 */
export function endingsOf(pids: readonly string[]): ReadonlyMap<string, string> {
  const endings = new Map(pids.map((pid) => [pid, pid]))
  let left = [...endings.keys()].filter((pid) => GENERATED_PID.test(pid))
  for (let length = SHORTEST; left.length > 0; length++) {
    const alike = grouped(left, (pid) => pid.slice(-length))
    left = []
    for (const [ending, several] of alike) {
      const [only] = several
      if (several.length === 1 && only !== undefined) endings.set(only, ending)
      else left.push(...several)
    }
  }
  return endings
}

/** The members in lists of equal keys, in the order in which the keys come first. */
export function grouped<T, K>(members: readonly T[], keyOf: (member: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>()
  for (const member of members) {
    const key = keyOf(member)
    const group = groups.get(key)
    if (group === undefined) groups.set(key, [member])
    else group.push(member)
  }
  return groups
}
