import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as later } from 'node:timers/promises'
import { Continue, PersistenceError, type ProcessSpec } from '../../../src/index.ts'
import { Random } from '../../crash/random.ts'
import { callOne, openLedger, settled, SHARED } from './calling.ts'
import { here, log, MENDED, given } from './here.ts'
import { Noted, noted, paid, woke } from './noted.ts'

/*
 * More processes of the load: with branches, deadlines, pauses of their own, and such as have themselves killed.
 */

/** Pays in `n` branches of one step, which sleep in between, under names that are the same in each. */
export class Branches extends Noted {
  override run(): Promise<unknown> {
    return noted(this, 'run', async () => {
      const indices = Array.from({ length: this.n }, (_, index) => index)
      const parts = await Promise.all(
        indices.map((index) => this.branch(`b${index}`, () => this.#part(index))),
      )
      this.ctx.tokens = parts.flat()
      this.emit(this.n)
    })
  }
  async #part(index: number): Promise<string[]> {
    const charge = await this.#paid(index, 'charge')
    // The last one comes first.
    await this.sleep('nap', this.slow * (this.n - index))
    woke(this, 'nap', index)
    return [charge, await this.#paid(index, 'settle')]
  }
  #paid(index: number, name: string): Promise<string> {
    return paid(this, (_name, action) => this.effect(name, action), `b${index}/${name}`)
  }
}

/** Fails, and is paused then, until a file is there and somebody plays it. */
export class Stubborn extends Noted {
  static override define(spec: ProcessSpec) {
    return Noted.define(spec)
      .input('mend', { schema: { type: 'string' } })
      .retry({ attempts: 2, backoff: { initial: 50, factor: 1, jitter: 0 }, whenExhausted: 'pause' })
  }
  override run(): Promise<unknown> {
    return noted(this, 'run', async () => {
      await this.pay('try')
      if (!existsSync(String(this.inputs['mend'])) && !existsSync(join(given.folder, MENDED)))
        throw new Error('not mended')
      await this.pay('done')
      this.emit(this.n)
    })
  }
}

/** Has so many milliseconds to end, and may need more. */
export class Hasty extends Noted {
  static override define(spec: ProcessSpec) {
    return Noted.define(spec).input('within', { schema: { type: 'integer' } })
  }
  override run(): Promise<unknown> {
    return noted(this, 'run', async () => {
      await this.pay('before', this.slow)
      await this.sleep('nap', this.slow)
      woke(this, 'nap', 0)
      return new Continue(this.more)
    })
  }
  more(): Promise<unknown> {
    return noted(this, 'more', async () => {
      await this.pay('after', this.slow)
      this.emit(this.n)
    })
  }
}

/** Launches children one after the other, none of which ever begins, and is killed while it does, at the latest by itself. */
export class Brood extends Noted {
  override run(): Promise<unknown> {
    return noted(this, 'run', async () => {
      for (let count = 0; count < CHILDREN; count++) {
        await this.launch('Steps', { n: 1, slow: count }, { delay: '1h' })
        await later(this.slow)
      }
      await killed(this)
      await later(5_000)
      this.emit(this.n)
    })
  }
}

const CHILDREN = 15

/** Takes the sum of another process, and adds to it. */
export class Taker extends Noted {
  static override define(spec: ProcessSpec) {
    return Noted.define(spec).input('value', { schema: { type: 'integer' } })
  }
  override run(): Promise<unknown> {
    return noted(this, 'run', async () => {
      await this.pay('take', this.slow)
      this.emit(Number(this.inputs['value']) + this.n)
    })
  }
}

/** Calls an actor through the engine that runs it, anew each time that its step runs, and waits for each call. */
export class Caller extends Noted {
  override run(): Promise<unknown> {
    return noted(this, 'run', async () => {
      const random = new Random(this.n + this.slow)
      const id = random.oneOf(SHARED)
      for (let count = 0; count < this.n && here.client !== undefined; count++) {
        const ref = await openLedger(here.client, id)
        if (ref !== undefined) await settled(callOne(ref, random), 1_000)
      }
      await this.pay('called')
      this.emit(this.n)
    })
  }
}

/** Has itself killed through a client, and goes on as if nothing were. */
export class Doomed extends Noted {
  override run(): Promise<unknown> {
    return noted(this, 'run', async () => {
      await this.pay('before')
      await killed(this)
      await later(this.slow)
      this.emit(this.n)
    })
  }
}

/** Kills a process through the client of its own program, again and again while the disk is full. */
async function killed({ pid, attempt }: Noted): Promise<void> {
  // An engine runs processes before its program has it.
  while (here.client === undefined) await later(10)
  for (;;) {
    const op = `${given.name}:${pid}:${attempt}:${performance.now()}`
    log.add({ what: 'ask', op, do: 'kill', pid })
    try {
      const value = await here.client.handle(pid).kill(op)
      log.add({ what: 'answer', op, ok: true, value })
      return
    } catch (error) {
      if (!(error instanceof PersistenceError)) throw error
      log.add({ what: 'answer', op, ok: false, error: error.name, value: error.message })
      await later(300)
    }
  }
}
