/**
 * The program that computes, and that the demo kills again and again:
 *
 *     tsx examples/equation-of-state/run.ts STORE KEY INPUTS
 *
 * It is the same each time it starts. The key is what makes a second launch find the process of the first.
 */
import { Engine, type LaunchInputsOf } from 'damson'
import { EquationOfState } from './equation-of-state.ts'
import { LatticeEnergy } from './lattice-energy.ts'

const [store, key, inputs] = process.argv.slice(2)
if (store === undefined || key === undefined || inputs === undefined) {
  console.error('usage: tsx examples/equation-of-state/run.ts STORE KEY INPUTS\nINPUTS is JSON.')
  process.exit(2)
}

await using engine = await Engine.open({
  store,
  // Another program on the same file notices a crash at once, and one on a server when the lease has ended.
  lease: '2s',
  processes: [EquationOfState, LatticeEnergy],
  // So many volumes at a time. The process that waits for them takes no slot.
  concurrency: 4,
})
const handle = await engine.launch(
  EquationOfState,
  // The launch checks what the JSON holds against the spec.
  JSON.parse(inputs) as LaunchInputsOf<typeof EquationOfState>,
  { key },
)
const state = await handle.wait()
if (state?.successful !== true) {
  console.error(`${state?.label}: ${state?.message}`)
  process.exitCode = 1
}
