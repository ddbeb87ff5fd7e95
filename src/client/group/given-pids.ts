import { isHandle, type HandleLike } from '../../process/state/awaits.ts'
import { shown } from '../../shared/options.ts'
import { checkName } from '../../shared/text.ts'

/**
 * Returns the pids of handles or pids.
 *
 * @throws TypeError for a value that is neither; the message has its position
 */
export function memberPids(members: Iterable<HandleLike | string>): readonly string[] {
  if (
    typeof members === 'string' ||
    typeof (members as Partial<typeof members>)?.[Symbol.iterator] !== 'function'
  )
    throw new TypeError(`a group takes a list of handles or pids, not ${shown(members)}`)
  return Array.from(members, (member, position) => {
    if (typeof member === 'string') {
      checkName(`the pid at position ${position} of the group`, member)
      return member
    }
    if (isHandle(member)) return member.pid
    throw new TypeError(
      `a group takes handles or pids, but ${shown(member)} is at position ${position}. Has an \`await\` been forgotten before \`launch\`?`,
    )
  })
}

/** Returns the pid of a handle, or the given pid. */
export function pidOf(given: HandleLike | string): string {
  return typeof given === 'string' ? given : given.pid
}
