import { Bundle, type Clock, Continue, type Duration, Process, Wait } from 'damson'
import { SimulatedClock } from 'damson/testing'

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

/** Lets things happen, as far as they need neither time nor anything from outside, until it is so. */
export async function until(isSo: () => boolean): Promise<void> {
  for (let turn = 0; !isSo(); turn++) {
    if (turn === 1_000) throw new Error(`it never came to this: ${String(isSo)}`)
    await settle()
  }
}

/** Lets everything happen that needs neither time nor anything from outside. */
export async function calm(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await settle()
}

/** A process from the text of its bundle, as another program would make it. */
export function reload<P>(
  processClass: (abstract new (...args: never) => P) & Pick<typeof Process, 'recreateFrom'>,
  process: Process,
  clock?: Clock,
): P {
  const bundle = Bundle.parse(JSON.stringify(Bundle.from(process)))
  return processClass.recreateFrom(bundle, { processes: [processClass], clock })
}

/** Runs a process to its end, with the clock at hand; how it ends is for the test to look at. */
export function begin<P extends Process>(
  made: new (inputs: undefined, options: { clock: SimulatedClock }) => P,
): { readonly process: P; readonly clock: SimulatedClock; readonly run: Promise<unknown> } {
  const clock = new SimulatedClock()
  const process = new made(undefined, { clock })
  const run = process.execute()
  run.catch(() => {})
  return { process, clock, run }
}

/** Lets time pass, and all happen that comes with it. */
export async function pass(clock: SimulatedClock, duration: Duration): Promise<void> {
  await calm()
  await clock.advance(duration)
  await calm()
}
