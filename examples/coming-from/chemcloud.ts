/** For users of chemcloud: compute one and many, futures, and a file from which another program gets the results. */
import { Client, Engine, Process, type ProcessSpec } from 'damson'

/** A program: it gets a structure, and returns a result. Here it is a pair of argon atoms. */
class PairEnergy extends Process<typeof PairEnergy> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('distance', {
        schema: { type: 'number', exclusiveMinimum: 0 },
        help: 'in units of the diameter',
      })
      .returns({
        schema: { type: 'object', properties: { energy: { type: 'number' } }, required: ['energy'] },
      })
  }

  override run() {
    const { distance } = this.inputs
    this.print(`two atoms, ${distance} apart`)
    if (distance < 0.5) throw new RangeError('the atoms overlap')
    const attraction = distance ** -6
    return { energy: 4 * (attraction ** 2 - attraction) }
  }
}

// Where chemcloud has a server, an engine runs in this program, or in any other one that opens the same file.
const store = 'pairs.db'
const engine = await Engine.open({ store, processes: [PairEnergy], concurrency: 4 })

// As `client.compute(program, input)` and `future.get()`. One input gives one result, and not a list.
const future = await engine.launch(PairEnergy, { distance: 2 })
console.log(await future.result({ timeout: '1m' }), future.state.label)
// As `output.pstdout`:
await future.display()

// As `client.compute(program, [input, …])`: a group, whose results have the order of the inputs.
const group = await engine.launchAll(PairEnergy, [{ distance: 1 }, { distance: 2 }, { distance: 0.25 }])
let completed = 0
for await (const { state } of group.asCompleted()) if (state.terminal) completed += 1
console.log(`${completed} of ${group.length}`, await group.isReady())
for (const result of await group.result({ raiseOnFailure: false })) {
  console.log(result instanceof Error ? String(result.cause) : result.energy)
}

// As `future.save(path)`. The file has only pids: the results stay in the store.
await group.slice(0, 2).save('pairs.json')
await engine.close()

// As `FutureOutput.open(path)`, in another program, whenever you like. It needs neither an engine nor the class.
await using client = await Client.open({ store })
const opened = await client.openGroup<{ energy: number }>('pairs.json')
console.log((await opened.result()).map(({ energy }) => energy))
