import { type ActorRef, Engine, Process, type ProcessHandle, type ProcessSpec } from 'damson'

type Equal<A, B> = (<G>() => G extends A ? 1 : 2) extends <G>() => G extends B ? 1 : 2 ? true : false
function expectType<_T extends true>(): void {}

/* The methods and fields of an actor, as its class declares them. */

class Solver {
  data: number
  readonly unit = 'm'
  constructor(start: number) {
    this.data = start
  }
  add(n: number): number {
    return (this.data += n)
  }
  solve(given: { a: number[] }): Promise<string> {
    return Promise.resolve(given.a.join())
  }
}

class Source extends Process<typeof Source> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.output('sum', { schema: { type: 'number' } }).returns({ schema: { type: 'string' } })
  }
}

export async function actors(engine: Engine): Promise<void> {
  const solver = await engine.actor(Solver, [3], { id: 'one', order: 'ready', retries: 2, maxMailbox: 10 })
  expectType<Equal<typeof solver, ActorRef<Solver>>>()
  const source = await engine.launch(Source)

  const added = solver.call.add(1)
  expectType<Equal<typeof added, ProcessHandle<number>>>()
  const solved = solver.call.solve({ a: [1, added, source.outputs.ref('sum')] })
  expectType<Equal<typeof solved, ProcessHandle<string>>>()
  const sent = solver.send('solve', [{ a: [] }], { after: [added], label: 'last' })
  expectType<Equal<typeof sent, ProcessHandle<string>>>()
  const data = await solver.get('data', { ordered: true })
  expectType<Equal<typeof data, number>>()
  const set = solver.set('data', source.outputs.ref('sum'))
  expectType<Equal<typeof set, ProcessHandle<void>>>()
  expectType<Equal<ReturnType<typeof solver.pending>, Promise<number>>>()

  // @ts-expect-error the constructor takes a number
  await engine.actor(Solver, ['three'])
  // @ts-expect-error the constructor takes an argument
  await engine.actor(Solver, [])
  // @ts-expect-error there is no such option
  await engine.actor(Solver, [3], { mailbox: 10 })
  // @ts-expect-error there is no such method
  solver.call.subtract(1)
  // @ts-expect-error a field is no method
  solver.call.data(1)
  // @ts-expect-error the method takes a number
  solver.call.add('one')
  // @ts-expect-error the method takes a number, and the process gives a text
  solver.call.add(source)
  // @ts-expect-error a method is no field
  await solver.get('add')
  // @ts-expect-error there is no such field
  await solver.get('date')
  // @ts-expect-error the field is a number
  solver.set('data', 'four')
  // @ts-expect-error there is no such method
  solver.send('data', [])
}
