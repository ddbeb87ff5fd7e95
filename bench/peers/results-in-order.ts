import { setTimeout as sleep } from 'node:timers/promises'

/**
 * Reads results for an engine that does not report them. It asks only for the result that was asked for first:
 * engines begin in the order of the launches, and to ask for all would take more than to run them.
 */
export function resultsInOrder(
  read: (id: string) => Promise<number | undefined>,
  pause: number,
): (id: string) => Promise<number> {
  const waiting: { id: string; resolve: (result: number) => void; reject: (reason: unknown) => void }[] = []
  let reading = false
  const readAll = async (): Promise<void> => {
    reading = true
    for (let first = waiting[0]; first !== undefined; first = waiting[0]) {
      try {
        const result = await read(first.id)
        if (result === undefined) {
          await (pause === 0 ? new Promise(setImmediate) : sleep(pause))
          continue
        }
        first.resolve(result)
      } catch (error) {
        first.reject(error)
      }
      waiting.shift()
    }
    reading = false
  }
  return (id) =>
    new Promise((resolve, reject) => {
      waiting.push({ id, resolve, reject })
      if (!reading) void readAll()
    })
}
