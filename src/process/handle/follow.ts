import { onAbort } from '../../shared/abort.ts'
import { checkOptions } from '../../shared/options.ts'
import { FOLLOW_OPTIONS, type FollowOptions } from '../host/follow-options.ts'
import { defer } from '../state/deferred.ts'

/** Numbered entries that a process adds to while it runs. */
export interface Entries<T> {
  /** Reads some of the entries after this one, oldest first. An empty list means that there are none. */
  read(after: number): Promise<readonly T[]>
  /** Whether a read that begins now returns the last entry. */
  isOver(): boolean
  /**
   * Calls back when there may be new entries or the process has ended; with an error when none can
   * be read any more. Returns a function that stops this.
   */
  listen(news: (closed?: Error) => void): () => void
}

/**
 * Reads entries, and with `follow` each new one until the process has ended. Nothing is read, and
 * no one is notified, before the loop begins and after it ends.
 *
 * @throws TypeError for a wrong option
 */
export function readEntries<T extends { readonly n: number }>(
  entries: Entries<T>,
  options: FollowOptions,
  where: string,
): AsyncIterable<T> {
  checkOptions(options, FOLLOW_OPTIONS, where)
  return { [Symbol.asyncIterator]: () => follow(entries, options) }
}

async function* follow<T extends { readonly n: number }>(
  entries: Entries<T>,
  { follow: goesOn = false, after: first = 0, signal }: FollowOptions,
): AsyncGenerator<T, void, undefined> {
  signal?.throwIfAborted()
  let after = first
  let news = defer<void>()
  const stops = [
    goesOn
      ? entries.listen((closed) => (closed === undefined ? news.resolve() : news.reject(closed)))
      : undefined,
    signal && onAbort(signal, () => news.reject(signal.reason)),
  ]
  try {
    for (;;) {
      // Before the read, so that what is added with the end of the process is read too.
      const isLast = !goesOn || entries.isOver()
      for (let page = await entries.read(after); page.length > 0; page = await entries.read(after)) {
        for (const entry of page) {
          signal?.throwIfAborted()
          after = entry.n
          yield entry
        }
      }
      signal?.throwIfAborted()
      if (isLast) return
      await news.promise
      news = defer()
    }
  } finally {
    for (const stop of stops) stop?.()
  }
}
