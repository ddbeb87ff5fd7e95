import { NotLoaded } from './not-loaded.ts'
import type { PostgresSession } from './postgres-session.ts'

/**
 * Calls a function for each item. Data that is not loaded for one item is requested together with
 * that for the others.
 *
 * @throws NotLoaded if anything was not loaded
 */
export function forEachLoaded<I, T>(
  items: readonly I[],
  session: PostgresSession,
  action: (item: I) => T,
): T[] {
  const done: T[] = []
  for (const item of items) {
    try {
      done.push(action(item))
    } catch (error) {
      // After one was left half done, others may fail that would not.
      if (session.wanted.isEmpty) throw error
    }
  }
  if (!session.wanted.isEmpty) throw new NotLoaded()
  return done
}
