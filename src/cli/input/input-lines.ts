import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { Codec, type JsonObject } from '../../index.ts'
import { parseJson } from './parse-json.ts'
import { UsageError } from './usage-error.ts'

type Inputs = Readonly<Record<string, unknown>>

/** The inputs of several processes, one JSON object in each line of a file. Empty lines are left out. */
export class InputLines implements AsyncIterable<Inputs> {
  readonly #path: string
  /** The numbers of the lines, by the positions of the inputs. */
  readonly #lines: number[] = []

  /** `path` is a file, or - for stdin. */
  constructor(path: string) {
    this.#path = path
  }

  /** How a message names the line of these inputs. */
  lineOf(position: number): string {
    return `line ${this.#lines[position] ?? position + 1} of ${this.#name}`
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Inputs, undefined> {
    const stream = this.#path === '-' ? process.stdin : createReadStream(this.#path)
    const codec = new Codec()
    let number = 0
    try {
      for await (const line of createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })) {
        number++
        const text = number === 1 ? line.replace(/^\uFEFF/, '') : line
        if (text.trim() === '') continue
        const position = this.#lines.push(number) - 1
        const value = parseJson(text, this.lineOf(position))
        if (typeof value !== 'object' || value === null || Array.isArray(value))
          throw new UsageError(
            `${this.lineOf(position)} must be an object, from the names of the inputs to their values`,
          )
        yield codec.decode(value as JsonObject, 'inputs') as Inputs
      }
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException
      if (code === undefined || error instanceof UsageError) throw error
      throw new UsageError(
        `can't read the file ${this.#path} of inputs: ${code === 'ENOENT' ? 'there is none' : message}`,
      )
    }
  }

  get #name(): string {
    return this.#path === '-' ? 'stdin' : this.#path
  }
}
