/**
 * Computes the Madelung constant of rock salt, and shows where in its outline the process is.
 *
 *     npx tsx examples/converge/run.ts [TOLERANCE [ROUNDS]]
 */
import { Engine } from 'damson'
import { MadelungConstant } from './madelung-constant.ts'

const [tolerance = '1e-5', rounds = '50'] = process.argv.slice(2)

await using engine = await Engine.open({ store: 'converge.db', processes: [MadelungConstant] })
// What is committed to the file, by this program or another. The position in the outline is part of it, so `damson show` tells it too.
engine.store.watch((changes) => {
  for (const { name, data } of changes)
    if (name === 'running') console.log((JSON.parse(data ?? '{}') as { step: string }).step)
})

const handle = await engine.launch(MadelungConstant, { tolerance: Number(tolerance), rounds: Number(rounds) })
const state = await handle.wait()
if (state?.successful === true) {
  const outputs = await handle.outputs.all()
  console.log(`${outputs.constant.toFixed(6)} after ${outputs.rounds} rounds; the literature has 1.747565`)
} else console.log(`${state?.exitCode?.label ?? state?.label}: ${state?.exitCode?.message ?? state?.message}`)
