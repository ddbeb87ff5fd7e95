import * as fc from '../run/properties.ts'
import { describe, expect, test } from 'vitest'
import {
  NonRetryableError,
  ProcessError,
  ProcessKilled,
  SpecError,
  StepTimeout,
} from '../../src/shared/errors.ts'
import { ProcessSpec } from '../../src/spec/process-spec.ts'
import { launchRetry, RetryPolicy } from '../../src/spec/retry-policy.ts'
import { WorkChainSpec } from '../../src/spec/work-chain-spec.ts'

class Steps {
  pay() {}
}
const middle = () => 0.5

describe('how steps are tried again', () => {
  test('is said for all of them, or for one in place of that', () => {
    const spec = new ProcessSpec()
      .retry({ attempts: 3 })
      .retry(Steps.prototype.pay, { attempts: 5, whenExhausted: 'pause' })
    expect(spec.retryOf('run')).toMatchObject({ attempts: 3, whenExhausted: 'except' })
    expect(spec.retryOf('pay')).toMatchObject({ attempts: 5, whenExhausted: 'pause' })
    expect(new ProcessSpec().retry('pay', { attempts: 2 }).retryOf('run')).toBe(undefined)
    expect(new ProcessSpec().retryOf('run')).toBe(undefined)
  })

  test('is said anew by a later call', () => {
    const spec = new ProcessSpec().retry({ attempts: 3 }).retry('pay', { attempts: 4 })
    spec.retry({ attempts: 1 }).retry('pay', { attempts: 2 })
    expect([spec.retryOf('run')?.attempts, spec.retryOf('pay')?.attempts]).toEqual([1, 2])
  })

  test('and how long they may take shows which steps were named', () => {
    const spec = new WorkChainSpec()
      .retry({ attempts: 3 })
      .retry('pay', { attempts: 3 })
      .timeout('send', '1m')
      .timeout('pay', '1m')
      .timeout('1h')
    expect(spec.retriedSteps).toEqual(['pay', 'send'])
  })
})

describe('the time before an attempt', () => {
  const delays = (policy: RetryPolicy, random = middle) =>
    [2, 3, 4, 5, 12, 5000].map((attempt) => policy.delay(attempt, random))

  test('doubles from a second up to five minutes', () => {
    expect(delays(new RetryPolicy({ attempts: 3 }))).toEqual([1000, 2000, 4000, 8000, 300_000, 300_000])
  })

  test('follows what was said', () => {
    const backoff = { initial: '100ms', factor: 3, max: 1000, jitter: 0 } as const
    expect(delays(new RetryPolicy({ attempts: 3, backoff }))).toEqual([100, 300, 900, 1000, 1000, 1000])
    expect(delays(new RetryPolicy({ attempts: 3, backoff: { factor: 1 } }))).toEqual(Array(6).fill(1000))
    expect(delays(new RetryPolicy({ attempts: 3, backoff: { initial: 0 } }))).toEqual(Array(6).fill(0))
  })

  test('is as long as its start where that is longer than five minutes, and as its end where that is shorter than a second', () => {
    expect(new RetryPolicy({ attempts: 3, backoff: { initial: '1h' } }).delay(9, middle)).toBe(3_600_000)
    expect(new RetryPolicy({ attempts: 3, backoff: { max: 10 } }).delay(2, middle)).toBe(10)
  })

  test('varies by a tenth to either side', () => {
    const policy = new RetryPolicy({ attempts: 3 })
    expect(policy.delay(3, () => 0)).toBe(1800)
    expect(policy.delay(3, () => 1 - 2 ** -53)).toBe(2200)
  })

  test('stays within its bounds whatever was said', () => {
    fc.assert(
      fc.property(
        fc.record({
          initial: fc.integer({ min: 0, max: 1e9 }),
          factor: fc.double({ min: 1, noNaN: true, noDefaultInfinity: true }),
          max: fc.integer({ min: 0, max: 2e9 }),
          jitter: fc.double({ min: 0, max: 1, noNaN: true }),
        }),
        fc.integer({ min: 2, max: 1e6 }),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        ({ initial, max, ...others }, attempt, random) => {
          const backoff = { ...others, initial: Math.min(initial, max), max }
          const delay = new RetryPolicy({ attempts: 3, backoff }).delay(attempt, () => random)
          expect(Number.isInteger(delay)).toBe(true)
          expect(delay).toBeGreaterThanOrEqual(0)
          expect(delay).toBeLessThanOrEqual(max)
          expect(delay).toBeGreaterThanOrEqual(Math.floor(backoff.initial * (1 - others.jitter)))
        },
      ),
    )
  })
})

