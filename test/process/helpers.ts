import { Continue, Process, Wait } from 'damson'

/** A promise that a test settles when it wants to. */
export class Latch {
  readonly opened: Promise<void>
  #open!: () => void
  constructor() {
    this.opened = new Promise((resolve) => (this.#open = resolve))
  }
  open(): void {
    this.#open()
  }
}

/** Runs one step that goes on until the test lets it, then another. */
export class Held extends Process {
  readonly begun = new Latch()
  readonly latch = new Latch()
  readonly ran: string[] = []

  override async run(): Promise<unknown> {
    this.ran.push('run')
    this.begun.open()
    await this.latch.opened
    return new Continue(this.after)
  }

  after(): string {
    this.ran.push('after')
    return 'done'
  }
}

/** Waits for a value three times, and returns them. */
export class Waits extends Process {
  override ctx: { got: unknown[] } = { got: [] }
  override run(): unknown {
    return new Wait(this.woken, { message: 'for a value' })
  }
  woken(value: unknown): unknown {
    this.ctx.got.push(value)
    return this.ctx.got.length === 3 ? this.ctx.got : new Wait(this.woken)
  }
}

/** Lets everything happen that needs nothing from outside. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
