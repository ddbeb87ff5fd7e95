import type { Row } from './row.ts'

/** Returns a test for whether a process is superseded, as in the filter `superseded`. */
export function supersededTest(rows: Iterable<Row>): (row: Row) => boolean {
  const last = new Map<string, number>()
  for (const { origin, id } of rows)
    if (origin !== null) last.set(origin, Math.max(id, last.get(origin) ?? 0))
  return ({ pid, parent, origin, id }) =>
    [pid, parent, origin].some((begun) => begun !== null && (last.get(begun) ?? 0) > id)
}