describe('which errors are tried again', () => {
  const covers = (on: ConstructorParameters<typeof RetryPolicy>[0]['on'], error: unknown) =>
    new RetryPolicy({ attempts: 3, on }).covers(error)

  test('all of them, unless said otherwise, but one that says it must not be', () => {
    for (const error of [new Error('x'), new StepTimeout('x'), 'text', undefined])
      expect(covers(undefined, error)).toBe(true)
    expect(covers(undefined, new NonRetryableError('x'))).toBe(false)
    expect(covers(() => true, new NonRetryableError('x'))).toBe(false)
    expect(covers(NonRetryableError, new NonRetryableError('x'))).toBe(false)
    expect(covers(undefined, new Error('x', { cause: new NonRetryableError('y') }))).toBe(true)
  })

  test('those of a class, or of one of several', () => {
    expect(covers(TypeError, new TypeError('x'))).toBe(true)
    expect(covers(TypeError, new Error('x'))).toBe(false)
    expect(covers(Error, new TypeError('x'))).toBe(true)
    expect(covers([TypeError, ProcessError], new ProcessKilled('pid', 'x'))).toBe(true)
    expect(covers([TypeError, ProcessError], new RangeError('x'))).toBe(false)
  })

  test('those that a function says', () => {
    const isLimit = (error: unknown) => error instanceof Error && error.message.includes('429')
    expect(covers(isLimit, new Error('status 429'))).toBe(true)
    expect(covers(isLimit, new Error('status 404'))).toBe(false)
    expect(
      covers(function (error) {
        return error === 'again'
      }, 'again'),
    ).toBe(true)
  })

  test('a function has to say so at once', () => {
    expect(() => covers((async () => true) as never, 'x')).toThrow(
      /retry.on returned .*Promise.*true or false, not a promise/,
    )
    expect(() => covers((() => undefined) as never, 'x')).toThrow(SpecError)
  })
})

