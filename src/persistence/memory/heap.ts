interface Node<T> {
  readonly item: T
  readonly at: number
}

/** Items ordered by a number, the least first. Holds each item once. */
export class Heap<T> {
  readonly #nodes: Node<T>[] = []
  readonly #places = new Map<T, number>()

  get least(): Node<T> | undefined {
    return this.#nodes[0]
  }

  add(item: T, at: number): void {
    this.#nodes.push({ item, at })
    this.#rise(this.#nodes.length - 1)
  }

  delete(item: T): void {
    const place = this.#places.get(item)
    if (place === undefined) return
    this.#places.delete(item)
    const last = this.#nodes.pop() as Node<T>
    if (last.item === item) return
    this.#nodes[place] = last
    this.#rise(place)
    this.#sink(this.#places.get(last.item) as number)
  }

  #rise(place: number): void {
    const node = this.#nodes[place] as Node<T>
    while (place > 0) {
      const above = (place - 1) >> 1
      const other = this.#nodes[above] as Node<T>
      if (other.at <= node.at) break
      this.#put(other, place)
      place = above
    }
    this.#put(node, place)
  }

  #sink(place: number): void {
    const node = this.#nodes[place] as Node<T>
    for (;;) {
      let below = 2 * place + 1
      const right = this.#nodes[below + 1]
      if (right !== undefined && right.at < (this.#nodes[below] as Node<T>).at) below++
      const other = this.#nodes[below]
      if (other === undefined || other.at >= node.at) break
      this.#put(other, place)
      place = below
    }
    this.#put(node, place)
  }

  #put(node: Node<T>, place: number): void {
    this.#nodes[place] = node
    this.#places.set(node.item, place)
  }
}
