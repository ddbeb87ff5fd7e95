import type { Control } from '../../persistence/contract/control.ts'
import type { WaitOptions } from '../../process/host/process-handle.ts'
import type { Clock } from '../../shared/clock.ts'
import { limited, waitLimit } from '../../shared/wait-limit.ts'

/** In milliseconds. Engines rarely open, and stores report only changes of processes. */
const FIRST_INTERVAL = 100
const LONGEST_INTERVAL = 1_000
const GROWTH = 1.5

/** Resolves to whether this many engines are alive before the time is up. `read` returns the engines. */
export async function awaitEngines(
  read: Control['engines'],
  clock: Clock,
  count: number,
  options: WaitOptions,
): Promise<boolean> {
  const limit = waitLimit(options)
  const areEnough = async (): Promise<boolean> => (await read()).filter(({ alive }) => alive).length >= count
  if (await areEnough()) return true
  if (limit === 0) return false
  options.signal?.throwIfAborted()
  return new Promise((resolve, reject) => {
    let interval = FIRST_INTERVAL
    let isOver = false
    let cancel = (): void => {}
    const end = (settle: () => void): void => {
      if (isOver) return
      isOver = true
      cancel()
      stop()
      settle()
    }
    const late = (): void => end(() => resolve(false))
    const aborted = (reason: Error): void => end(() => reject(reason))
    const stop = limited(clock, limit, options.signal, late, aborted)
    const look = (): void => {
      areEnough().then((isEnough) => {
        if (isEnough) end(() => resolve(true))
        else if (!isOver) lookLater()
      }, aborted)
    }
    const lookLater = (): void => {
      cancel = clock.after(interval, look)
      interval = Math.min(LONGEST_INTERVAL, interval * GROWTH)
    }
    lookLater()
  })
}
