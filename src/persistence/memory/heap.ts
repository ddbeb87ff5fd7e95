interface Node<T> {
  readonly item: T
  readonly at: number
}

/** Items ordered by a number, the least first. Holds each item once. */
export class Heap<T> {
  readonly #nodes: Node<T>[] = []
  readonly #indexes = new Map<T, number>()

  get least(): Node<T> | undefined {
    return this.#nodes[0]
  }

  add(item: T, at: number): void {
    this.#nodes.push({ item, at })
    this.#rise(this.#nodes.length - 1)
  }

  delete(item: T): void {
    const index = this.#indexes.get(item)
    if (index === undefined) return
    this.#indexes.delete(item)
    const last = this.#nodes.pop() as Node<T>
    if (last.item === item) return
    this.#nodes[index] = last
    this.#rise(index)
    this.#sink(this.#indexes.get(last.item) as number)
  }

  #rise(index: number): void {
    const node = this.#nodes[index] as Node<T>
    while (index > 0) {
      const above = (index - 1) >> 1
      const other = this.#nodes[above] as Node<T>
      if (other.at <= node.at) break
      this.#put(other, index)
      index = above
    }
    this.#put(node, index)
  }

  #sink(index: number): void {
    const node = this.#nodes[index] as Node<T>
    for (;;) {
      let below = 2 * index + 1
      const right = this.#nodes[below + 1]
      if (right !== undefined && right.at < (this.#nodes[below] as Node<T>).at) below++
      const other = this.#nodes[below]
      if (other === undefined || other.at >= node.at) break
      this.#put(other, index)
      index = below
    }
    this.#put(node, index)
  }

  #put(node: Node<T>, index: number): void {
    this.#nodes[index] = node
    this.#indexes.set(node.item, index)
  }
}
