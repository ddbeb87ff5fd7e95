import type { ProcessGroup } from '../host/process-group.ts'
import { BaseGroup } from './base-group.ts'
import { MemoryGroup } from './memory-group.ts'

/**
 * Returns one group with the members of several, in their order. The group has the name and the
 * `ordered` of the first. Without groups, returns an empty group.
 *
 * @throws TypeError for groups of different stores, and for a value that is not a group
 */
export function joinGroups<R>(...groups: readonly ProcessGroup<R>[]): ProcessGroup<R> {
  const [first = new MemoryGroup<R>([], { name: 'empty', ordered: true }), ...others] = groups.map(
    (group, index) => {
      if (group instanceof BaseGroup) return group as BaseGroup<R>
      throw new TypeError(`joinGroups: argument ${index + 1} is not a group`)
    },
  )
  return first.joined(others)
}
