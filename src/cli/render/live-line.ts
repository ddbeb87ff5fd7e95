import { cut } from '../../shared/terminal-text.ts'

/** What a live line needs of a stream. */
export type LiveStream = Pick<NodeJS.WriteStream, 'write' | 'columns' | 'isTTY'>

const CLEAR = '\r\u001B[K'

/**
 * The last line of a terminal, which changes. Other outputs to the terminal clear it first, so that they stand in
 * lines of their own. After an output that does not end its line, the live line waits for the rest of it.
 */
export class LiveLine {
  readonly #stream: LiveStream
  readonly #write: (text: string) => void
  readonly #restore: () => void
  #isShown = false
  #isWithinLine = false

  /** `others` are the other streams that write to the same terminal. */
  constructor(stream: LiveStream, others: readonly LiveStream[]) {
    this.#stream = stream
    const write = stream.write.bind(stream)
    this.#write = (text) => void write(text)
    const watched = [stream, ...others].map((each) => this.#watch(each))
    this.#restore = () => watched.forEach((restore) => restore())
  }

  show(text: string): void {
    if (this.#isWithinLine) return
    this.#write(`\r${cut(text, (this.#stream.columns || 80) - 1)}\u001B[K`)
    this.#isShown = true
  }

  /** Clears the line and lets the streams be. */
  end(): void {
    this.#clear()
    this.#restore()
  }

  #clear(): void {
    if (this.#isShown) this.#write(CLEAR)
    this.#isShown = false
  }

  #watch(stream: LiveStream): () => void {
    const { write } = stream
    const clearFirst = (...args: Parameters<LiveStream['write']>): boolean => {
      this.#clear()
      const [chunk] = args
      const last = typeof chunk === 'string' ? chunk.at(-1) : chunk.at(-1) === 10 ? '\n' : ''
      if (last !== undefined) this.#isWithinLine = last !== '\n'
      return write.apply(stream, args)
    }
    stream.write = clearFirst as LiveStream['write']
    return () => {
      stream.write = write
    }
  }
}
