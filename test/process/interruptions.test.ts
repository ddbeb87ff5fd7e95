import { HAS_MORE, share } from '../run/extent.ts'
import * as fc from '../run/properties.ts'
import { expect, test } from 'vitest'
import {
  Bundle,
  Continue,
  if_,
  type OutlinePart,
  Process,
  type ProcessSpec,
  toContext,
  Wait,
  while_,
  WorkChain,
  type WorkChainSpec,
} from 'damson'
import { SimulatedClock } from 'damson/testing'
import { settle } from './helpers.ts'

/** What one step does, in this order; what it keeps comes last. */
interface Action {
  readonly does: readonly ('effect' | 'sleep' | 'receive' | 'join' | 'fail' | 'turn')[]
  readonly ends:
    'nothing' | 'continue' | 'wait for time' | 'wait for signal' | 'wait for child' | 'context' | 'output'
}
type Part =
  | { readonly kind: 'step'; readonly step: number }
  | { readonly kind: 'while'; readonly rounds: number; readonly block: readonly Part[] }
  | {
      readonly kind: 'if'
      readonly choice: boolean
      readonly block: readonly Part[]
      readonly otherwise: readonly Part[] | null
    }

const STEPS = 5
const step = fc.record({ kind: fc.constant('step' as const), step: fc.nat({ max: STEPS - 1 }) })
const { block } = fc.letrec<{ part: Part; block: readonly Part[] }>((tie) => ({
  part: fc.oneof(
    { maxDepth: 2, withCrossShrink: true },
    { weight: 4, arbitrary: step },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('while' as const),
        rounds: fc.nat({ max: 2 }),
        block: tie('block'),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        kind: fc.constant('if' as const),
        choice: fc.boolean(),
        block: tie('block'),
        otherwise: fc.option(tie('block')),
      }),
    },
  ),
  block: fc.array(tie('part'), { minLength: 1, maxLength: 3 }),
}))
const action = fc.record({
  does: fc.array(fc.constantFrom('effect', 'effect', 'sleep', 'receive', 'join', 'fail', 'turn'), {
    maxLength: 3,
  }),
  ends: fc.constantFrom(
    'nothing',
    'continue',
    'wait for time',
    'wait for signal',
    'wait for child',
    'context',
    'output',
  ),
}) as fc.Arbitrary<Action>
const actions = fc.array(action, { minLength: STEPS, maxLength: STEPS })
/** Whether the process is made anew, each time that nothing more happens by itself. */
const cuts = fc.infiniteStream(fc.boolean())

class Child extends Process {
  static override define(spec: ProcessSpec): void {
    spec.input('n')
  }
  override async run(): Promise<unknown> {
    await this.sleep('a while', 1_500)
    return this.inputs['n']
  }
}

interface Kept {
  log: unknown[]
  asked: Record<string, number>
  child?: unknown
}

