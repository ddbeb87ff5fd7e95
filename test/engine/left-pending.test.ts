import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import {
  Continue,
  Process,
  ProcessExcepted,
  type ProcessHandle,
  ProcessKilled,
  type ProcessSpec,
  SpecError,
  StepTimeout,
} from '../../src/index.ts'
import { overEachStore, untilWaiting } from './over-stores.ts'
import { Add } from './processes.ts'

/*
 * What a step has begun and does not await: it never ends the program, and is never taken for done.
 */

const done: string[] = []
const unhandled: unknown[] = []
const note = (reason: unknown): void => void unhandled.push(reason)

beforeEach(() => {
  done.length = 0
  unhandled.length = 0
  process.on('unhandledRejection', note)
})
afterEach(async () => {
  await pause(5)
  process.off('unhandledRejection', note)
  // Each would have ended the program.
  assert.deepEqual(unhandled, [])
})

const forEver = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))

/** Begins one of each kind, and then waits for something else. */
class Begins extends Process<typeof Begins> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.signal('answer').input('timeout', { schema: { type: 'boolean' }, default: false })
  }
  override async run(): Promise<unknown> {
    const child = await this.launch(Sleeps)
    const begun = [
      child.result(),
      child.wait(),
      child.outputs.all(),
      this.receive('answer'),
      this.sleep('long', '9d'),
      this.join('child', child),
      this.effect('work', ({ signal }) => forEver(signal)),
      this.branch('part', () => this.sleep('long', '8d')),
    ]
    try {
      await forEver(this.signal)
    } finally {
      done.push(`${begun.length} begun`)
      await this.effect('afterwards', () => void done.push('afterwards')).catch((error: unknown) =>
        done.push((error as Error).name),
      )
    }
    return undefined
  }
}

class Sleeps extends Process {
  override async run(): Promise<void> {
    await this.sleep('long', '9d')
  }
}

/** As `Begins`, for a time. */
class Timed extends Begins {
  static override define(spec: ProcessSpec) {
    return super.define(spec).timeout('1h')
  }
}

class Forgets extends Process<typeof Forgets> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('what', { schema: { enum: ['effect', 'launch', 'branch', 'failure'] } })
      .retry({ attempts: 3, backoff: { initial: 0 } })
  }
  override async run(): Promise<unknown> {
    done.push('step')
    switch (this.inputs.what) {
      case 'effect':
        void this.effect('send', () => pause(20))
        break
      case 'launch':
        void this.launch(Add, { a: 1 })
        break
      case 'branch':
        void this.branch('part', () => pause(20))
        break
      default:
        void this.effect('fail', () => Promise.reject(new RangeError('no')))
        await this.effect('other', () => pause(5))
    }
    return 'done'
  }
}

class Races extends Process<typeof Races> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.signal('answer')
  }
  override run(): Promise<unknown> {
    return Promise.race([
      this.receive('answer'),
      this.sleep('limit', '9d'),
      this.effect('soon', () => 'soon'),
    ])
  }
}

