import type { ProcessHandle } from '../../process/host/process-handle.ts'
import { onAbort } from '../../shared/abort.ts'
import { errorText } from '../../shared/error-text.ts'
import type { Logger } from '../../shared/logger.ts'

/** Kills a process when the signal of its launch aborts. */
export function killOnAbort(handle: ProcessHandle, signal: AbortSignal | undefined, logger: Logger): void {
  if (signal === undefined) return
  const kill = (): void => {
    const message = errorText(signal.reason)
    handle.kill(message).catch((error: unknown) => {
      logger.error({ err: error, pid: handle.pid }, 'a process could not be killed when its signal aborted')
    })
  }
  if (signal.aborted) {
    kill()
    return
  }
  handle.onDone(onAbort(signal, kill))
}
