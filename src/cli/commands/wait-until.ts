import type { Client, ProcessHandle, StateInfo } from '../../index.ts'

/** Whether a process is, within so many milliseconds, as it was asked to be. */
export async function waitUntil(
  client: Client,
  handle: ProcessHandle,
  done: (state: StateInfo) => boolean,
  timeout: number,
): Promise<boolean> {
  let wake = (): void => {}
  let late = false
  const timer = setTimeout(() => {
    late = true
    wake()
  }, timeout)
  const stopWatching = client.store.watch((changes) => {
    if (changes.some(({ pid }) => pid === handle.pid)) wake()
  })
  // A handle that is waited for sees to it that a kill whose time is up is done, where no engine does it.
  const forget = handle.onDone(() => wake())
  try {
    for (;;) {
      // Listens before it looks, so that no change falls in between.
      const changed = new Promise<void>((resolve) => {
        wake = resolve
      })
      if (done(await handle.refresh())) return true
      if (late) return false
      await changed
    }
  } finally {
    clearTimeout(timer)
    stopWatching()
    forget()
  }
}
