import type { Corruption } from './corruption.ts'
import { ofActors } from './of-actors.ts'
import { ofLog } from './of-log.ts'
import { ofStore } from './of-store.ts'

/** Everything that can be wrong with a run, one at a time. */
export const corruptions: readonly Corruption[] = [
  ...ofStore,
  ...ofLog,
  ...ofActors,
  { what: 'a lock file is left', rule: 'lock files are gone', locks: ['torture.db-engine-1'] },
  {
    what: 'an error is uncaught',
    rule: 'nothing is thrown that nobody catches',
    stderr: 'Error: nobody caught it\n',
  },
]
