import type { Client, ProcessHandle, StateInfo } from '../../index.ts'

/** Waits until the state of a process passes the test. Returns false if that takes longer than `timeout` milliseconds. */
export function waitUntil(
  client: Client,
  handle: ProcessHandle,
  done: (state: StateInfo) => boolean,
  timeout: number,
): Promise<boolean> {
  return watchUntil(client, handle, async () => done(await handle.refresh()), timeout)
}

/**
 * Calls `look` at once and after each change of a process, until it returns true. Returns false if
 * that takes longer than `timeout` milliseconds.
 */
export async function watchUntil(
  client: Client,
  handle: ProcessHandle,
  look: () => Promise<boolean>,
  timeout?: number,
): Promise<boolean> {
  let notify = (): void => {}
  let late = false
  const end = (): void => {
    late = true
    notify()
  }
  const timer = timeout === undefined ? undefined : setTimeout(end, timeout)
  const stopWatching = client.store.watch((changes, missed) => {
    if (missed || changes.some(({ pid }) => pid === handle.pid)) notify()
  })
  // A handle with a listener enforces an overdue kill, even if no engine runs.
  const forget = handle.onDone(() => notify())
  try {
    for (;;) {
      // Listens before it looks, so that no change is missed in between.
      const changed = new Promise<void>((resolve) => {
        notify = resolve
      })
      if (await look()) return true
      if (late) return false
      await changed
    }
  } finally {
    clearTimeout(timer)
    stopWatching()
    forget()
  }
}
