import { expect, test } from 'vitest'
import { alarm } from '../../src/shared/clock.ts'
import { SimulatedClock } from '../../src/testing/index.ts'

const DAY = 86_400_000

/** A clock that starts at 0, and a way to note down when something is called. */
function started(options: { readonly skips?: boolean } = {}) {
  const clock = new SimulatedClock({ start: 0, ...options })
  const calls: string[] = []
  const note = (name: string) => () => void calls.push(`${name} at ${clock.now()}`)
  return { clock, calls, note }
}

/** Something that comes again and again. */
function again(clock: SimulatedClock, interval: number, kind: 'look' | 'beat', called: () => void): void {
  clock.after(
    interval,
    () => {
      called()
      again(clock, interval, kind, called)
    },
    kind,
  )
}

test('it stands still until it is moved, and starts at the given time', async () => {
  const clock = new SimulatedClock({ start: new Date('2026-03-01') })
  expect(new Date(clock.now())).toEqual(new Date('2026-03-01'))
  await clock.advance('90s')
  expect(new Date(clock.now())).toEqual(new Date('2026-03-01T00:01:30Z'))
  expect(new SimulatedClock().now()).toBe(Date.UTC(2026, 0, 1))
})

test('timers are called in the order of their times, each at its own', async () => {
  const { clock, calls, note } = started()
  clock.after(300, note('late'))
  clock.after(100, note('early'))
  clock.at(200, note('between'))
  clock.at(100, note('early too'))
  clock.after(400, note('later'))
  clock.after(Number.POSITIVE_INFINITY, note('never'))
  await clock.advance(300)
  expect(calls).toEqual(['early at 100', 'early too at 100', 'between at 200', 'late at 300'])
  expect(clock.now()).toBe(300)
})

test('a time that has passed is due at once, and not in the same turn', async () => {
  const { clock, calls, note } = started()
  await clock.advance(1_000)
  clock.at(500, note('overdue'))
  expect(calls).toEqual([])
  await clock.advance(0)
  expect(calls).toEqual(['overdue at 1000'])
})

test('a timer that is taken back is not called', async () => {
  const { clock, calls, note } = started()
  const takeBack = [
    clock.after(100, note('one')),
    clock.at(200, note('two')),
    clock.after(1, note('a look'), 'look'),
  ]
  for (const cancel of takeBack) cancel()
  await clock.advance(1_000)
  expect(calls).toEqual([])
})

test('what a timer sets off gets its turn before the time moves on', async () => {
  const { clock, calls, note } = started()
  const sleepThrice = async (): Promise<void> => {
    for (const night of ['first', 'second', 'third']) {
      await new Promise<void>((wake) => clock.after(DAY, wake))
      // As a commit does, it takes some turns, and looks at the clock.
      for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
      note(night)()
    }
  }
  void sleepThrice()
  await clock.advance('3d')
  expect(calls).toEqual([`first at ${DAY}`, `second at ${2 * DAY}`, `third at ${3 * DAY}`])
})

test('sixty days take no more turns than what has to happen in them', async () => {
  const { clock, calls, note } = started()
  let looks = 0
  let beats = 0
  again(clock, 1_000, 'look', () => looks++)
  again(clock, 3_333, 'beat', () => beats++)
  alarm(clock, 60 * DAY, note('the alarm'))
  clock.after(30 * DAY, note('half-way'))
  await clock.advance('60d')
  expect(calls).toEqual([`half-way at ${30 * DAY}`, `the alarm at ${60 * DAY}`])
  // A look is enough at the end; who lives says so wherever the clock stops.
  expect(looks).toBe(1)
  expect(beats).toBe(2)
})

test('who looks at the end of a move sees that the others live', async () => {
  const { clock } = started()
  let expires = 10_000
  let alive: boolean | undefined
  again(clock, 1_000, 'look', () => (alive = expires > clock.now()))
  again(clock, 3_333, 'beat', () => (expires = clock.now() + 10_000))
  await clock.advance('1h')
  expect(alive).toBe(true)
})

test('what a look at the end sets off is done before the move is over', async () => {
  const { clock, calls, note } = started()
  clock.after(1_000, () => clock.after(0, note('at once')), 'look')
  await clock.advance('1m')
  expect(calls).toEqual(['at once at 60000'])
})

test('skip moves to the next timer, calls all that are due then, and says when there is none', async () => {
  const { clock, calls, note } = started()
  again(clock, 1_000, 'look', () => {})
  clock.after(5_000, note('one'))
  clock.at(5_000, note('another'))
  clock.after(DAY, note('the last'))
  expect(await clock.skip()).toBe(true)
  expect(calls).toEqual(['one at 5000', 'another at 5000'])
  expect(await clock.skip()).toBe(true)
  expect(calls.at(-1)).toBe(`the last at ${DAY}`)
  expect(await clock.skip()).toBe(false)
  expect(clock.now()).toBe(DAY)
})

test('one that skips by itself goes from timer to timer until nobody waits', async () => {
  const { clock, calls, note } = started({ skips: true })
  again(clock, 1_000, 'look', () => {})
  for (const [count, name] of ['first', 'second', 'third'].entries()) {
    await new Promise<void>((wake) => clock.after((count + 1) * DAY, wake))
    note(name)()
  }
  expect(calls).toEqual([`first at ${DAY}`, `second at ${3 * DAY}`, `third at ${6 * DAY}`])
  await clock.quiet()
  expect(clock.now()).toBe(6 * DAY)
})

test('one that skips by itself leaves time to whoever looks at it', async () => {
  const { clock, calls, note } = started({ skips: true })
  clock.after(DAY, note('the timer'))
  for (let turn = 0; turn < 200; turn++) {
    clock.now()
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(calls).toEqual([])
  await clock.quiet()
  await clock.advance(0)
  expect(calls).toEqual([`the timer at ${DAY}`])
})

test('moves that are asked for together are made one after the other', async () => {
  const { clock, calls, note } = started()
  clock.after(1_000, note('one'))
  clock.after(3_000, note('two'))
  await Promise.all([clock.advance('2s'), clock.advance('2s'), clock.skip()])
  expect(calls).toEqual(['one at 1000', 'two at 3000'])
  expect(clock.now()).toBe(4_000)
})

test('the error of a timer is thrown to whoever moved the clock, and holds up no other', async () => {
  const { clock, calls, note } = started()
  clock.after(1_000, () => {
    throw new Error('it does not fit')
  })
  clock.after(2_000, note('the next'))
  await expect(clock.advance('3s')).rejects.toThrow('it does not fit')
  await clock.advance('3s')
  expect(calls).toEqual(['the next at 2000'])
})

test('time does not go back, and text that is not a duration moves nothing', async () => {
  const { clock } = started()
  await expect(clock.advance(-1)).rejects.toThrow(RangeError)
  await expect(clock.advance('soon')).rejects.toThrow('is not a duration')
  expect(clock.now()).toBe(0)
})
