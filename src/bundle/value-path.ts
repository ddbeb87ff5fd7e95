/** A key of an object, an index, or the code that reads an item of a collection. */
type Step = string | number | { readonly text: string }

/**
 * The path to the part of a value that the codec is working on, for errors: `ctx.jobs[3].callback`.
 */
export class ValuePath {
  readonly #root: string
  readonly #steps: Step[] = []

  constructor(root: string) {
    this.#root = root
  }

  push(step: Step): void {
    this.#steps.push(step)
  }

  pop(): void {
    this.#steps.pop()
  }

  /** The number of steps. */
  get length(): number {
    return this.#steps.length
  }

  /** Shortens the path to its first `length` steps. */
  backTo(length: number): void {
    this.#steps.length = length
  }

  toString(): string {
    let text = this.#root
    for (const step of shortened(this.#steps)) {
      if (typeof step === 'number') text += `[${step}]`
      else if (typeof step === 'object') text += step.text
      else if (!/^[\p{ID_Start}$_][\p{ID_Continue}$]*$/u.test(step)) text += `[${JSON.stringify(step)}]`
      else text += text === '' ? step : `.${step}`
    }
    return text === '' ? 'value' : text
  }
}

/** Shortens a very long path to its beginning and its end. */
function shortened(steps: readonly Step[]): readonly Step[] {
  return steps.length <= 40 ? steps : [...steps.slice(0, 10), { text: ' … ' }, ...steps.slice(-5)]
}
