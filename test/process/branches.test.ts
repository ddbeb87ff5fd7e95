import { describe, expect, test } from 'vitest'
import { Process, ProcessExcepted, type ProcessSpec, SpecError } from 'damson'
import { begin, calm, pass } from './helpers.ts'

/*
 * C6: parts of a step that run at the same time. Each gets its own records, or the step is refused before anything is done twice.
 */

/** Does what a test gives, up to three times. */
abstract class Parts extends Process {
  static override define(spec: ProcessSpec): void {
    super.define(spec)
    spec.retry({ attempts: 3, backoff: { initial: 0 } }).signal('news')
  }
  readonly keys: string[] = []

  act<T>(name: string, give: () => T): Promise<Awaited<T>> {
    return this.effect(name, ({ idempotencyKey }) => {
      this.keys.push(idempotencyKey)
      return give()
    })
  }
  /** Something that takes time and is not recorded. */
  async other(milliseconds: number): Promise<void> {
    for (let turn = 0; turn < milliseconds; turn++) await calm()
  }
  once(): void {
    if (this.attempt === 1) throw new Error('once more')
  }
}

type Made = Parameters<typeof begin<Parts>>[0]

async function run(made: Made): Promise<{
  readonly result: unknown
  readonly keys: readonly string[]
}> {
  const { process, clock, run: running } = begin<Parts>(made)
  running.catch(() => {})
  for (let turn = 0; turn < 100 && !process.hasTerminated(); turn++) await pass(clock, 1_000)
  await running.catch(() => {})
  try {
    return { result: process.result(), keys: process.keys }
  } catch (error) {
    return { result: (error as ProcessExcepted).cause, keys: process.keys }
  }
}

const refused = (name: string): unknown =>
  expect.objectContaining({
    constructor: SpecError,
    message: expect.stringMatching(
      new RegExp(`in the step \\w+\\.run .*'${name}'.*this\\.branch\\(`),
    ) as unknown,
  })

