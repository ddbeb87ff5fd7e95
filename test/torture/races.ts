import { breaks, type Break } from '../breaks/breaks.ts'

/*
 * The deliberate breaks that show only where programs race each other, or are ended in a bad moment: the torture test has to find each, by a
 * violation of one of the rules that the break violates. Any other violation proves nothing.
 *
 * 'what was paused before its first step is begun' is not one of them: the rule that holds back what is paused refuses the first step as well,
 * so that no program of the load sees a difference. test/persistence/stores.test.ts detects it, at the level of the store.
 *
 * Nor is 'an actor gives its claim back although a call has come': the next call mends it. test/persistence/stores.test.ts detects it.
 *
 * Nor is 'a signal that comes while a step looks for it is missed': SQLite answers a look within one turn of the event loop, and a notification
 * takes a turn of its own, so that none comes in between. test/contracts/sleepers.test.ts detects it, with a store that answers later.
 */

const ONE_AT_A_TIME = [
  'a step begins when the one before it has ended',
  'what has ended does not begin again',
  'only what may follow follows',
  'only its engine writes',
]

/** What a write of an engine that has lost the process violates. */
const STALE = [...ONE_AT_A_TIME, 'the history has no gaps', 'nothing follows an end']

const RACES: Readonly<Record<string, readonly string[]>> = {
  'a launch by a client resolves before the commit': ['what is launched is there', 'a key is one process'],
  'an engine goes on with a process that it has lost': ONE_AT_A_TIME,
  'two engines begin one process, in SQLite': STALE,
  'an effect resolves while its record is being written': [
    'what resolved is recorded',
    'no effect runs again after its record',
    'an effect gives the same each time',
  ],
  'a step that runs again does its effects again': ['no effect runs again after its record'],
  'a pause of a running process is acknowledged and not stored': ['no step begins after a pause'],
  'a kill of what nobody runs waits for an engine': ['what nobody runs is killed at once'],
  'the fence is not checked by the shared rule': STALE,
  'the fence is not checked on the way from step to step, in SQLite': STALE,
  'nobody does a kill whose deadline has passed': ['a kill is done when its time is up'],
  'a request reaches the root of its tree alone': ['a kill reaches the whole tree'],
  'a process that is being killed has children': ['what is being killed launches nothing'],
  'a signal is acknowledged before it is stored': ['what is acknowledged is stored once'],
  'a resume that comes before the wait does not end it': ['everything ends'],
  'a signal that comes before the wait does not end it': ['everything ends'],
  'a process that waits for another is not notified of its end': ['everything ends'],
  'a signal that ended a wait ends the next one too': ['no signal is received twice'],
  'a signal that a step received is received again': ['no signal is received twice'],
  'the state of an actor has the effects of a call that was killed': [
    'nothing follows an end',
    'what an acknowledged kill reached ends killed',
    'the state of an actor is what its calls have made it',
  ],
  'a call that fails leaves what it has changed': [
    'the state of an actor is what its calls have made it',
    'a call gives what the model has',
  ],
  'an engine does not hear SIGTERM': ['no healthy engine is taken for dead'],
}

export interface Race {
  readonly fault: Break
  /** The rules that it violates, as the checker calls them. */
  readonly rules: readonly string[]
}

/** The break with a description, or the only one whose description has a text. */
export function breakOf(text: string): Break {
  const found = breaks.filter(({ what }) => what === text)
  const alike = found.length === 0 ? breaks.filter(({ what }) => what.includes(text)) : found
  if (alike.length === 1 && alike[0] !== undefined) return alike[0]
  throw new Error(`${alike.length} breaks in test/breaks/breaks.ts are described by ${JSON.stringify(text)}`)
}

export const races: readonly Race[] = Object.entries(RACES).map(([what, rules]) => ({
  fault: breakOf(what),
  rules,
}))
