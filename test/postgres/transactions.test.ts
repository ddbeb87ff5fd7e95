// @module-tag more
import { afterAll, describe } from 'vitest'
import { PostgresStore } from '../../src/persistence/postgres/index.ts'
import { HAS_MORE } from '../run/extent.ts'
import { transactionsSuite } from '../transactions/transactions-suite.ts'
import { POSTGRES, PostgresServer } from './server.ts'

describe.skipIf(POSTGRES === undefined)('on Postgres', async () => {
  const server = await PostgresServer.start()
  afterAll(() => server.remove())

  transactionsSuite(
    'on Postgres',
    'postgres',
    async () => {
      const store = await PostgresStore.open(server.url)
      await store.clear()
      await store.close()
      server.query('DROP TABLE IF EXISTS entry; CREATE TABLE entry (id bigserial, name text NOT NULL)')
      return {
        store: server.url,
        names: async () => server.query('SELECT name FROM entry ORDER BY id').split('\n').filter(Boolean),
        dispose: async () => {},
        cut: () =>
          void server.query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'damson'",
          ),
      }
    },
    HAS_MORE,
  )
})
