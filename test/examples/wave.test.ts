import { expect, it } from 'vitest'
import { Client, Engine, MemoryStore } from '../../src/index.ts'
import { simulate, stringOf } from '../../examples/wave/simulation.ts'
import { FIXED, Slab } from '../../examples/wave/slab.ts'

const SHAPE = Array.from(
  { length: 30 },
  (_, index) => Math.sin((Math.PI * (index + 1)) / 31) + (index % 3) / 10,
)

/** The whole string in one object. */
function alone(steps: number, courant: number): readonly number[] {
  const slab = new Slab(SHAPE, courant)
  for (let step = 0; step < steps; step++) slab.step(FIXED, FIXED)
  return slab.now
}

it('a string on four actors moves as one in a single object, to the last digit', async () => {
  await using engine = await Engine.open({ store: ':memory:', actors: [Slab], concurrency: 2 })
  const simulation = await simulate(engine, SHAPE, { parts: 4, steps: 25, courant: 0.7 })
  expect(simulation.slabs).toHaveLength(4)
  expect(await stringOf(simulation)).toEqual(alone(25, 0.7))
  expect(await simulation.slabs[2]?.get('steps')).toBe(25)
})

it('a string goes on in the next engine, with the calls that were queued', async () => {
  const store = new MemoryStore()
  const client = await Client.open({ store })
  const simulation = await simulate(client, SHAPE, { parts: 3, steps: 9, courant: 1 })
  const first = await Engine.open({ store, actors: [Slab] })
  await simulation.slabs[0]?.ready()
  await first.close({ drain: 0 })
  await using next = await Engine.open({ store, actors: [Slab] })
  await next.waitForEngines(1)
  expect(await stringOf(simulation)).toEqual(alone(9, 1))
  await client.close()
})
