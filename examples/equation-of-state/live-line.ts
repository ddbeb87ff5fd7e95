import { clearLine, cursorTo } from 'node:readline'

/** One line that changes in place on a terminal, above it lines that stay. Elsewhere every text is a line. */
export class LiveLine {
  readonly #stream = process.stdout
  #shown = ''

  /** Replaces the line that changes. */
  show(text: string): void {
    if (text === this.#shown) return
    this.#shown = text
    if (this.#stream.isTTY) this.#draw()
    else if (text !== '') this.#stream.write(`${text}\n`)
  }

  /** Adds a line that stays. */
  print(text: string): void {
    this.#clear()
    this.#stream.write(`${text}\n`)
    if (this.#stream.isTTY) this.#draw()
  }

  #draw(): void {
    this.#clear()
    // A line that wraps could not be cleared again.
    this.#stream.write(this.#shown.slice(0, (this.#stream.columns || 80) - 1))
  }

  #clear(): void {
    if (!this.#stream.isTTY) return
    cursorTo(this.#stream, 0)
    clearLine(this.#stream, 0)
  }
}
