import { breaks, type Break } from '../breaks/breaks.ts'

/*
 * The deliberate breaks that show only where programs race each other, or are ended in a bad moment: the torture test has to find each.
 */

const RACES: readonly string[] = [
  'a launch by a client resolves before the commit',
  'the fence is not checked on the way from step to step, in SQLite',
  'the fence is not checked by the shared rule',
  'an engine goes on with a process that it has lost',
  'two engines begin one process, in SQLite',
  'an effect resolves while its record is being written',
  'a step that runs again does its effects again',
  'a pause of a running process is acknowledged and not stored',
  'what was paused before its first step is begun',
  'a kill of what nobody runs waits for an engine',
  'nobody does a kill whose deadline has passed',
  'a request reaches the root of its tree alone',
  'a process that is being killed has children',
  'a signal is acknowledged before it is stored',
  'a resume that comes before the wait does not end it',
  'a signal that comes before the wait does not end it',
  'who waits for a process is not told of its end',
  'a signal that ended a wait ends the next one too',
  'a signal that a step received is received again',
  'a signal that comes while a step looks for it is missed',
  'an engine does not hear SIGTERM',
]

/** The break with a description, or the only one whose description has a text. */
export function breakOf(text: string): Break {
  const found = breaks.filter(({ what }) => what === text)
  const alike = found.length === 0 ? breaks.filter(({ what }) => what.includes(text)) : found
  if (alike.length === 1 && alike[0] !== undefined) return alike[0]
  throw new Error(`${alike.length} breaks in test/breaks/breaks.ts are described by ${JSON.stringify(text)}`)
}

export const races: readonly Break[] = RACES.map((what) => breakOf(what))
