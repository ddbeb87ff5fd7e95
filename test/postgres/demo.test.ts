// @module-tag more
import { describe, test } from 'vitest'
import { expectDemoToSurvive } from '../examples/the-demo.ts'
import { HAS_MORE } from '../run/extent.ts'
import { POSTGRES } from './server.ts'
import { newDatabase } from './shared-server.ts'

describe.skipIf(POSTGRES === undefined)('on Postgres', () => {
  test(
    'the demo is killed in the middle of steps and ends with the result of an undisturbed run on a file, bit for bit (C11)',
    { ...HAS_MORE, timeout: 240_000 },
    async () => {
      expectDemoToSurvive('--store', await newDatabase())
    },
  )
})
