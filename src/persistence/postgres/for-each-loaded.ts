import { NotLoaded } from './not-loaded.ts'
import type { PostgresSession } from './postgres-session.ts'

/**
 * Does the same for each item. What is not loaded for one of them is asked for together with what the
 * others need.
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
