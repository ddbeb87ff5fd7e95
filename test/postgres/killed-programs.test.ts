// @module-tag more
import { describe } from 'vitest'
import { killedPrograms } from '../crash/killed-programs.ts'
import { POSTGRES } from './server.ts'
import { newDatabase } from './shared-server.ts'

/** Longer than these tests last: who takes over on the same machine does not wait for it. */
const LEASE = 600_000

describe.skipIf(POSTGRES === undefined)('on Postgres', () => {
  killedPrograms(newDatabase, LEASE)
})
