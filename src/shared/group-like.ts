/** What to give in place of a group, for messages. */
export const GIVE_HANDLES = 'give `group.handles`, which stand for the list of its results'

/** Whether an object is a group of processes. Does not read `handles`, which would make all of them. */
export function isGroupLike(value: object): boolean {
  return 'handles' in value && 'pids' in value && 'outcomes' in value && 'asCompleted' in value
}
