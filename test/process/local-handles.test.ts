import { expect, test } from 'vitest'
import {
  Process,
  ProcessExcepted,
  ProcessLost,
  Wait,
  type Logger,
  type ProcessHandle,
  type ProcessSpec,
} from 'damson'
import { SimulatedClock } from 'damson/testing'

class Child extends Process<typeof Child> {
  static override define(spec: ProcessSpec) {
    return spec.input('fails', { schema: { type: 'boolean' } }).output('x', { schema: { type: 'number' } })
  }
  override run() {
    if (this.inputs.fails) throw new Error('no luck')
    this.out('x', 1)
  }
}

/** Does something with the handle of a child that ran in memory. */
async function withChild(
  fails: boolean,
  use: (handle: ProcessHandle<unknown, typeof Child>) => Promise<void> | void,
  logger?: Logger,
): Promise<void> {
  class Parent extends Process {
    override async run() {
      const handle = await this.launch(Child, { fails })
      await use(handle)
    }
  }
  await new Parent({}, { logger }).execute()
}

function recording(): Logger & { readonly errors: string[] } {
  const errors: string[] = []
  const note = (_what: unknown, text?: string): void => void errors.push(String(text))
  const ignore = (): void => {}
  return { errors, error: note, warn: ignore, info: ignore, debug: ignore }
}

test('a callback that throws is reported, and the others are called', async () => {
  const logger = recording()
  let called = 0
  await withChild(
    false,
    async (handle) => {
      handle.onDone(() => {
        throw new Error('of the callback')
      })
      const second = new Promise<void>((resolve) => {
        handle.onDone(() => {
          called++
          resolve()
        })
      })
      await second
    },
    logger,
  )
  expect(called).toBe(1)
  expect(logger.errors).toEqual(['a callback of onDone threw'])
})

test('the outputs of a child that failed reject, or are what there is where that is asked for', async () => {
  await withChild(true, async ({ outputs }) => {
    const error = await outputs.all().catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(ProcessExcepted)
    expect((error as ProcessExcepted).cause).toMatchObject({ message: 'no luck' })
    expect(await outputs.all({ raiseOnFailure: false })).toEqual({})
  })
  await withChild(false, async ({ outputs }) => {
    expect(await outputs.all({ raiseOnFailure: false })).toEqual({ x: 1 })
  })
})

test('a time that is none is refused at once by every wait', async () => {
  await withChild(false, async (handle) => {
    for (const timeout of [-1, Number.NaN]) {
      await expect(handle.wait({ timeout })).rejects.toThrow(RangeError)
      await expect(handle.result({ timeout })).rejects.toThrow(RangeError)
      await expect(handle.refresh({ timeout })).rejects.toThrow(RangeError)
    }
    await handle.wait()
    await expect(handle.wait({ timeout: -1 })).rejects.toThrow(RangeError)
    await expect(handle.refresh({ timeout: -1 })).rejects.toThrow(RangeError)
  })
})

test('a child that was closed before its end is lost to every wait', async () => {
  const waiting: Process[] = []
  class Endless extends Process {
    override run() {
      waiting.push(this)
      return new Wait()
    }
  }
  const parent = class Closes extends Process {
    override async run() {
      const handle = await this.launch(Endless)
      while (waiting.length === 0) await new Promise(setImmediate)
      await waiting[0]?.close()
      await expect(handle.wait()).rejects.toBeInstanceOf(ProcessLost)
      await expect(handle.result()).rejects.toBeInstanceOf(ProcessLost)
      return 'asked'
    }
  }
  const process = new parent()
  await process.execute()
  expect(process.result()).toBe('asked')
})

test('a handle goes by the clock of its process', async () => {
  const clock = new SimulatedClock({ start: 1_000 })
  const handles: ProcessHandle[] = []
  class Parent extends Process {
    override async run() {
      handles.push(await this.launch(Child, { fails: false }))
    }
  }
  await new Parent({}, { clock }).execute()
  const [handle] = handles
  await handle?.wait()
  const times = (await handle?.history())?.map(({ at }) => at.getTime())
  expect(new Set(times)).toEqual(new Set([1_000]))
  expect(handle?.state.at.getTime()).toBe(1_000)
})
