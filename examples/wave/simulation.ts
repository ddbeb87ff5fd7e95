import type { ActorRef, Client, ProcessHandle } from 'damson'
import { FIXED, Slab, type Edges } from './slab.ts'

/** A simulation that was queued: its slabs, and the last call of each. */
export interface Simulation {
  readonly slabs: readonly ActorRef<Slab>[]
  readonly last: readonly ProcessHandle<Edges>[]
}

/**
 * Distributes a string over actors, and queues all time steps at once. Each step of a slab takes the
 * edges of its neighbours from their calls for the step before, so the slabs go on side by side, as far
 * as their data allow, on whichever engines have the class.
 */
export async function simulate(
  client: Client,
  shape: readonly number[],
  { parts, steps, courant }: { readonly parts: number; readonly steps: number; readonly courant: number },
): Promise<Simulation> {
  const size = Math.ceil(shape.length / parts)
  const slabs: ActorRef<Slab>[] = []
  for (let start = 0; start < shape.length; start += size)
    slabs.push(await client.actor(Slab, [shape.slice(start, start + size), courant]))
  let last = slabs.map((slab) => slab.call.edges())
  for (let step = 0; step < steps; step++) {
    const before = last
    last = slabs.map((slab, index) => slab.call.step(before[index - 1] ?? FIXED, before[index + 1] ?? FIXED))
  }
  return { slabs, last }
}

/** Waits for the end of a simulation, and puts the string together. */
export async function stringOf({ slabs, last }: Simulation): Promise<readonly number[]> {
  for (const call of last) await call.result()
  const parts = await Promise.all(slabs.map((slab) => slab.get('now')))
  return parts.flat()
}
