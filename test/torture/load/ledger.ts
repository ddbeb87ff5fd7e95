import { setTimeout as later } from 'node:timers/promises'
import { currentCall } from '../../../src/index.ts'
import { noteEffect } from './noted.ts'

/** What a call of a ledger gives: how many calls have changed it, and its sum, both with this one. */
export interface Noticed {
  readonly place: number
  readonly n: number
  /** What its effect gave. */
  readonly token?: string
}

/** No sum gets larger. The model in ../checker/actors.ts has the same. */
const MOST = 1_000_003

/**
 * An actor that keeps which calls have changed it, in their order, and a sum. The first argument of each call is the number of its question in
 * the log. What the calls come to is said once more in ../checker/actors.ts.
 */
export class Ledger {
  n: number
  readonly lines: string[] = []

  constructor(start: number) {
    this.n = start
  }

  /** Takes no time, so that the ends of several calls are stored together. */
  note(op: string, by: number): Noticed {
    return this.#add(op, by)
  }

  /** The same, of a value that another call gives. */
  take(op: string, by: number): Noticed {
    return this.#add(op, by)
  }

  /** Has an effect between the two halves of its change. */
  async pay(op: string, by: number, takes: number): Promise<Noticed> {
    this.lines.push(op)
    const call = currentCall()
    const token = await noteEffect(call.pid, (name, action) => call.effect(name, action), 'pay', takes)
    this.lines.pop()
    return { ...this.#add(op, by), token }
  }

  async nap(op: string, by: number, takes: number): Promise<Noticed> {
    const noticed = this.#add(op, by)
    await currentCall().sleep('nap', takes)
    return noticed
  }

  /** Takes its time, and the store does not know of it. */
  async ponder(op: string, by: number, takes: number): Promise<Noticed> {
    const noticed = this.#add(op, by)
    await later(takes)
    return noticed
  }

  /** Changes the ledger, and fails so many times. */
  fail(op: string, by: number, times: number): Noticed {
    const noticed = this.#add(op, by)
    if (currentCall().attempt <= times) throw new Error('a call that is to fail')
    return noticed
  }

  #add(op: string, by: number): Noticed {
    this.lines.push(op)
    this.n = (this.n + by) % MOST
    return { place: this.lines.length, n: this.n }
  }
}
