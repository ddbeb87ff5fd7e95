import type { Store, Transactions } from '../persistence/contract/store.ts'

type Commit = Store['commit']

/**
 * Returns a store that passes every call on, but sends its commits through `around`, also those of
 * transactions, each of which commits one step record.
 */
export function intercept(store: Store, around: (commit: Commit) => Commit): Store {
  const commit = around((writes) => store.commit(writes))
  const transactions = store.transactions && aroundEach(store.transactions, around)
  return new Proxy(store, {
    get(target, name) {
      if (name === 'commit') return commit
      if (name === 'transactions') return transactions
      const member: unknown = Reflect.get(target, name, target)
      // Bound, since a store has private fields.
      return typeof member === 'function' ? (member.bind(target) as unknown) : member
    },
  })
}

function aroundEach(transactions: Transactions, around: (commit: Commit) => Commit): Transactions {
  if (transactions.kind === 'sqlite')
    return {
      kind: 'sqlite',
      run: async (head, act) => {
        const commit = around(async () => [await transactions.run(head, act)])
        return first(await commit([{ ...head, parts: {}, consumes: null, history: [] }]))
      },
    }
  return {
    kind: 'postgres',
    begin: async () => {
      const open = await transactions.begin()
      return {
        tx: open.tx,
        commit: async (record) => first(await around(async () => [await open.commit(record)])([record])),
        rollback: () => open.rollback(),
        get isLost() {
          return open.isLost
        },
      }
    },
  }
}

function first<T>(items: readonly T[]): T {
  return items[0] as T
}
