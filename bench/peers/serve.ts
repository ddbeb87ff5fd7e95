import { costOf, type Cost } from '../measure.ts'
import { STEPS, type Engine, type Kind, type Launched, type Place } from './engine.ts'
import { allEntered, openGate } from './gate.ts'

/** What a measured program does, and what it answers. */
export interface Orders {
  open: { given: Place; answer: null }
  /** Runs a few processes of each kind, and compares their results with what they must be. */
  check: { given: null; answer: null }
  /** Launches processes of three steps together, up to the last result. */
  together: { given: { readonly processes: number }; answer: Cost }
  /** From the launch to the result of a process of one step, one after the other: milliseconds each. */
  latency: { given: { readonly launches: number; readonly seconds: number }; answer: readonly number[] }
  /** A hundred steps in a row in one process. */
  row: { given: null; answer: Cost }
  /** Launches gated processes, and answers once the second step of each has begun. */
  interrupt: { given: { readonly processes: number }; answer: readonly Gated[] }
  /** Answers once the second step of so many processes runs again, with the time (wall clock). */
  again: { given: { readonly processes: number }; answer: number }
  /** Opens the gate, and compares the results. */
  finish: { given: { readonly gated: readonly Gated[] }; answer: null }
  close: { given: null; answer: null }
}

export interface Gated {
  readonly id: string
  readonly input: number
}

export interface Order<Name extends keyof Orders = keyof Orders> {
  readonly name: Name
  readonly given: Orders[Name]['given']
}

export type Answer = { readonly answer: unknown } | { readonly error: string }

type Handlers = { [Name in keyof Orders]: (given: Orders[Name]['given']) => Promise<Orders[Name]['answer']> }

/** Makes this program a peer: it carries out the orders of the program that measures it. */
export function serve(open: (place: Place) => Promise<Engine>): void {
  const handlers = handlersOf(open)
  process.on('message', (order: Order) => {
    void answer(handlers, order)
  })
  // The program that measures this one may die.
  process.on('disconnect', () => process.exit(1))
  process.send?.('ready')
}

async function answer<Name extends keyof Orders>(handlers: Handlers, order: Order<Name>): Promise<void> {
  try {
    process.send?.({ answer: await handlers[order.name](order.given) })
  } catch (error) {
    process.send?.({ error: error instanceof Error ? (error.stack ?? error.message) : String(error) })
  }
}

function handlersOf(open: (place: Place) => Promise<Engine>): Handlers {
  let engine: Engine
  let input = 0
  /** Launches a process and returns its checked result. */
  const run = async (kind: Kind): Promise<void> => {
    const own = input++
    await compare(kind, own, await engine.launch(kind, own))
  }
  return {
    async open(place) {
      engine = await open(place)
      return null
    },
    async check() {
      for (const kind of ['one', 'three', 'row'] as const)
        await Promise.all([run(kind), run(kind), run(kind)])
      return null
    },
    together: ({ processes }) =>
      costOf(() => Promise.all(Array.from({ length: processes }, () => run('three')))),
    async latency({ launches, seconds }) {
      const took: number[] = []
      const start = performance.now()
      while (took.length < launches && performance.now() - start < seconds * 1000) {
        const one = await costOf(() => run('one'))
        took.push(one.seconds * 1000)
      }
      return took
    },
    row: () => costOf(() => run('row')),
    async interrupt({ processes }) {
      const all = allEntered(processes)
      const gated = await Promise.all(
        Array.from({ length: processes }, async () => {
          const own = input++
          const { id } = await engine.launch('gated', own)
          return { id, input: own }
        }),
      )
      await all
      return gated
    },
    again: ({ processes }) => allEntered(processes),
    async finish({ gated }) {
      openGate()
      await Promise.all(
        gated.map(async ({ id, input: own }) => compare('gated', own, await engine.find('gated', own, id))),
      )
      return null
    },
    async close() {
      await engine.close()
      return null
    },
  }
}

async function compare(kind: Kind, input: number, launched: Launched): Promise<void> {
  const result = await launched.result()
  const expected = input + STEPS[kind]
  if (result !== expected) throw new Error(`a process '${kind}' came to ${result} instead of ${expected}`)
}
