/**
 * What a process is when it is saved: a bundle, which is JSON that a person can read, and how an older one is loaded.
 *
 * The engine does all of this by itself. Here it is done by hand.
 */
import { Bundle, Continue, MemoryStore, Process, type ProcessSpec, type SavedForm } from 'damson'

class Trip extends Process<typeof Trip> {
  static override readonly processName = 'Trip'
  // Own fields are saved if they are named here. The context, `this.ctx`, always is.
  static override readonly persisted = ['visited']

  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.input('cities', { schema: { type: 'array', items: { type: 'string' } } })
  }

  visited = new Set<string>()
  // Not named, so not saved: anew after each load.
  openMaps = 0

  override run(index = 0): Continue | string {
    const city = this.inputs.cities[index]
    if (city === undefined) return [...this.visited].join(' → ')
    this.openMaps += 1
    this.visited.add(city)
    return new Continue(this.run, index + 1)
  }
}

const trip = new Trip({ cities: ['Oslo', 'Bergen', 'Tromsø'] })
await trip.step() // from created to running
await trip.step() // Oslo
await trip.step() // Bergen

// To text, and from there to another process that goes on from where this one was.
const text = JSON.stringify(Bundle.from(trip))
const loaded = Bundle.parse(text).unbundle({ processes: [Trip] })
console.log(loaded.state, [...loaded.visited], `maps open: ${loaded.openMaps}`)
await loaded.execute()
console.log(loaded.result())

// Checkpoints are bundles kept under a name. Every store keeps them.
const store = new MemoryStore()
await store.saveCheckpoint(Bundle.from(trip), 'before the far north')
const again = await store.loadCheckpoint(trip.pid, 'before the far north')
console.log(JSON.stringify(again) === text)

/** The class in its next release, which keeps a list. What version 1 has saved is lifted when it is loaded. */
class TripNow extends Process<typeof TripNow> {
  static override readonly processName = 'Trip'
  static override readonly version = 2
  static override readonly persisted = ['route']

  // Without this, what an older version has saved is refused: it is never guessed at.
  static override upgrade(saved: SavedForm) {
    saved.members['route'] = [...(saved.members['visited'] as Set<string>)]
    delete saved.members['visited']
    saved.version = 2
  }

  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.input('cities', { schema: { type: 'array', items: { type: 'string' } } })
  }

  route: string[] = []

  override run(index = 0): Continue | string {
    const city = this.inputs.cities[index]
    if (city === undefined) return this.route.join(' – ')
    this.route.push(city)
    return new Continue(this.run, index + 1)
  }
}
const lifted = again.unbundle({ processes: [TripNow] })
await lifted.execute()
console.log(lifted.result())
await store.close()
