import {
  type Client,
  type InputsOf,
  Process,
  ProcessSpec,
  type SelfTyped,
  type SignalArgs,
  type SignalName,
  type SignalValue,
  typed,
  WorkChainSpec,
} from 'damson'
import { z } from 'zod'

type Equal<A, B> = (<G>() => G extends A ? 1 : 2) extends <G>() => G extends B ? 1 : 2 ? true : false
function expectType<_T extends true>(): void {}

export class Order extends Process<typeof Order> {
  static override define(spec: ProcessSpec) {
    return spec
      .signal('approval', {
        schema: { type: 'object', properties: { by: { type: 'string' } }, required: ['by'] },
      })
      .input('amount', { schema: { type: 'number' } })
      .signal('date', { instanceOf: Date })
      .signal('wake')
      .output('paid', { schema: { type: 'boolean' } })
      .signal('count', { schema: z.number().optional() })
      .signal('level', { schema: typed<1 | 2>({ enum: [1, 2] }), help: 'how urgent it is' })
      .exitCode(300, 'ERROR', 'failed')
      .returns({ schema: { type: 'string' } })
  }
}
expectType<Equal<SignalName<typeof Order>, 'approval' | 'date' | 'wake' | 'count' | 'level'>>()
expectType<Equal<SignalValue<typeof Order, 'approval'>, { readonly by: string }>>()
expectType<Equal<SignalValue<typeof Order, 'date'>, Date>>()
expectType<Equal<SignalValue<typeof Order, 'wake'>, unknown>>()
expectType<Equal<SignalValue<typeof Order, 'count'>, number | undefined>>()
expectType<Equal<SignalValue<typeof Order, 'level'>, 1 | 2>>()
expectType<Equal<SignalValue<typeof Order, 'other'>, never>>()
expectType<Equal<InputsOf<typeof Order>, { readonly amount: number }>>()

// As `handle.signal(name, payload)` takes them.
declare function send<C, N extends SignalName<C>>(
  processClass: new (...args: never) => { readonly '~class': C },
  name: N,
  ...args: SignalArgs<C, N>
): void
send(Order, 'approval', { by: 'me' })
send(Order, 'date', new Date())
send(Order, 'wake')
send(Order, 'wake', 'anything')
send(Order, 'count')
send(Order, 'count', 3)
// @ts-expect-error it has a payload
send(Order, 'approval')
// @ts-expect-error a wrong one
send(Order, 'approval', { by: 3 })
// @ts-expect-error a wrong one
send(Order, 'count', 'three')
// @ts-expect-error there is no such signal
send(Order, 'aproval', { by: 'me' })

// A subclass has those of its base and its own; one that is declared again is replaced.
export class Express extends Order {
  static override define(spec: ProcessSpec) {
    return super
      .define(spec)
      .signal('courier', { schema: { type: 'string' } })
      .signal('level', { schema: typed<1>({ const: 1 }) })
  }
  declare readonly '~class': typeof Express
}
expectType<Equal<SignalName<typeof Express>, SignalName<typeof Order> | 'courier'>>()
expectType<Equal<SignalValue<typeof Express, 'level'>, 1>>()
expectType<Equal<SignalValue<typeof Express, 'date'>, Date>>()

// Exposing takes ports, and leaves signals with their class.
export class Shop extends Process<typeof Shop> {
  static override readonly specClass = WorkChainSpec
  static override define(spec: WorkChainSpec) {
    return spec
      .signal('close', { schema: { type: 'boolean' } })
      .exposeInputs(Order, { namespace: 'order' })
      .exposeOutputs(Order)
      .outline('run')
  }
}
expectType<Equal<SignalName<typeof Shop>, 'close'>>()
expectType<Equal<InputsOf<typeof Shop>['order']['amount'], number>>()

// Of an untyped class any name goes, of a typed one without signals none.
export class Legacy extends Process<typeof Legacy> {
  static override define(spec: ProcessSpec): void {
    spec.signal('approval')
  }
}
class Silent extends Process<typeof Silent> {
  static override define(spec: ProcessSpec) {
    return spec.input('a')
  }
}
expectType<Equal<SignalName<typeof Legacy>, string>>()
expectType<Equal<SignalValue<typeof Legacy, 'approval'>, unknown>>()
expectType<Equal<SignalName<unknown>, string>>()
expectType<Equal<SignalName<typeof Silent>, never>>()
send(Legacy, 'whatever')
send(Legacy, 'whatever', 3)
// @ts-expect-error it takes none
send(Silent, 'whatever')

export function wrongSignals(spec: ProcessSpec): void {
  // @ts-expect-error a misspelled option
  spec.signal('a', { shcema: { type: 'number' } })
  // @ts-expect-error what a payload must be says its schema
  spec.signal('a', { required: false })
  spec.signal('a', {
    schema: { type: 'number' },
    validator: (value, port) => {
      expectType<Equal<typeof value, number>>()
      return value < 0 ? `${port.name} is below 0` : undefined
    },
  })
}

// A class that is typed by one with other signals is refused where it is used.
declare function register<C extends abstract new (...args: never) => unknown>(
  processClass: C & SelfTyped<C>,
): void
class Pasted extends Process<typeof Order> {
  static override define(spec: ProcessSpec) {
    return spec
      .input('amount', { schema: { type: 'number' } })
      .output('paid', { schema: { type: 'boolean' } })
  }
}
register(Order)
register(Express)
register(Shop)
// @ts-expect-error it has not the signals of the class that it names
register(Pasted)

// A handle by pid is typed by the class that is named with it.
export async function byPid(client: Client): Promise<void> {
  const order = client.handle(Order, 'a pid')
  await order.signal('approval', { by: 'Ada' })
  // @ts-expect-error there is no such signal
  await order.signal('aproval', {})
  // @ts-expect-error the payload does not fit
  await order.signal('approval', 7)
}
