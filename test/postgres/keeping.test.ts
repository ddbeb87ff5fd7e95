// @module-tag more
import { describe } from 'vitest'
import { KEEPING, storeSuite } from '../persistence/store-suite.ts'
import { POSTGRES } from './server.ts'
import { openEmpty } from './shared-store.ts'

/* A half of the suite of all back ends, on a real server. */

describe.skipIf(POSTGRES === undefined)('on Postgres', () => {
  storeSuite('postgres', openEmpty, KEEPING)
})
