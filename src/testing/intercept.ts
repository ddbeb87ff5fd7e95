import type { Store } from '../persistence/contract/store.ts'

type Commit = Store['commit']

/** Returns a store that passes every call on, but sends its commits through `around`. */
export function intercept(store: Store, around: (commit: Commit) => Commit): Store {
  const commit = around((writes) => store.commit(writes))
  return new Proxy(store, {
    get(target, name) {
      if (name === 'commit') return commit
      const member: unknown = Reflect.get(target, name, target)
      // Bound, since a store has private fields.
      return typeof member === 'function' ? (member.bind(target) as unknown) : member
    },
  })
}
