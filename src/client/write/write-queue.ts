/** How many items that were taken the queue may hold before it is compacted. */
const LONGEST_GAP = 10_000

/** What waits for the next commits, in its order. */
export class WriteQueue<T extends { readonly joined: boolean }> {
  /** Those from `#first` on are left. */
  #items: T[] = []
  #first = 0

  get size(): number {
    return this.#items.length - this.#first
  }

  push(item: T): void {
    this.#items.push(item)
  }

  /** Takes the first `count`, and beyond them those that are joined to them. */
  take(count: number): readonly T[] {
    if (count <= 0) return []
    let end = Math.min(this.#first + count, this.#items.length)
    while (this.#items[end - 1]?.joined === true) end++
    const taken = this.#items.slice(this.#first, end)
    this.#first = end
    // Compacted only now and then, since the time for that grows with the queue.
    if (this.#first >= LONGEST_GAP || this.#first * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#first)
      this.#first = 0
    }
    return taken
  }
}
