/**
 * Ports: what a process takes and gives, checked before anything runs.
 *
 * Nothing is stored here: a process can also be made with `new` and run in memory.
 */
import { PortValidationError, Process, type LaunchInputsOf, type ProcessSpec } from 'damson'
import { z } from 'zod'

class Bake extends Process<typeof Bake> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return (
      spec
        // A schema is JSON Schema, or any Standard Schema, such as zod's. It gives the types too.
        .input('recipe', { schema: { enum: ['bread', 'cake'] }, help: 'what to bake' })
        .input('eggs', { schema: z.number().int().min(0), default: 2 })
        // A dotted name nests. A function as default gives a new value for each process.
        .input('oven.degrees', { schema: { type: 'number' }, help: 'in °C' })
        .input('oven.preheatedAt', { instanceOf: Date, default: () => new Date() })
        // What one schema can't say: a validator returns what is wrong, or nothing.
        .inputNamespace('oven', {
          validator: ({ degrees }) => (Number(degrees) > 300 ? 'no oven of ours gets that hot' : undefined),
        })
        .output('minutes', { schema: { type: 'integer' } })
    )
  }

  override run() {
    // Typed from the spec, with defaults filled in, and frozen.
    const { recipe, eggs, oven } = this.inputs
    this.out('minutes', Math.round((recipe === 'cake' ? 9000 : 7000) / oven.degrees) + eggs)
  }
}

/** Takes all that `Bake` takes, under `first`, without declaring it again. */
class BakeTwice extends Process<typeof BakeTwice> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.exposeInputs(Bake, { namespace: 'first', exclude: ['eggs'] }).exposeOutputs(Bake)
  }

  override async run() {
    const once = await new Bake(this.inputs.first).execute()
    this.out('minutes', once.minutes * 2)
  }
}

console.log(await new Bake({ recipe: 'bread', oven: { degrees: 250 } }).execute())
console.log(await new BakeTwice({ first: { recipe: 'cake', oven: { degrees: 180 } } }).execute())

// With wrong names or values the lines above would not compile. Inputs from outside are checked when it runs, and all
// problems are told at once, each with its path.
const fromOutside = JSON.parse('{ "recipe": "pie", "egg": 3, "oven": { "degrees": "hot" } }') as unknown
try {
  await new Bake(fromOutside as LaunchInputsOf<typeof Bake>).execute()
} catch (error) {
  if (!(error instanceof PortValidationError)) throw error
  for (const { port, message } of error.problems) console.log(`${port}: ${message}`)
}

// What a class takes can be looked at, by people (`getDescription`) and by programs.
console.log(Object.keys(Bake.spec().toJSONSchema('inputs')['properties'] as object).join(', '))
