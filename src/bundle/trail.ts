/** A key of an object or an index, or a place in a collection as code would name it. */
type Step = string | number | { readonly text: string }

/** Where in a value the codec is just now, so that an error can say it: `ctx.jobs[3].callback`. */
export class Trail {
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

  /** How many steps it has. */
  get length(): number {
    return this.#steps.length
  }

  /** Goes back to where it had so many steps. */
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

/** A path through a thousand levels is told by its ends. */
function shortened(steps: readonly Step[]): readonly Step[] {
  return steps.length <= 40 ? steps : [...steps.slice(0, 10), { text: ' … ' }, ...steps.slice(-5)]
}
