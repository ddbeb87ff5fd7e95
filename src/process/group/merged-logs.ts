import { defer } from '../state/deferred.ts'
import { onAbort } from '../../shared/abort.ts'
import { ProcessLost } from '../../shared/errors.ts'
import { checkOptions } from '../../shared/options.ts'
import { FOLLOW_OPTIONS, type FollowOptions } from '../host/follow-options.ts'
import type { LogChunk } from '../host/process-handle.ts'

/** A process whose log is read. */
export interface Logging {
  logs(options: FollowOptions): AsyncIterable<LogChunk>
}

/** The logs of several processes: one after the other, or with `follow` as the entries arrive. */
export function mergedLogs(
  members: readonly Logging[],
  options: Omit<FollowOptions, 'after'>,
): AsyncIterable<LogChunk> {
  const { after: _, ...known } = FOLLOW_OPTIONS
  checkOptions(options, known, 'group.logs')
  return {
    [Symbol.asyncIterator]: () => (options.follow ? merged(members, options) : each(members, options)),
  }
}

/** A process that is not in the store has no log. */
async function* unlessLost(log: AsyncIterable<LogChunk>): AsyncGenerator<LogChunk, void, undefined> {
  try {
    yield* log
  } catch (error) {
    if (!(error instanceof ProcessLost)) throw error
  }
}

async function* each(
  members: readonly Logging[],
  options: FollowOptions,
): AsyncGenerator<LogChunk, void, undefined> {
  for (const member of members) yield* unlessLost(member.logs(options))
}

async function* merged(
  members: readonly Logging[],
  { signal }: FollowOptions,
): AsyncGenerator<LogChunk, void, undefined> {
  signal?.throwIfAborted()
  const stop = new AbortController()
  const stopListening = signal && onAbort(signal, () => stop.abort(signal.reason))
  const arrived: LogChunk[] = []
  let news = defer<void>()
  let left = members.length
  let failure: { readonly error: unknown } | undefined
  const read = async (member: Logging): Promise<void> => {
    try {
      for await (const chunk of unlessLost(member.logs({ follow: true, signal: stop.signal }))) {
        arrived.push(chunk)
        news.resolve()
      }
    } catch (error) {
      failure ??= { error }
    }
    left--
    news.resolve()
  }
  try {
    for (const member of members) void read(member)
    for (;;) {
      for (const chunk of arrived.splice(0)) yield chunk
      if (failure !== undefined) throw failure.error
      if (arrived.length > 0) continue
      if (left === 0) return
      await news.promise
      news = defer()
    }
  } finally {
    stopListening?.()
    stop.abort(new Error('the loop was left'))
  }
}
