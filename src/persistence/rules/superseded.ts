import type { Row } from './row.ts'

/** Returns a test for whether a process is superseded, as in the filter `superseded`. */
export function supersededTest(rows: Iterable<Row>): (row: Row) => boolean {
  const byPid = new Map<string, Row>()
  const last = new Map<string, number>()
  for (const row of rows) {
    byPid.set(row.pid, row)
    if (row.origin !== null) last.set(row.origin, Math.max(row.id, last.get(row.origin) ?? 0))
  }
  return ({ pid, id }) => {
    let above = byPid.get(pid)
    while (above !== undefined) {
      if ((last.get(above.pid) ?? 0) > id || (last.get(above.origin ?? '') ?? 0) > id) return true
      above = byPid.get(above.parent ?? '')
    }
    return false
  }
}