/** A class of work chains with that outline, whose steps do that. `keys` are those of the effects that were done. */
function programOf(parts: readonly Part[], does: readonly Action[], keys: string[]): typeof WorkChain {
  let predicates = 0
  const limits = new Map<string, readonly boolean[]>()
  const predicate = (answers: readonly boolean[]): string => {
    const name = `p${predicates++}`
    limits.set(name, answers)
    return name
  }
  const made = (part: Part): OutlinePart => {
    if (part.kind === 'step') return `s${part.step}`
    const inner = part.block.map(made)
    if (part.kind === 'while') {
      const rounds = Array.from({ length: part.rounds }, () => true)
      return while_(predicate([...rounds, false]))(...inner)
    }
    const choice = if_(predicate([part.choice]))(...inner)
    return part.otherwise === null ? choice : choice.else_(...part.otherwise.map(made))
  }
  const outline = parts.map(made)

  class Program extends WorkChain {
    static override define(spec: WorkChainSpec): void {
      super.define(spec)
      spec.outline(...outline)
      spec.signal('go').outputs.dynamic = true
      spec.retry({ attempts: 3, backoff: { initial: 700, factor: 1, jitter: 0 } })
    }
    override ctx: Kept = { log: [], asked: {} }
    async act(index: number): Promise<unknown> {
      const { does: doing, ends } = does[index] as Action
      const log: unknown[] = [index]
      for (const each of doing) {
        if (each === 'turn') await settle()
        else if (each === 'sleep') await this.sleep('a while', 1_000)
        else if (each === 'receive') log.push(await this.receive('go'))
        else if (each === 'effect') {
          log.push(
            await this.effect('work', async ({ idempotencyKey }) => {
              keys.push(idempotencyKey)
              await settle()
              return idempotencyKey.split('/').slice(1).join('/')
            }),
          )
        } else if (each === 'join')
          log.push(await this.join('child', await this.launch(Child, { n: log.length })))
        else if (this.attempt < 3) throw new Error('once more')
      }
      this.ctx.log.push(log)
      switch (ends) {
        case 'continue':
          return new Continue(this.after, index)
        case 'wait for time':
          return new Wait(this.after, { for: 1_200 })
        case 'wait for signal':
          return new Wait(this.after, { receive: 'go' })
        case 'wait for child':
          return new Wait(undefined, { on: await this.launch(Child, { n: 1 }) })
        case 'context':
          return toContext({ child: await this.launch(Child, { n: this.ctx.log.length }) })
        case 'output':
          this.out(`s${index}`, this.ctx.log.length)
          return undefined
        default:
          return undefined
      }
    }
    after(value: unknown): void {
      this.ctx.log.push(value)
      this.out('after', this.ctx.log.length)
    }
    ask(name: string): boolean {
      const answers = limits.get(name) as readonly boolean[]
      const asked = this.ctx.asked[name] ?? 0
      this.ctx.asked[name] = asked + 1
      return answers[asked % answers.length] as boolean
    }
  }
  for (let index = 0; index < STEPS; index++) {
    Object.defineProperty(Program.prototype, `s${index}`, {
      value(this: Program) {
        return this.act(index)
      },
    })
  }
  for (const name of limits.keys()) {
    Object.defineProperty(Program.prototype, name, {
      value(this: Program) {
        return this.ask(name)
      },
    })
  }
  return Program as unknown as typeof WorkChain
}

/** Runs it to its end, with time and signals as it needs them, and says what came of it. */
async function outcomeOf(
  parts: readonly Part[],
  does: readonly Action[],
  isCut: () => boolean,
): Promise<{ readonly outputs: unknown; readonly ctx: unknown; readonly keys: readonly string[] }> {
  const keys: string[] = []
  const program = programOf(parts, does, keys)
  const clock = new SimulatedClock()
  let process = new program(undefined, { pid: 'p', clock })
  // Those that were left are kept, since their children are found through them.
  const left: Process[] = []
  let signals = 0
  let run = process.execute()
  run.catch(() => {})
  const texts: [string, string][] = []
  for (;;) {
    await still(process)
    if (process.hasTerminated()) break
    if (isCut()) {
      const text = JSON.stringify(Bundle.from(process))
      left.push(process)
      await process.close()
      process = program.recreateFrom(Bundle.parse(text), { processes: [program], clock }) as typeof process
      texts.push([text, JSON.stringify(Bundle.from(process))])
      run = process.execute()
      run.catch(() => {})
      await still(process)
    }
    if (process.hasTerminated()) break
    if (!(await clock.skip())) await process.sendSignal('go', ++signals)
  }
  const outputs = await run
  // What is saved, loaded and saved again is the same (C10).
  for (const [saved, again] of texts) expect(again).toBe(saved)
  return { outputs, ctx: process.ctx, keys }
}

/** Lets everything happen that needs neither time nor a signal. */
async function still(process: Process): Promise<void> {
  for (let same = 0, last = ''; same < 10;) {
    await settle()
    const { text } = Bundle.from(process)
    same = text === last ? same + 1 : 0
    last = text
  }
}

test(
  'a chain that is saved, stopped and made anew at any time comes to the same as one that was left alone',
  HAS_MORE,
  async () => {
    await fc.assert(
      fc.asyncProperty(block, actions, cuts, async (parts, does, stream) => {
        const alone = await outcomeOf(parts, does, () => false)
        const disturbed = await outcomeOf(parts, does, () => stream.next().value as boolean)
        expect(disturbed).toEqual(alone)
        expect(new Set(disturbed.keys).size).toBe(disturbed.keys.length)
      }),
      { numRuns: share(50, 150) },
    )
  },
)