describe('what says how steps are tried again', () => {
  test.each([
    [undefined, /takes an object of options, not undefined/],
    ['pay', /takes an object of options, not "pay"/],
    [{}, /retry.attempts is a whole number from 1 up.*not undefined/],
    [{ attempts: 0 }, /retry.attempts .* not 0/],
    [{ attempts: 2.5 }, /retry.attempts .* not 2.5/],
    [{ attempts: Number.POSITIVE_INFINITY }, /retry.attempts .* not Infinity/],
    [{ attempts: 3, atempts: 3 }, /retry has no option 'atempts'; did you mean 'attempts'/],
    [{ attempts: 3, whenExhausted: 'stop' }, /retry.whenExhausted is 'except' or 'pause', not "stop"/],
    [{ attempts: 3, backoff: '1s' }, /retry.backoff takes an object of options, not "1s"/],
    [{ attempts: 3, backoff: { inital: '1s' } }, /no option 'inital'; did you mean 'initial'/],
    [{ attempts: 3, backoff: { initial: 'soon' } }, /retry.backoff.initial: "soon" is not a duration/],
    [{ attempts: 3, backoff: { initial: null } }, /retry.backoff.initial is milliseconds.*not null/],
    [{ attempts: 3, backoff: { initial: -1 } }, /retry.backoff.initial: -1 is not a duration/],
    [{ attempts: 3, backoff: { max: Number.POSITIVE_INFINITY } }, /retry.backoff.max must be finite/],
    [
      { attempts: 3, backoff: { initial: '2m', max: '1m' } },
      /initial, 2m, is longer than retry.backoff.max, 1m/,
    ],
    [{ attempts: 3, backoff: { factor: 0.5 } }, /retry.backoff.factor is a number from 1 up, not 0.5/],
    [{ attempts: 3, backoff: { factor: Number.NaN } }, /factor .* not NaN/],
    [{ attempts: 3, backoff: { jitter: 1.5 } }, /retry.backoff.jitter is a number from 0 to 1, not 1.5/],
    [{ attempts: 3, backoff: { jitter: true } }, /jitter .* not true/],
    [{ attempts: 3, on: [] }, /retry.on names no class/],
    [{ attempts: 3, on: 'Error' }, /retry.on takes classes of errors.*not "Error"/],
    [{ attempts: 3, on: Date }, /retry.on takes classes of errors/],
    [
      {
        attempts: 3,
        on: class Own {
          x = 1
        },
      },
      /not the function Own/,
    ],
    [{ attempts: 3, on: [Error, () => true] }, /retry.on takes classes of errors/],
  ])('is refused where it is wrong: %j', (options, message) => {
    expect(() => new ProcessSpec().retry(options as never)).toThrow(SpecError)
    expect(() => new ProcessSpec().retry(options as never)).toThrow(message)
    expect(() => new ProcessSpec().retry('pay', options as never)).toThrow(message)
  })

  test('names a step', () => {
    expect(() => new ProcessSpec().retry((() => () => {})(), { attempts: 3 })).toThrow(
      /a function without a name/,
    )
    expect(() => new ProcessSpec().retry(undefined as never, { attempts: 3 })).toThrow(SpecError)
    expect(() => new ProcessSpec().timeout(undefined as never, '3s')).toThrow(SpecError)
  })

  test('of a launch is a number of attempts, or options without a function', () => {
    expect(launchRetry(4)).toMatchObject({ attempts: 4, whenExhausted: 'except' })
    expect(launchRetry({ attempts: 2, backoff: { initial: 5, jitter: 0 } }).delay(2, middle)).toBe(5)
    expect(() => launchRetry(0)).toThrow(SpecError)
    expect(() => launchRetry({ attempts: 2, on: Error } as never)).toThrow(/no option 'on'/)
  })
})

describe('how long', () => {
  test('a step may take is said for all of them, or for one in place of that', () => {
    const spec = new ProcessSpec()
      .timeout('1m')
      .timeout(Steps.prototype.pay, 500)
      .timeout('send', Number.POSITIVE_INFINITY)
    expect([spec.timeoutOf('run'), spec.timeoutOf('pay'), spec.timeoutOf('send')]).toEqual([
      60_000,
      500,
      undefined,
    ])
    expect(new ProcessSpec().timeoutOf('run')).toBe(undefined)
  })

  test('a process may take is said once', () => {
    expect(new ProcessSpec().deadline('3d').deadlineAfter).toBe(3 * 86_400_000)
    expect(new ProcessSpec().deadline('3d').deadline(Number.POSITIVE_INFINITY).deadlineAfter).toBe(undefined)
    expect(new ProcessSpec().deadlineAfter).toBe(undefined)
  })

  test.each([0, -1, Number.NaN, 'soon', '', undefined as never, new Date() as never])(
    'is a duration, not %j',
    (duration) => {
      expect(() => new ProcessSpec().timeout(duration)).toThrow(SpecError)
      expect(() => new ProcessSpec().timeout('pay', duration)).toThrow(SpecError)
      expect(() => new ProcessSpec().deadline(duration)).toThrow(SpecError)
    },
  )
})

test('nothing of this can be changed once the spec is sealed', () => {
  const spec = new WorkChainSpec().outline('a')
  spec.seal()
  for (const change of [
    () => spec.retry({ attempts: 3 }),
    () => spec.retry('a', { attempts: 3 }),
    () => spec.timeout('1s'),
    () => spec.deadline('1s'),
    () => spec.outline('b'),
  ])
    expect(change).toThrow(/sealed/)
})
