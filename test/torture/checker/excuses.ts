import type { Numbered, World } from './world.ts'

interface Pause {
  readonly from: number
  to: number
}

/** After it was frozen, a program may go on for so long with what it has lost: until its next write is refused. In milliseconds. */
const AFTERWARDS = 5_000

/** What the faults excuse: a program that stood still for a lease goes on, for a moment, with what it does not have any more. */
export class Excuses {
  readonly #still = new Map<string, Pause[]>()
  readonly #lease: number

  constructor({ lines, lease }: Pick<World, 'lines' | 'lease'>) {
    this.#lease = lease
    const begun = new Map<string, Pause>()
    for (const line of lines) {
      if (line.what === 'late') this.#add(line.by, { from: line.at - line.ms, to: line.at })
      if (line.what !== 'fault' || line.program === undefined) continue
      if (line.fault !== 'freeze' && line.fault !== 'block') continue
      const fault = `${line.program} ${line.fault}`
      const pause = begun.get(fault)
      if (line.phase === 'end' && pause !== undefined) pause.to = line.at
      if (line.phase !== 'begin') continue
      const next = { from: line.at, to: Number.POSITIVE_INFINITY }
      begun.set(fault, next)
      this.#add(line.program, next)
    }
  }

  #add(program: string, pause: Pause): void {
    const pauses = this.#still.get(program) ?? []
    pauses.push(pause)
    this.#still.set(program, pauses)
  }

  /** Whether the program of a line may not know yet that it has lost what it does. */
  stale({ by, at }: Pick<Numbered, 'by' | 'at'>): boolean {
    return this.#pauses(by).some(
      ({ from, to }) => from <= at && at <= to + AFTERWARDS && to - from >= this.#lease * 0.8,
    )
  }

  /** Whether it stood still for so long, in milliseconds, at a time or within a lease of that. */
  stoodNear(program: string, ms: number, at: number): boolean {
    return this.#pauses(program).some(
      ({ from, to }) => to - from >= ms && from - this.#lease <= at && at <= to + this.#lease,
    )
  }

  #pauses(program: string): readonly Pause[] {
    // Where the injector itself got no time, nobody did.
    return [...(this.#still.get(program) ?? []), ...(this.#still.get('main') ?? [])]
  }
}
