// @module-tag more
import { describe } from 'vitest'
import { killedPrograms } from '../crash/killed-programs.ts'
import { POSTGRES } from './server.ts'
import { newDatabase } from './shared-server.ts'

/** Long enough for a machine that is busy; each program that takes over waits for it. */
const LEASE = 3_000

describe.skipIf(POSTGRES === undefined)('on Postgres', () => {
  killedPrograms(newDatabase, LEASE)
})
