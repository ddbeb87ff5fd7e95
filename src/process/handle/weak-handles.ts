const LEAST_ROOM = 1_000

/** Finds handles by pid, as long as something else refers to them. */
export class WeakHandles<H extends { readonly pid: string }> {
  readonly #handles = new Map<string, WeakRef<H>>()
  /** When the map reaches this size, the entries of collected handles are deleted. */
  #room = LEAST_ROOM

  find(pid: string): H | undefined {
    return this.#handles.get(pid)?.deref()
  }

  add(handle: H): void {
    if (this.#handles.size >= this.#room) this.#sweep()
    this.#handles.set(handle.pid, new WeakRef(handle))
  }

  #sweep(): void {
    for (const [pid, handle] of this.#handles) if (handle.deref() === undefined) this.#handles.delete(pid)
    this.#room = Math.max(LEAST_ROOM, 2 * this.#handles.size)
  }
}
