import { expect, test } from 'vitest'
import {
  ClosedError,
  Continue,
  InvalidStateError,
  PortValidationError,
  Process,
  ProcessExcepted,
  ProcessKilled,
  ProcessSpec,
  UnsuccessfulResult,
} from 'damson'
import {
  KillsItself,
  MissesOutput,
  Nothing,
  settle,
  ThreeSteps,
  Throws,
  WaitsForResume,
  WithDynamicOutput,
  WithOutput,
} from './example-processes.ts'

const integer = { type: 'integer' } as const

test('current() is the own process across interleaved asynchronous steps', async () => {
  const seen: boolean[] = []
  class Interleaves extends Process {
    override async run(): Promise<void> {
      seen.push(Process.current() === this)
      await settle()
      seen.push(Process.current() === this)
    }
  }
  await Promise.all([new Interleaves().execute(), new Interleaves().execute()])
  expect(seen).toEqual([true, true, true, true])
  expect(Process.current()).toBeUndefined()
})

test('every class has a spec of its own, its processes share it', () => {
  class Other extends Nothing {}
  expect(Nothing.spec()).not.toBe(Process.spec())
  expect(Other.spec()).not.toBe(Nothing.spec())
  expect(Other.spec()).toBe(Other.spec())
})

test('undeclared inputs are refused unless the inputs are dynamic', async () => {
  class Dynamic extends Process {
    static override define(spec: ProcessSpec): void {
      spec.inputs.dynamic = true
    }
  }
  expect(() => new Nothing({ a: 5 })).toThrow(PortValidationError)
  await new Dynamic({ a: 5 }).execute()
})

test('inputs can be read once the process is made', () => {
  class Takes extends Process {
    static override define(spec: ProcessSpec): void {
      spec.input('a')
    }
  }
  const process = new Takes({ a: 5 })
  expect(process.rawInputs).toEqual({ a: 5 })
  expect(process.inputs['b']).toBeUndefined()
})

test('raw inputs are not changed by defaults', () => {
  class Nests extends Process {
    static override define(spec: ProcessSpec): void {
      spec.input('a').input('nested.a').input('nested.b', { default: 'default-value' })
    }
  }
  const inputs = { a: 5, nested: { a: 'value' } }
  const process = new Nests(inputs)
  expect(process.rawInputs).toEqual({ a: 5, nested: { a: 'value' } })
  expect(inputs).toEqual({ a: 5, nested: { a: 'value' } })
  expect(process.inputs['nested']).toEqual({ a: 'value', b: 'default-value' })
})

test('a default is used where nothing is given', () => {
  class Defaults extends Process<typeof Defaults> {
    static override define(spec: ProcessSpec) {
      return spec.input('input', { default: 5, required: false })
    }
  }
  expect(new Defaults({ input: 2 }).inputs.input).toBe(2)
  expect(new Defaults().inputs.input).toBe(5)
})

test('an optional namespace is there if given, even empty, or if something in it has a default', () => {
  const options = { required: false, schema: integer, dynamic: true } as const
  class Optional extends Process {
    static override define(spec: ProcessSpec): void {
      spec.inputNamespace('namespace', options)
    }
  }
  class WithDefault extends Process {
    static override define(spec: ProcessSpec): void {
      spec.inputNamespace('namespace', options).input('namespace.b', { default: 5 })
    }
  }
  expect(new Optional({ namespace: { a: 1 } }).inputs).toEqual({ namespace: { a: 1 } })
  expect('namespace' in new Optional().inputs).toBe(false)
  expect(new Optional({ namespace: {} }).inputs).toEqual({ namespace: {} })
  expect(new WithDefault().inputs).toEqual({ namespace: { b: 5 } })
})

test('a default that counts as false is a default', () => {
  for (const value of [true, false, 0, 1]) {
    class Falsy extends Process {
      static override define(spec: ProcessSpec): void {
        spec.input('input', { default: value })
      }
    }
    expect(new Falsy().inputs).toEqual({ input: value })
  }
})

test('a default in a nested namespace is filled in', () => {
  class Nests extends Process {
    static override define(spec: ProcessSpec): void {
      spec.inputNamespace('namespace', { required: false }).input('namespace.sub', { default: true })
    }
  }
  expect(new Nests().inputs).toEqual({ namespace: { sub: true } })
})

