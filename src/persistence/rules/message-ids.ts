/*
 * The senders' ids of the messages that a process consumed last, newest first. A message that is
 * sent again after a lost acknowledgement may have been consumed meanwhile, and others after it
 * (C8).
 */

/** The length of the list in characters, which is enough for some thirty ids. */
export const MAX_CONSUMED_LENGTH = 1_200

/** Adds an id to the list. */
export function withConsumed(sender: string, before: string | null): string {
  return `${sender}\n${before ?? ''}`.slice(0, MAX_CONSUMED_LENGTH)
}

/** Whether the list has the id of this message. */
export function wasConsumed(senders: string | null, sender: string): boolean {
  return senders !== null && senders.split('\n').includes(sender)
}