overEachStore((over) => {
  const logged: unknown[] = []
  const log = (details: object, message: string): void => void logged.push({ ...details, message })
  const logger = { debug: log, info: log, warn: log, error: log }
  beforeEach(() => {
    logged.length = 0
  })

  const begun = async (made: typeof Begins): Promise<readonly [ProcessHandle, () => Promise<void>]> => {
    const engine = await over().engine([made, Sleeps])
    const handle = await engine.launch(made)
    await untilWaiting(over().store, handle.pid)
    return [handle, () => engine.close({ drain: 0 })]
  }

  test('a kill rejects what is pending, and the program goes on', async () => {
    const [handle] = await begun(Begins)
    await handle.kill('enough')
    await expect(handle.result()).rejects.toThrow(ProcessKilled)
    expect(done).toEqual(['8 begun', 'ProcessKilled'])
  })

  test('so does the timeout of a step', async () => {
    const [handle] = await begun(Timed)
    await over().clock.advance('2h')
    await expect(handle.result()).rejects.toMatchObject({ cause: expect.any(StepTimeout) as unknown })
    expect(done).toEqual(['8 begun', 'StepTimeout'])
  })

  test('so does the close of the engine', async () => {
    const [, close] = await begun(Begins)
    await close()
    await pause(5)
    expect(done[0]).toBe('8 begun')
    expect(done).not.toContain('afterwards')
  })

  test.each(['effect', 'launch', 'branch'] as const)(
    'a step that ends before its %s has failed, and is not tried again',
    async (what) => {
      const engine = await over().engine([Forgets, Add])
      const error = await (await engine.launch(Forgets, { what })).result({ raiseOnFailure: false })
      expect(error).toBeInstanceOf(ProcessExcepted)
      expect((error as ProcessExcepted).cause).toBeInstanceOf(SpecError)
      const name = { effect: 'send', launch: 'Add', branch: 'part' }[what]
      expect((error as Error).message).toMatch(
        new RegExp(
          `the step Forgets\\.run of process .* ended while its ${what} '${name}' was in progress: await it`,
        ),
      )
      expect(done).toEqual(['step'])
    },
  )

  test('a step that never looks at the failure of its effect has failed', async () => {
    const engine = await over().engine([Forgets, Add])
    const error = await (await engine.launch(Forgets, { what: 'failure' })).result({ raiseOnFailure: false })
    expect((error as ProcessExcepted).cause).toMatchObject({
      message: expect.stringContaining("the effect 'fail' in the step Forgets.run") as unknown,
      cause: new RangeError('no'),
    })
  })

  test('a wait that is pending when its step ends is dropped, logged and in the history', async () => {
    const engine = await over().engine([Races], { logger })
    const handle = await engine.launch(Races)
    expect(await handle.result()).toBe('soon')
    const waits = ["receive 'answer'", "sleep 'limit'"]
    expect((await handle.history()).filter(({ name }) => name === 'dropped')).toMatchObject([
      { data: { waits } },
    ])
    expect(logged).toMatchObject([
      { pid: handle.pid, waits, message: expect.stringContaining('dropped') as unknown },
    ])
  })

  test('a logger that throws changes nothing', async () => {
    const fails = (): never => {
      throw new Error('of the logger')
    }
    const broken = { debug: fails, info: fails, warn: fails, error: fails }
    const engine = await over().engine([Races], { logger: broken })
    expect(await (await engine.launch(Races)).result()).toBe('soon')
  })
})

test('a listener that fails later is reported, and the program goes on', async () => {
  const errors: unknown[] = []
  const nothing = (): void => {}
  const logger = {
    debug: nothing,
    info: nothing,
    warn: nothing,
    error: (details: object) => void errors.push(details),
  }
  const listened = new Process(undefined, { logger })
  // As an asynchronous listener does; its type says nothing of that.
  const fails = (): unknown => Promise.reject(new RangeError('of the listener'))
  const called: string[] = []
  listened.events.on('process:finished', fails)
  listened.events.once('process:finished', () => void called.push('once'))
  listened.events.on('process:running', fails)
  listened.events.off('process:running', fails)
  listened.addProcessListener({ onProcessFinished: fails })
  await listened.execute()
  await pause(1)
  expect([errors.length, called]).toEqual([2, ['once']])
})

test('a listener for one event is called once', async () => {
  class Steps extends Process {
    override run() {
      return new Continue(this.next)
    }
    next(): void {}
  }
  const steps = new Steps()
  const called: string[] = []
  steps.events.once('process:running', () => void called.push('once'))
  steps.events.addListener('process:running', () => void called.push('each'))
  await steps.execute()
  expect(called).toEqual(['once', 'each', 'each'])
  expect(steps.events.listenerCount('process:running')).toBe(1)
})

test('in memory a wait that is pending at the end of its step is dropped and logged, and an effect fails the step', async () => {
  const warned: string[] = []
  const nothing = (): void => {}
  const logger = {
    debug: nothing,
    info: nothing,
    warn: (_: object, message: string) => void warned.push(message),
    error: nothing,
  }
  const races = new Races(undefined, { logger })
  await races.execute()
  expect(warned).toEqual([expect.stringContaining('dropped')])
  await expect(new Forgets({ what: 'effect' }).execute()).rejects.toThrow(
    /effect 'send' was in progress: await it/,
  )
})

test('no effect begins after a kill', async () => {
  class Busy extends Process {
    override async run(): Promise<void> {
      await this.kill('stop')
      await this.effect('late', () => void done.push('late'))
    }
  }
  const busy = new Busy()
  await expect(busy.execute()).rejects.toThrow(ProcessKilled)
  expect(done).toEqual([])
})