test('a define that throws leaves no spec behind and throws again', () => {
  class Broken extends Process {
    static override define(): void {
      throw new RangeError('broken')
    }
  }
  expect(() => Broken.spec()).toThrow(RangeError)
  expect(() => Broken.spec()).toThrow(RangeError)
})

test('execute runs to the end and gives the outputs', async () => {
  const process = new WithOutput()
  expect(await process.execute()).toEqual({ default: 5 })
  expect([process.hasTerminated(), process.state, process.outputs]).toEqual([
    true,
    'finished',
    { default: 5 },
  ])
})

test('no hook needs a call of its super method', async () => {
  const called: string[] = []
  class Forgets extends Process {
    protected override onCreate(): void {
      called.push('create')
    }
    protected override onRun(): void {
      called.push('run')
    }
    protected override onFinish(): void {
      called.push('finish')
    }
    protected override onExcept(): void {
      called.push('except')
    }
  }
  const process = new Forgets()
  await process.execute()
  expect([process.state, called]).toEqual(['finished', ['create', 'run', 'finish']])
})

test('nor does onKill', async () => {
  const called: string[] = []
  class Forgets extends Process {
    protected override onKill(message: string): void {
      called.push(message)
    }
  }
  const process = new Forgets()
  await process.kill('bye')
  expect([process.state, called]).toEqual(['killed', ['bye']])
})

test('a pid is made up or given', () => {
  expect(new WithOutput().pid).toMatch(/^[0-9a-f-]{36}$/)
  expect(new WithOutput(undefined, { pid: 'a' }).pid).toBe('a')
})

test('an error in a step excepts the process and comes out of execute as the cause', async () => {
  const process = new Throws()
  const error: unknown = await process.execute().catch((reason: unknown) => reason)
  expect(error).toBeInstanceOf(ProcessExcepted)
  expect((error as Error).cause).toEqual(new Error('Great scott!'))
  expect(process.state).toBe('excepted')
})

test('a process may kill itself by its command', async () => {
  await expect(new KillsItself().execute()).rejects.toThrow(new RegExp('^killed$'))
})

test('a class describes its ports', () => {
  class Declares extends Process {
    static override define(spec: ProcessSpec): void {
      spec.input('a', { default: 1, help: 'the first' })
    }
  }
  expect(Nothing.getDescription()).toEqual({ name: 'Nothing', spec: Nothing.spec().getDescription() })
  expect(JSON.stringify(Declares.getDescription())).toContain('the first')
})

test('a step logs through the logger it was given, and silently without one', async () => {
  const messages: string[] = []
  const note = (_details: object, message: string): void => void messages.push(message)
  const logger = { debug: note, info: note, warn: note, error: note }
  class Logs extends Process {
    override run(): void {
      this.logger.info({}, 'Test')
    }
  }
  await new Logs().execute()
  await new Logs(undefined, { logger }).execute()
  expect(messages).toEqual(['Test'])
})

test('a process that has not run can be killed', async () => {
  const process = new Nothing()
  await process.kill('Farewell!')
  expect([process.killed(), process.killedMessage(), process.state]).toEqual([true, 'Farewell!', 'killed'])
})

test('a listener may resume a process as soon as it waits', async () => {
  const process = new WaitsForResume()
  process.addProcessListener({ onProcessWaiting: (waiting) => void waiting.resume() })
  await process.execute()
  expect([process.hasTerminated(), process.state]).toEqual([true, 'finished'])
})

test('exception() is what was thrown', async () => {
  const thrown = new TypeError('mine')
  class Mine extends Process {
    override run(): void {
      throw thrown
    }
  }
  const process = new Mine()
  await expect(process.execute()).rejects.toThrow(/mine/)
  expect(process.exception()).toBe(thrown)
})

test('a process that ran has terminated', async () => {
  const process = new Nothing()
  await process.execute()
  expect(process.hasTerminated()).toBe(true)
})

test('a waiting process is paused, played and resumed', async () => {
  const process = new WaitsForResume()
  const run = process.stepUntilTerminated()
  await settle()
  expect(process.state).toBe('waiting')
  expect([await process.pause(), process.paused]).toEqual([true, true])
  expect([await process.play(), process.paused]).toEqual([true, false])
  await process.resume()
  await process.future()
  await run
  expect(process.state).toBe('finished')
})

