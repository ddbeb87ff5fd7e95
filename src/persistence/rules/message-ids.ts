/*
 * The ids that senders gave to the messages that a process used up last, the last first. One that is sent again, since the acknowledgement
 * was lost, may have been used up meanwhile, and others after it (C8).
 */

/** How many characters of them are remembered: some thirty ids. */
export const MAX_CONSUMED_LENGTH = 1_200

/** With one more. */
export function withConsumed(sender: string, before: string | null): string {
  return `${sender}\n${before ?? ''}`.slice(0, MAX_CONSUMED_LENGTH)
}

/** Whether a message with this id was used up, as far as is remembered. */
export function wasConsumed(senders: string | null, sender: string): boolean {
  return senders !== null && senders.split('\n').includes(sender)
}
