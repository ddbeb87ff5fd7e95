/** The callbacks of one signal, and the listener that calls them. */
interface Subscription {
  readonly callbacks: Set<{ readonly call: () => void }>
  readonly listener: () => void
}

const subscriptions = new WeakMap<AbortSignal, Subscription>()

/**
 * Calls back once, when a signal that has not aborted yet aborts. The callback must not throw.
 * Returns a function that removes the callback.
 *
 * All callbacks of a signal share one listener. Node warns of a leak when a signal has more than
 * ten, and any number of launches and waits may have the same signal.
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  const { callbacks, listener } = subscriptionOf(signal)
  const entry = { call: callback }
  callbacks.add(entry)
  return () => {
    // The listener is removed with its last callback, since Node keeps a signal with listeners in
    // memory.
    if (!callbacks.delete(entry) || callbacks.size > 0) return
    subscriptions.delete(signal)
    signal.removeEventListener('abort', listener)
  }
}

function subscriptionOf(signal: AbortSignal): Subscription {
  const known = subscriptions.get(signal)
  if (known !== undefined) return known
  const callbacks: Subscription['callbacks'] = new Set()
  const listener = (): void => {
    subscriptions.delete(signal)
    const called = [...callbacks]
    callbacks.clear()
    for (const { call } of called) call()
  }
  const subscription = { callbacks, listener }
  subscriptions.set(signal, subscription)
  signal.addEventListener('abort', listener, { once: true })
  return subscription
}
