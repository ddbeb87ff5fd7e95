import type { ListFilter } from '../contract/control.ts'

/** Whether a process is ready now or at a later time, as in `isReady` and `dueAt`. */
export const UNOWNED = 'ready_at IS NOT NULL AND owner IS NULL AND paused = 0 AND parked IS NULL'
/** The same for processes that may run with others, and for suspects (C11). */
export const READY = `${UNOWNED} AND crashes < 2`
export const SUSPECT = `${UNOWNED} AND crashes >= 2`

/** What failures or crashes have paused. */
export const GAVE_UP = 'paused = 1 AND pause_cause IS NOT NULL'

/**
 * The conditions of a filter on the columns of a row that are the same in SQLite and Postgres: all
 * but the state, the group, the text and `superseded`. In a text, `?` stands for the value, if
 * there is one.
 *
 * Flags are written out, since SQLite finds a partial index only by the literal value.
 */
export function addConditions(
  filter: ListFilter,
  now: number,
  add: (text: string, ...value: readonly (string | number)[]) => void,
): void {
  const { className, key, label, parent, engine, origin } = filter
  const texts = { class: className, key, label, parent, owner: engine, origin }
  for (const [column, value] of Object.entries(texts)) if (value !== undefined) add(`${column} = ?`, value)
  if (filter.actor !== undefined) add(filter.actor ? 'calls IS NOT NULL' : 'calls IS NULL')
  if (filter.paused !== undefined) add(filter.paused ? 'paused = 1' : 'paused = 0')
  if (filter.gaveUp !== undefined) add(filter.gaveUp ? GAVE_UP : `NOT (${GAVE_UP})`)
  if (filter.parked !== undefined) add(filter.parked ? 'parked IS NOT NULL' : 'parked IS NULL')
  if (filter.successful !== undefined) add(filter.successful ? 'successful = 1' : 'successful = 0')
  if (filter.requested === 'pause') add('pause_asked = 1')
  if (filter.requested === 'kill') add('kill_deadline IS NOT NULL')
  if (filter.ready === true) add(`${UNOWNED} AND ready_at <= ?`, now)
  if (filter.ready === false) add(`NOT (${UNOWNED} AND ready_at <= ?)`, now)
  if (filter.since !== undefined) add('created_at >= ?', filter.since)
  if (filter.until !== undefined) add('created_at < ?', filter.until)
  if (filter.endedBefore !== undefined) {
    add('ended_at < ?', filter.endedBefore)
    // A process can't end before it is created, so the indexes by creation time can be used.
    add('created_at < ?', filter.endedBefore)
  }
}
