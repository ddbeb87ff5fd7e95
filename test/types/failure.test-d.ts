import {
  type InputsOf,
  NonRetryableError,
  Process,
  ProcessError,
  type ProcessSpec,
  type RetryOptions,
  RetryPolicy,
  StepTimeout,
} from 'damson'

type Equal<A, B> = (<G>() => G extends A ? 1 : 2) extends <G>() => G extends B ? 1 : 2 ? true : false
function expectType<_T extends true>(): void {}

// They keep the chain typed, and name the methods of their own class.
export class Pay extends Process<typeof Pay> {
  static override define(spec: ProcessSpec) {
    return spec
      .input('amount', { schema: { type: 'number' } })
      .retry({ attempts: 3 })
      .retry(Pay.prototype.charge, {
        attempts: 5,
        backoff: { initial: '1s', factor: 2, max: '5m', jitter: 0.1 },
        on: [StepTimeout, ProcessError, TypeError],
        whenExhausted: 'pause',
      })
      .retry('run', { attempts: 2, on: Error })
      .timeout('1m')
      .timeout(Pay.prototype.charge, 30_000)
      .timeout('run', '1h')
      .deadline('3d')
      .output('paid', { schema: { type: 'boolean' } })
  }
  async charge() {
    this.out('paid', this.inputs.amount > 0)
    if (this.inputs.amount < 0) throw new NonRetryableError('nothing to pay')
    return Promise.resolve(this.inputs.amount)
  }
}
expectType<Equal<InputsOf<typeof Pay>, { readonly amount: number }>>()

export function reading(spec: ProcessSpec): void {
  expectType<Equal<ReturnType<typeof spec.retryOf>, RetryPolicy | undefined>>()
  expectType<Equal<ReturnType<typeof spec.timeoutOf>, number | undefined>>()
  expectType<Equal<typeof spec.deadlineAfter, number | undefined>>()
  expectType<Equal<RetryPolicy['whenExhausted'], 'except' | 'pause'>>()
}

export function options(spec: ProcessSpec): void {
  spec.retry({
    attempts: 3,
    on: (error) => {
      expectType<Equal<typeof error, unknown>>()
      return error instanceof TypeError
    },
  })
  // @ts-expect-error how often is to be said
  spec.retry({ backoff: { initial: 3 } })
  // @ts-expect-error there is no such option
  spec.retry({ attempts: 3, max: '5m' })
  // @ts-expect-error there is no such option
  spec.retry({ attempts: 3, backoff: { inital: '1s' } })
  // @ts-expect-error jitter is a share
  spec.retry({ attempts: 3, backoff: { jitter: true } })
  // @ts-expect-error neither of the two
  spec.retry({ attempts: 3, whenExhausted: 'kill' })
  // @ts-expect-error no class of errors
  spec.retry({ attempts: 3, on: Date })
  // @ts-expect-error it has to say so at once
  spec.retry({ attempts: 3, on: async () => true })
  // @ts-expect-error there is no such method
  spec.retry(Pay.prototype.chrage, { attempts: 3 })
  // @ts-expect-error there is no such method
  spec.timeout(Pay.prototype.chrage, '1s')
  // @ts-expect-error no duration
  spec.deadline(new Date())
  // @ts-expect-error no duration
  spec.timeout(Pay.prototype.charge)
}

// Those of a launch are plain data.
export const launch: RetryOptions = { attempts: 3, backoff: { initial: '1s' }, whenExhausted: 'pause' }
// @ts-expect-error a function can't be stored
export const withFunction: RetryOptions = { attempts: 3, on: () => true }
