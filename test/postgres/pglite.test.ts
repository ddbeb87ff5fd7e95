import { afterAll, beforeAll, describe } from 'vitest'
import { storeSuite } from '../persistence/store-suite.ts'
import { PgliteServer } from './pglite.ts'
import { RUNS_OVER_PGLITE } from './server.ts'
import { useServer } from './shared-server.ts'
import { closeStore, openEmpty } from './shared-store.ts'

/* The suite of all back ends on a machine without a server. */

describe.runIf(RUNS_OVER_PGLITE)('over PGlite', () => {
  let server: PgliteServer
  let end: () => void
  beforeAll(async () => {
    server = await PgliteServer.start()
    end = useServer(server.url)
  })
  afterAll(async () => {
    await closeStore()
    end()
    await server.stop()
  })

  storeSuite('postgres', openEmpty)
})
