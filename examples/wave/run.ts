/**
 * A plucked string, simulated by four actors. Stop it and run it again with the same `wave.db`: another
 * engine would go on with the calls that were queued.
 */
import { Engine } from 'damson'
import { simulate, stringOf } from './simulation.ts'
import { Slab } from './slab.ts'

const POINTS = 64
const shape = Array.from({ length: POINTS }, (_, index) => Math.sin((Math.PI * (index + 1)) / (POINTS + 1)))

await using engine = await Engine.open({ store: 'wave.db', actors: [Slab] })
const simulation = await simulate(engine, shape, { parts: 4, steps: 65, courant: 1 })
const string = await stringOf(simulation)

// After as many steps as there are gaps, a wave of this shape is upside down.
const furthest = Math.max(...string.map((point, index) => Math.abs(point + (shape[index] ?? 0))))
console.log(`points: ${string.length}, calls of each slab: ${await simulation.slabs[0]?.get('steps')}`)
console.log(`upside down: ${furthest < 1e-9}`)
for (const slab of simulation.slabs) await slab.stop()
