import * as fc from '../run/properties.ts'
import { expect, test } from 'vitest'
import { Bundle, canTransition, Continue, isTerminal, Process, type ProcessState, Stop, Wait } from 'damson'
import { settle } from './helpers.ts'

type Plan = readonly ('continue' | 'wait' | 'throw')[]

/** Follows its instructions step by step, and keeps them with the values that it got. */
class Follows extends Process {
  static override readonly persisted = ['steps']
  override ctx: { plan: Plan; got: unknown[] } = { plan: [], got: [] }
  steps = 0

  override run(): unknown {
    return this.next(undefined)
  }
  async next(value: unknown): Promise<unknown> {
    await settle()
    this.ctx.got.push(value)
    switch (this.ctx.plan[this.steps++]) {
      case 'continue':
        return new Continue(this.next, new Date(this.steps))
      case 'wait':
        return new Wait(this.next, {
          message: `wait ${this.steps}`,
          data: new Map([[this.steps, undefined]]),
        })
      case 'throw':
        throw new RangeError('as planned', { cause: { step: this.steps } })
      default:
        return new Stop({ got: this.ctx.got })
    }
  }
}

const plans = fc.array(fc.constantFrom('continue', 'wait', 'wait', 'throw'), {
  maxLength: 5,
}) as fc.Arbitrary<Plan>
const commands = fc.array(
  fc.constantFrom(
    'pause',
    'play',
    'kill',
    'force',
    'resume',
    'fail',
    'turn',
    'turn',
    'turn',
    'resume',
    'play',
  ),
  { maxLength: 25 },
)

function follow(plan: Plan): Follows {
  const process = new Follows()
  process.ctx.plan = plan
  return process
}

function ask(process: Process, command: string): Promise<boolean> | undefined {
  switch (command) {
    case 'pause':
      return process.pause('asked')
    case 'play':
      return process.play()
    case 'kill':
      return process.kill('asked')
    case 'force':
      return process.kill('forced', { force: true })
    case 'resume':
      return process.resume('woken')
    case 'fail':
      return process.fail(new Error('asked'))
    default:
      return undefined
  }
}

test('whatever is asked in whatever order, all of it settles, once, and only by the table', async () => {
  await fc.assert(
    fc.asyncProperty(plans, commands, async (plan, asked) => {
      const process = follow(plan)
      const states: ProcessState[] = [process.state]
      for (const name of ['running', 'waiting', 'finished', 'excepted', 'killed'] as const) {
        process.events.on(`process:${name}`, () => states.push(name))
      }
      let settled = 0
      const future = process.future().then(
        () => settled++,
        () => settled++,
      )
      const run = process.stepUntilTerminated()
      const answers: (Promise<boolean> | undefined)[] = []
      for (const command of asked) {
        const over = process.hasTerminated()
        const answer = ask(process, command)
        answers.push(answer)
        expect(over && (await answer) === true).toBe(false)
        if (command === 'turn') await settle()
      }
      await process.play()
      await process.kill('the end')
      await run
      await future
      for (const answer of answers) expect([true, false, undefined]).toContain(await answer)
      expect(settled).toBe(1)
      expect(isTerminal(process.state)).toBe(true)
      states.slice(1).forEach((to, index) => {
        expect(canTransition(states[index] as ProcessState, to)).toBe(true)
      })
      expect(states.at(-1)).toBe(process.state)
    }),
    { numRuns: 300 },
  )
})

test('C10: in every state a process is saved and loaded twice, byte for byte the same', async () => {
  await fc.assert(
    fc.asyncProperty(plans, commands, async (plan, asked) => {
      const process = follow(plan)
      const bundles = [Bundle.from(process)]
      const save = (): void => void bundles.push(Bundle.from(process))
      process.addProcessListener({
        onProcessRunning: save,
        onProcessWaiting: save,
        onProcessPaused: save,
        onProcessPlayed: save,
        onProcessFinished: save,
        onProcessExcepted: save,
        onProcessKilled: save,
      })
      const run = process.stepUntilTerminated()
      for (const command of asked) void (await Promise.race([ask(process, command), settle()]))
      await process.play()
      await process.kill('the end')
      await run
      for (const bundle of bundles) {
        const text = JSON.stringify(bundle)
        const once = Bundle.from(Follows.recreateFrom(Bundle.parse(text)))
        const twice = Bundle.from(Follows.recreateFrom(Bundle.parse(JSON.stringify(once))))
        expect([JSON.stringify(once), JSON.stringify(twice)]).toEqual([text, text])
      }
    }),
    { numRuns: 150 },
  )
})
