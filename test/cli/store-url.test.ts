import { expect, test } from 'vitest'
import { PersistenceError } from '../../src/index.ts'
import { openStore } from '../../src/persistence/open-store.ts'
import { isDatabaseUrl, withoutPassword } from '../../src/shared/store-url.ts'
import { formatWithOptions } from 'node:util'

test.each([
  ['postgres://damson:secret@db.example:5432/shop', 'postgres://damson@db.example:5432/shop'],
  ['postgresql://damson:p@ss/w:rd@db/shop?sslmode=require', 'postgresql://damson@db/shop?sslmode=require'],
  [
    'postgres://db/shop?user=damson&password=secret&sslmode=require',
    'postgres://db/shop?user=damson&sslmode=require',
  ],
  ['postgres://db/shop?password=secret', 'postgres://db/shop'],
  ['postgres://damson@db/shop', 'postgres://damson@db/shop'],
  ['orders.db', 'orders.db'],
  ['a:b@c.db', 'a:b@c.db'],
])('a store is named without its password: %s', (store, shown) => {
  expect(withoutPassword(store)).toBe(shown)
})

test('only a URL of Postgres names a database', () => {
  expect(['postgres://a/b', 'postgresql://a/b', 'postgres.db', 'http://a/b'].map(isDatabaseUrl)).toEqual([
    true,
    true,
    false,
    false,
  ])
})

test.each(['postgres://damson:secret@127.0.0.1:1/shop', 'postgres://damson:se/cret@db:port/shop'])(
  'the error for a database that cannot be opened does not show the password: %s',
  async (url) => {
    const error: unknown = await openStore(url, { create: false }).catch((refused: unknown) => refused)
    expect(error).toBeInstanceOf(PersistenceError)
    expect(formatWithOptions({ depth: 10 }, '%o', error)).not.toMatch(/se\/?cret/)
  },
  30_000,
)