describe('a step is refused', () => {
  test('where two branches use one name, one after the other', async () => {
    class Pay extends Parts {
      override async run(): Promise<unknown> {
        return Promise.all([this.one('book', 5), this.one('car', 1)])
      }
      async one(item: string, time: number): Promise<string> {
        await this.act('price', () => this.other(time))
        return this.act('charge', () => item)
      }
    }
    expect(await run(Pay)).toEqual({
      result: refused('charge'),
      keys: [
        expect.stringMatching(/price$/),
        expect.stringMatching(/price#2$/),
        expect.stringMatching(/charge$/),
      ],
    })
  })

  test('where a name is asked for while it is pending', async () => {
    class Asks extends Parts {
      override async run(): Promise<unknown> {
        return Promise.all([this.one(1), this.one(2)])
      }
      async one(time: number): Promise<unknown> {
        await this.other(time)
        return this.act('ask', () => this.other(3))
      }
    }
    const { result, keys } = await run(Asks)
    expect([result, keys.length]).toEqual([refused('ask'), 1])
  })

  test('where what comes between is not recorded', async () => {
    class Pay extends Parts {
      override async run(): Promise<unknown> {
        return Promise.all([this.one(3), this.one(1)])
      }
      async one(time: number): Promise<unknown> {
        await this.act('price', () => 1)
        await this.other(time)
        return this.act('charge', () => time)
      }
    }
    const { result, keys } = await run(Pay)
    expect([result, keys.length]).toEqual([refused('charge'), 3])
  })

  test('also if the step catches the error that its branch gets', async () => {
    class Pay extends Parts {
      override async run(): Promise<unknown> {
        const ends = await Promise.allSettled([this.one(3), this.one(1)])
        await this.act('afterwards', () => 1).catch(() => {})
        return ends.map(({ status }) => status)
      }
      async one(time: number): Promise<unknown> {
        await this.act('price', () => this.other(time))
        await this.act('charge', () => time)
        return this.act('thank', () => time)
      }
    }
    const { result, keys } = await run(Pay)
    expect([result, keys.filter((key) => key.endsWith('afterwards'))]).toEqual([refused('charge'), []])
  })

  test('where two branches of one name are in progress', async () => {
    class Pay extends Parts {
      override async run(): Promise<unknown> {
        return Promise.all(
          [1, 2].map((item) => this.branch('item', () => this.act('charge', () => this.other(item)))),
        )
      }
    }
    const { result, keys } = await run(Pay)
    expect([(result as Error).message, keys.length]).toEqual([
      expect.stringMatching(/a branch 'item' is in progress already: give each .*`this\.branch\(/),
      1,
    ])
  })

  test('where a branch has no name', async () => {
    class Pay extends Parts {
      override async run(): Promise<unknown> {
        return this.branch('', () => 1)
      }
    }
    expect((await run(Pay)).result).toBeInstanceOf(SpecError)
  })
})

describe('a step is left as it is', () => {
  /** Each of these runs twice, and does nothing twice. */
  const twice = async (made: Made): Promise<{ readonly result: unknown; readonly repeated: boolean }> => {
    const { result, keys } = await run(made)
    return { result, repeated: new Set(keys).size < keys.length }
  }

  test('that asks for all of a list in one turn, and then again', async () => {
    class Lists extends Parts {
      override async run(): Promise<unknown> {
        const each = async (add: number): Promise<number[]> =>
          Promise.all([1, 2, 3].map((item) => this.act('x', () => item + add)))
        const came = [await each(0), await each(10)]
        this.once()
        return [...came, await each(20)]
      }
    }
    expect(await twice(Lists)).toEqual({
      result: [
        [1, 2, 3],
        [11, 12, 13],
        [21, 22, 23],
      ],
      repeated: false,
    })
  })

  test('that loops over helpers, beside other things between them', async () => {
    class Loops extends Parts {
      override async run(): Promise<unknown> {
        const came: number[] = []
        for (const item of [1, 2, 3]) came.push(await this.helper(item))
        this.once()
        return came
      }
      async helper(item: number): Promise<number> {
        await this.other(1)
        const price = await this.act('price', () => item)
        await this.sleep('cool down', '1s')
        await this.other(1)
        return this.act('pay', () => price * 2)
      }
    }
    expect(await twice(Loops)).toEqual({ result: [2, 4, 6], repeated: false })
  })

  test('that loops after it has done things at the same time', async () => {
    class Loops extends Parts {
      override async run(): Promise<unknown> {
        const [a, b] = await Promise.all([this.act('a', () => 1), this.act('b', () => 2)])
        const came = [a + b]
        for (const item of [1, 2, 3]) {
          came.push(await this.helper(item))
          await this.sleep('cool down', '1s')
        }
        for (const item of [4, 5]) {
          await this.other(1)
          came.push(await this.act('send', () => item))
        }
        this.once()
        return came
      }
      async helper(item: number): Promise<number> {
        await this.act('log', () => item)
        return this.act('send', () => item)
      }
    }
    expect(await twice(Loops)).toEqual({ result: [3, 1, 2, 3, 4, 5], repeated: false })
  })

  test('that gives each round of a loop a time limit', async () => {
    class Limited extends Parts {
      override async run(): Promise<unknown> {
        const got: unknown[] = []
        for (const item of [1, 2, 3]) {
          await this.other(1)
          got.push(await Promise.race([this.act('work', () => item), this.sleep('limit', '1h')]))
        }
        this.once()
        return got
      }
    }
    const { result, keys } = await run(Limited)
    expect(result).toEqual([1, 2, 3])
    expect(keys.map((key) => key.slice(key.lastIndexOf('/') + 1))).toEqual(['work', 'work#2', 'work#3'])
  })

  test('that loops while something else is pending', async () => {
    class Loops extends Parts {
      override async run(): Promise<unknown> {
        const background = this.watch()
        const came: number[] = []
        for (const item of [1, 2, 3]) {
          await this.other(1)
          came.push(await this.act('send', () => item))
        }
        came.push(await background)
        this.once()
        return came
      }
      async watch(): Promise<number> {
        for (let tick = 0; ; tick++) {
          if (tick === 3) return tick
          await this.sleep('tick', '1s')
        }
      }
    }
    expect(await twice(Loops)).toEqual({ result: [1, 2, 3, 3], repeated: false })
  })

  test('that scopes the names of its branches, which come in another order when it runs again', async () => {
    class Pay extends Parts {
      override async run(): Promise<unknown> {
        const times = this.attempt === 1 ? [3, 1] : [1, 3]
        const came = await Promise.all(
          ['book', 'car'].map((item, index) =>
            this.branch(item, async () => {
              await this.other(times[index] as number)
              const receipts = [await this.charge(item), await this.charge(`${item} again`)]
              return this.branch('ship', async () => [...receipts, await this.act('charge', () => 'ship')])
            }),
          ),
        )
        this.once()
        return came
      }
      async charge(item: string): Promise<string> {
        await this.sleep('before', '1s')
        return this.act('charge', () => `receipt for ${item}`)
      }
    }
    const { result, keys } = await run(Pay)
    expect(result).toEqual([
      ['receipt for book', 'receipt for book again', 'ship'],
      ['receipt for car', 'receipt for car again', 'ship'],
    ])
    expect(keys.map((key) => key.slice(key.indexOf('/1/') + 3)).toSorted()).toEqual([
      'book/charge',
      'book/charge#2',
      'book/ship/charge',
      'car/charge',
      'car/charge#2',
      'car/ship/charge',
    ])
  })

  test('in which an attempt fails while another branch of it goes on', async () => {
    class Pay extends Parts {
      override async run(): Promise<unknown> {
        return Promise.all([
          this.branch('book', async () => {
            await this.other(3)
            return this.act('charge', () => 'book')
          }),
          this.branch('car', () => this.act('fail', () => this.once())),
        ])
      }
    }
    const { result, keys } = await run(Pay)
    expect(result).toEqual(['book', undefined])
    expect(keys.filter((key) => key.endsWith('charge'))).toHaveLength(1)
  })
})