test('the message of a pause is the status until play puts the old one back', async () => {
  const process = new WaitsForResume()
  process.setStatus('process was played by Hans Klok')
  const run = process.stepUntilTerminated()
  await settle()
  await process.pause('process was paused by Evel Knievel')
  expect(process.status).toBe('process was paused by Evel Knievel')
  await process.play()
  expect(process.status).toBe('process was played by Hans Klok')
  await process.resume()
  await run
})

test('a step that kills its process goes on to its end', async () => {
  class Kills extends Process {
    afterKill = false
    override run(): void {
      void this.kill('killed')
      this.afterKill = true
    }
  }
  const process = new Kills()
  await expect(process.execute()).rejects.toThrow(/^killed$/)
  expect([process.afterKill, process.state]).toEqual([true, 'killed'])
})

test('a step may pause and kill its process', async () => {
  class Both extends Process {
    override run(): void {
      void this.pause()
      void this.kill()
    }
  }
  const process = new Both()
  await expect(process.execute()).rejects.toThrow(ProcessKilled)
  expect(process.state).toBe('killed')
})

test('a paused process can be killed', async () => {
  const process = new WaitsForResume()
  const run = process.stepUntilTerminated()
  await settle()
  await process.pause()
  await process.kill()
  await expect(process.future()).rejects.toThrow(ProcessKilled)
  await run
  expect(process.state).toBe('killed')
})

test('many processes run beside each other', async () => {
  const classes = [Nothing, WithOutput, WithDynamicOutput, ThreeSteps]
  const results = await Promise.all(classes.map((processClass) => new processClass().execute()))
  expect(results).toEqual([{}, { default: 5 }, { default: 5 }, { test: 5 }])
})

test('an output that is not declared excepts the step that emits it', async () => {
  class Invalid extends Process {
    override run(): void {
      this.out('invalid', 5)
    }
  }
  const process = new Invalid()
  await expect(process.execute()).rejects.toThrow(/outputs\.invalid/)
  expect(process.isExcepted).toBe(true)
})

test('a process without a required output is finished and not successful', async () => {
  const process = new MissesOutput()
  expect(() => process.successful()).toThrow(InvalidStateError)
  await process.execute({ raiseOnFailure: false })
  expect([process.state, process.isSuccessful, process.successful()]).toEqual(['finished', false, false])
})

test('an unsuccessful result is a result', async () => {
  class Fails extends Process {
    override run(): unknown {
      return new UnsuccessfulResult(256)
    }
  }
  const process = new Fails()
  expect(await process.execute({ raiseOnFailure: false })).toEqual({})
  expect([process.result(), process.isSuccessful]).toEqual([256, false])
  const emits = new WithOutput()
  await emits.execute()
  expect(emits.result()).toEqual({ default: 5 })
})

test('a step may pause its process, and one that was the last leaves nothing to pause', async () => {
  class Pauses extends Process {
    override run(): unknown {
      void this.pause()
      return new Continue(this.last)
    }
    last(): void {
      void this.pause()
    }
  }
  const process = new Pauses()
  const paused = new Promise<void>((resolve) =>
    process.addProcessListener({ onProcessPaused: () => resolve() }),
  )
  const run = process.stepUntilTerminated()
  await paused
  expect([process.paused, process.state]).toEqual([true, 'running'])
  await process.play()
  await run
  expect([process.paused, process.state]).toEqual([false, 'finished'])
})

test('a step may call its own pause off', async () => {
  class PausesAndPlays extends Process {
    answers: boolean[] = []
    override async run(): Promise<void> {
      this.answers.push(await this.pause(), await this.play())
    }
  }
  const process = new PausesAndPlays()
  await process.execute()
  expect([process.answers, process.paused, process.state]).toEqual([[true, true], false, 'finished'])
})

test('current() is the own process within a step', async () => {
  class Looks extends Process {
    override run(): boolean {
      return Process.current() === this
    }
  }
  const process = new Looks()
  await process.execute()
  expect(process.result()).toBe(true)
})

test('current() is right with many processes and nested ones', async () => {
  const seen: boolean[] = []
  class Inner extends Process {
    override run(): void {
      seen.push(Process.current() === this)
    }
  }
  class Outer extends Process {
    override async run(): Promise<void> {
      seen.push(Process.current() === this)
      await new Inner().execute()
      seen.push(Process.current() === this)
    }
  }
  await Promise.all([1, 2, 3].map(() => new Outer().stepUntilTerminated()))
  expect(seen).toEqual(Array<boolean>(9).fill(true))
})

test('a process executes another in its step', async () => {
  class Outer extends Process {
    override async run(): Promise<unknown> {
      return new WithOutput().execute()
    }
  }
  const process = new Outer()
  await process.execute()
  expect(process.result()).toEqual({ default: 5 })
})

test('a callback that fails excepts the process', async () => {
  class CallsSoon extends Process {
    override run(): void {
      this.callSoon(() => {
        throw new Error('Breaking yo!')
      })
    }
  }
  await expect(new CallsSoon().execute()).rejects.toThrow(/Breaking yo!/)
})

test('a process can be executed once', async () => {
  const process = new Nothing()
  await process.execute()
  await expect(process.execute()).rejects.toThrow(ClosedError)
})

test('an error in onEntered excepts the process', async () => {
  class Raises extends Process {
    override run(): unknown {
      return new Continue(this.last)
    }
    last(): void {}
    protected override onEntered(from: string): void {
      if (from === 'running') throw new Error('exception during onEntered')
    }
  }
  const process = new Raises()
  await expect(process.execute()).rejects.toThrow(/exception during onEntered/)
  expect([process.isSuccessful, process.isExcepted]).toEqual([false, true])
  expect(process.exception()).toEqual(new Error('exception during onEntered'))
})

test('an error in run excepts the process', async () => {
  class Raises extends Process {
    override run(): void {
      throw new Error('exception during run')
    }
  }
  const process = new Raises()
  await expect(process.execute()).rejects.toThrow(/exception during run/)
  expect(process.exception()).toEqual(new Error('exception during run'))
})

// ---------- namespaces ----------

test('inputs in nested namespaces are checked and frozen all the way down', () => {
  class Nests extends Process<typeof Nests> {
    static override define(spec: ProcessSpec) {
      return spec.input('some.name.space.a', { schema: integer })
    }
  }
  const process = new Nests({ some: { name: { space: { a: 5 } } } })
  const { some } = process.inputs
  expect([process.inputs, some, some.name, some.name.space].every((each) => Object.isFrozen(each))).toBe(true)
  expect(some.name.space.a).toBe(5)
})

test('inputs hold what was given and defaults, and nothing else', () => {
  class Nests extends Process {
    static override define(spec: ProcessSpec): void {
      spec
        .input('some.name.space.a', { schema: integer })
        .input('test', { schema: integer, default: 6 })
        .input('label', { schema: { type: 'string' }, required: false })
        .input('store_provenance', { schema: { type: 'boolean' }, default: true })
    }
  }
  expect(new Nests({ some: { name: { space: { a: 5 } } } }).inputs).toEqual({
    some: { name: { space: { a: 5 } } },
    test: 6,
    store_provenance: true,
  })
})

test('a nested namespace may be made dynamic', () => {
  class Nests extends Process {
    static override define(spec: ProcessSpec): void {
      spec.inputNamespace('name.space', { dynamic: true, schema: integer })
    }
  }
  const inputs = { name: { space: { 1: 1, 2: 2, 3: 3, 4: 4 } } }
  expect(new Nests(inputs).inputs).toEqual(inputs)
  expect(() => new Nests({ name: { space: { 1: 'one' } } })).toThrow(PortValidationError)
})

test('outputs in namespaces are checked, and a missing one makes the process unsuccessful', async () => {
  class Emits extends Process<typeof Emits> {
    static override define(spec: ProcessSpec) {
      return spec
        .input('nested', { default: false })
        .input('single', { default: false })
        .output('required_bool', { schema: { type: 'boolean' } })
        .outputNamespace('integer', { schema: integer, dynamic: true })
    }
    override run(): void {
      if (this.inputs.single) this.out('required_bool', false)
      if (this.inputs.nested) {
        this.out('integer.nested.one', 1)
        this.out('integer.nested.two', 2)
      }
    }
  }
  const outcome = async (inputs: object): Promise<unknown[]> => {
    const process = new Emits(inputs)
    return [await process.execute({ raiseOnFailure: false }), process.state, process.isSuccessful]
  }
  const integers = { nested: { one: 1, two: 2 } }
  expect(await outcome({})).toEqual([{}, 'finished', false])
  expect(await outcome({ nested: true })).toEqual([{ integer: integers }, 'finished', false])
  expect(await outcome({ single: true })).toEqual([{ required_bool: false }, 'finished', true])
  expect(await outcome({ single: true, nested: true })).toEqual([
    { required_bool: false, integer: integers },
    'finished',
    true,
  ])
})
