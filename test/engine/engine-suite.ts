import { afterEach, describe, expect, test } from 'vitest'
import {
  Client,
  Continue,
  Engine,
  KeyConflictError,
  NotReady,
  PortValidationError,
  Process,
  ProcessExcepted,
  ProcessKilled,
  ProcessLost,
  SerializationError,
  silentLogger,
  Wait,
  WaitTimeout,
  type EngineOptions,
  type ProcessSpec,
} from '../../src/index.ts'
import type { Store } from '../../src/persistence/contract/store.ts'
import { Add, Approval, closeGates, Count, Failing, gate, Gated, Parent } from './processes.ts'

export interface OpenedStore {
  readonly store: Store
  readonly dispose: () => Promise<void>
}

/**
 * What the engine promises over any store; every back end runs it. Where acknowledgements get lost (`deaf`), somebody may wake a
 * process before its engine has heard that it waits.
 */
export function engineSuite(name: string, openStore: () => Promise<OpenedStore>, deaf = false): void {
  describe(`an engine over ${name}`, () => {
    const disposers: (() => Promise<void>)[] = []

    afterEach(async () => {
      closeGates()
      for (const dispose of disposers.splice(0).toReversed()) await dispose()
    })

    async function aStore(): Promise<Store> {
      const { store, dispose } = await openStore()
      disposers.push(dispose)
      return store
    }

    async function anEngine(options: Partial<EngineOptions> = {}): Promise<Engine> {
      const engine = await Engine.open({
        store: options.store ?? (await aStore()),
        handleSignals: false,
        ...options,
        processes: options.processes ?? [Add, Count, Gated, Approval, Failing, Parent],
      })
      disposers.push(() => engine.close({ drain: 0 }))
      return engine
    }

    async function aClient(store: Store, options = {}): Promise<Client> {
      const client = await Client.open({ store, ...options })
      disposers.push(() => client.close())
      return client
    }

    test('a launched process runs to its end and gives its outputs', async () => {
      const engine = await anEngine()
      const handle = await engine.launch(Add, { a: 2 })
      expect(await handle.outputs.all()).toEqual({ sum: 3 })
      expect(handle.state).toMatchObject({ label: 'finished', terminal: true, successful: true })
      expect(handle.successful()).toBe(true)
      expect(handle.exception()).toBeNull()
    })

    test('execute is launch and outputs', async () => {
      const engine = await anEngine()
      expect(await engine.execute(Add, { a: 2, b: 3 })).toEqual({ sum: 5 })
    })

    test('C2: a launched process is in the store when launch resolves', async () => {
      const engine = await anEngine()
      const handle = await engine.launch(Gated, { gate: 'durable' })
      expect((await engine.store.read(handle.pid))?.className).toBe('Gated')
    })

    test('C3: a step starts only after the checkpoint that leads into it can be read', async () => {
      const seen: unknown[] = []
      class Looking extends Process<typeof Looking> {
        static override define(spec: ProcessSpec) {
          super.define(spec)
          return spec.input('n', { default: 0 })
        }
        override async run(): Promise<void> {
          const row = await engine.store.read(this.pid)
          seen.push([row?.state, row?.step])
        }
      }
      const engine = await anEngine({ processes: [Looking] })
      await engine.execute(Looking)
      expect(seen).toEqual([['running', 'run']])
    })

    test('its history shows each transition in order', async () => {
      const engine = await anEngine()
      const handle = await engine.launch(Count, { steps: 2 })
      await handle.result()
      expect((await handle.history()).map(({ name: entry }) => entry)).toEqual([
        'created',
        'running',
        'running',
        'finished',
      ])
    })

    test('a snapshot has the outputs committed so far, and all of them come at the end', async () => {
      class Emitting extends Process<typeof Emitting> {
        static override define(spec: ProcessSpec) {
          super.define(spec)
          return spec
            .output('first', { schema: { type: 'integer' } })
            .output('deep.second', { schema: { type: 'integer' } })
        }
        override run(): unknown {
          this.out('first', 1)
          return new Continue(this.more)
        }
        async more(): Promise<void> {
          this.out('deep.second', 2)
          await gate('more').pass()
        }
      }
      const engine = await anEngine({ processes: [Emitting] })
      const handle = await engine.launch(Emitting)
      await gate('more').reached
      // What the running step has emitted is saved with its command.
      expect(await handle.outputs.snapshot()).toEqual({ first: 1 })
      gate('more').open()
      expect(await handle.outputs.all()).toEqual({ first: 1, deep: { second: 2 } })
      expect(await handle.outputs.snapshot()).toEqual({ first: 1, deep: { second: 2 } })
    })

    test('many processes launched together all end, also with fewer slots than processes', async () => {
      const engine = await anEngine({ concurrency: 3 })
      const handles = await Promise.all(
        Array.from({ length: 40 }, (_, a) => engine.launch(Count, { steps: (a % 4) + 1 })),
      )
      const counts = await Promise.all(handles.map(async (handle) => (await handle.outputs.all()).count))
      expect(counts).toEqual(handles.map((_, a) => (a % 4) + 1))
    })

    test('no more steps are in flight than there are slots', async () => {
      const engine = await anEngine({ concurrency: 2 })
      const handles = await Promise.all(
        ['s1', 's2', 's3', 's4'].map((name) => engine.launch(Gated, { gate: name })),
      )
      await Promise.race([gate('s1').reached, gate('s2').reached, gate('s3').reached, gate('s4').reached])
      const running = await engine.list({ state: 'running' })
      expect(running.processes.length).toBeLessThanOrEqual(2)
      for (const name of ['s1', 's2', 's3', 's4']) gate(name).open()
      await Promise.all(handles.map((handle) => handle.result()))
    })

    test('a process that throws is excepted, with its own error as the cause', async () => {
      const engine = await anEngine()
      const handle = await engine.launch(Failing)
      const error = await handle.result().catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(ProcessExcepted)
      expect((error as ProcessExcepted).cause).toBeInstanceOf(TypeError)
      expect((error as ProcessExcepted).cause).toMatchObject({ message: 'on purpose' })
      expect(handle.exception()).toBe(error)
      expect(handle.successful()).toBe(false)
      expect(await handle.result({ raiseOnFailure: false })).toBe(error)
      expect(await handle.outcome()).toMatchObject({ status: 'rejected' })
    })

    test('bad inputs are refused at the launch, all problems at once, and nothing is stored', async () => {
      const engine = await anEngine()
      // @ts-expect-error both inputs are wrong
      const refused = await engine.launch(Add, { a: 'one', c: 2 }).catch((thrown: unknown) => thrown)
      expect(refused).toBeInstanceOf(PortValidationError)
      expect((refused as PortValidationError).problems.map(({ port }) => port).toSorted()).toEqual([
        'inputs.a',
        'inputs.c',
      ])
      expect((await engine.list()).processes).toEqual([])
    })

    test('C10: an input that cannot be saved is refused at the launch, naming its path', async () => {
      const engine = await anEngine({ processes: [Loose] })
      const refused = await engine
        .launch(Loose, { value: { deep: [() => 1] } })
        .catch((thrown: unknown) => thrown)
      expect(refused).toBeInstanceOf(SerializationError)
      expect((refused as SerializationError).path).toBe('inputs.value.deep[0]')
      expect((await engine.list()).processes).toEqual([])
      // The slot that it had taken is free again.
      expect(await engine.execute(Loose, { value: 1 })).toEqual({ value: 1 })
    })

    test('C10: what a step puts into ctx and cannot be saved excepts the process, naming its path', async () => {
      class Unsavable extends Process<typeof Unsavable> {
        declare ctx: Record<string, unknown>
        override run(): void {
          this.ctx['jobs'] = [{ callback: () => 1 }]
        }
      }
      const engine = await anEngine({ processes: [Unsavable] })
      const handle = await engine.launch(Unsavable)
      const error = (await handle.result({ raiseOnFailure: false })) as ProcessExcepted
      expect(error.cause).toBeInstanceOf(SerializationError)
      expect((error.cause as SerializationError).path).toBe('ctx.jobs[0].callback')
    })

    test('the same key with the same class and inputs is the same process; with others it is a conflict', async () => {
      const engine = await anEngine()
      const first = await engine.launch(Add, { a: 1 }, { key: 'order-17' })
      await first.result()
      const again = await engine.launch(Add, { a: 1 }, { key: 'order-17' })
      expect(again).toBe(first)
      await expect(engine.launch(Add, { a: 2 }, { key: 'order-17' })).rejects.toBeInstanceOf(KeyConflictError)
      await expect(engine.launch(Count, {}, { key: 'order-17' })).rejects.toBeInstanceOf(KeyConflictError)
      expect((await engine.list()).processes).toHaveLength(1)
    })

    test('launching at the same time under one key makes one process', async () => {
      const engine = await anEngine()
      const handles = await Promise.all(
        Array.from({ length: 8 }, () => engine.launch(Add, { a: 1 }, { key: 'once' })),
      )
      expect(new Set(handles).size).toBe(1)
      await handles[0]?.result()
      expect((await handles[0]?.history())?.filter(({ name: entry }) => entry === 'created')).toHaveLength(1)
    })

    test('handles are interned, and not thenable', async () => {
      const engine = await anEngine()
      const handle = await engine.launch(Add, { a: 1 })
      expect(engine.handle(handle.pid)).toBe(handle)
      expect('then' in handle).toBe(false)
      expect(JSON.stringify(handle)).toBe(JSON.stringify({ $process: handle.pid }))
    })

    test('a wait with timeout 0 is one look, and a longer one is honoured', async () => {
      const engine = await anEngine()
      const handle = await engine.launch(Gated, { gate: 'waits' })
      expect(await handle.wait({ timeout: 0 })).toBeNull()
      expect(await handle.wait({ timeout: 1 })).toBeNull()
      await expect(handle.result({ timeout: 1 })).rejects.toBeInstanceOf(WaitTimeout)
      await expect(handle.outcome({ timeout: '1ms' })).rejects.toMatchObject({
        pending: [handle.pid],
        total: 1,
      })
      await expect(handle.wait({ timeout: -1 })).rejects.toBeInstanceOf(RangeError)
      await expect(handle.wait({ timeout: Number.NaN })).rejects.toBeInstanceOf(RangeError)
      expect(() => handle.successful()).toThrow(NotReady)
      expect(() => handle.exception()).toThrow(NotReady)
      gate('waits').open()
      expect(await handle.wait()).toMatchObject({ label: 'finished' })
      expect(await handle.wait({ timeout: 0 })).toMatchObject({ label: 'finished' })
      await expect(handle.wait({ timeout: -1 })).rejects.toBeInstanceOf(RangeError)
      await expect(handle.refresh({ timeout: -1 })).rejects.toBeInstanceOf(RangeError)
      const signal = AbortSignal.abort(new Error('enough'))
      await expect(handle.wait({ signal })).rejects.toThrow('enough')
    })

    test('aborting a wait ends the wait and not the process', async () => {
      const engine = await anEngine()
      const handle = await engine.launch(Gated, { gate: 'abort' })
      const controller = new AbortController()
      const waiting = handle.result({ signal: controller.signal })
      const reason = new Error('no time')
      controller.abort(reason)
      await expect(waiting).rejects.toBe(reason)
      gate('abort').open()
      await handle.result()
      expect(handle.state.label).toBe('finished')
    })

    test('a signal given to launch kills the process', async () => {
      const engine = await anEngine()
      const controller = new AbortController()
      const handle = await engine.launch(Approval, {}, { signal: controller.signal })
      controller.abort(new Error('called off'))
      await expect(handle.result()).rejects.toThrow('called off')
      expect(handle.state.label).toBe('killed')
    })

    test('callbacks of onDone are called once each, late ones too, and one that throws touches nothing', async () => {
      const engine = await anEngine()
      const handle = await engine.launch(Gated, { gate: 'done' })
      const called: string[] = []
      handle.onDone(() => {
        called.push('throws')
        throw new Error('in a callback')
      })
      handle.onDone(() => called.push('second'))
      handle.onDone(() => called.push('taken back'))()
      gate('done').open()
      await handle.result()
      const late = new Promise<void>((resolve) => handle.onDone(() => resolve()))
      called.push('registered')
      await late
      expect(called).toEqual(expect.arrayContaining(['throws', 'second', 'registered']))
      expect(called).toHaveLength(3)
    })

    test('a pid that the store does not have is lost', async () => {
      const engine = await anEngine()
      const handle = engine.handle('no-such-process')
      await expect(handle.refresh()).rejects.toBeInstanceOf(ProcessLost)
      await expect(handle.result()).rejects.toBeInstanceOf(ProcessLost)
      await expect(engine.handle('nor-this').kill()).rejects.toBeInstanceOf(ProcessLost)
      await expect(engine.explain('nor-that')).rejects.toBeInstanceOf(ProcessLost)
    })

    test('C8: a waiting process goes on with the value that it is resumed with', async () => {
      const engine = await anEngine()
      const handle = await engine.launch(Approval)
      await until(engine, handle.pid, 'waiting')
      expect(await handle.refresh()).toMatchObject({ label: 'waiting', message: 'waiting for the approval' })
      expect(await handle.explain()).toMatch(/waits to be resumed \(waiting for the approval\)/)
      expect(await handle.resume({ approved: true })).toBe(true)
      expect(await handle.outputs.all()).toEqual({ answer: { approved: true } })
    })

    test('C8: a resume that comes before the wait is kept for it', async () => {
      class Late extends Process<typeof Late> {
        override async run(): Promise<unknown> {
          await gate('late').pass()
          return new Wait(this.decide)
        }
        decide(answer: unknown): unknown {
          return answer
        }
      }
      const engine = await anEngine({ processes: [Late] })
      const handle = await engine.launch(Late)
      await gate('late').reached
      await handle.resume('early')
      gate('late').open()
      expect(await handle.result()).toBe('early')
      expect(await handle.resume('too late')).toBe(false)
    })

    test('C8: two resumes end two waits, in order', async () => {
      class Twice extends Process<typeof Twice> {
        declare ctx: { first?: unknown }
        override run(): unknown {
          return new Wait(this.one)
        }
        one(value: unknown): unknown {
          this.ctx.first = value
          return new Wait(this.two)
        }
        two(value: unknown): unknown {
          return [this.ctx.first, value]
        }
      }
      const engine = await anEngine({ processes: [Twice] })
      const handle = await engine.launch(Twice)
      await handle.resume('a')
      await handle.resume('b')
      expect(await handle.result()).toEqual(['a', 'b'])
    })

    test('a wait without a step finishes with the value that wakes it', async () => {
      class Short extends Process<typeof Short> {
        override run(): unknown {
          return new Wait()
        }
      }
      const engine = await anEngine({ processes: [Short] })
      const handle = await engine.launch(Short)
      await handle.resume(7)
      expect(await handle.result()).toBe(7)
    })

    test('C7: a pause takes effect at the next step boundary and keeps what the step yields; play lets it go on', async () => {
      const engine = await anEngine()
      const handle = await engine.launch(Gated, { gate: 'pause' })
      await gate('pause').reached
      expect(await handle.pause('lunch')).toBe(true)
      gate('pause').open()
      await until(engine, handle.pid, 'paused')
      expect(handle.state).toMatchObject({ label: 'running', paused: true, message: 'lunch' })
      expect((await engine.store.read(handle.pid))?.step).toBe('finish')
      expect(await handle.pause()).toBe(true)
      expect(await handle.play()).toBe(true)
      expect(await handle.outputs.all()).toEqual({ steps: 2 })
      expect(gate('pause').visits).toBe(1)
      expect(await handle.pause()).toBe(false)
      expect(await handle.play()).toBe(false)
    })

    test('C7: a play before the boundary calls the pause off', async () => {
      const engine = await anEngine()
      const handle = await engine.launch(Gated, { gate: 'off' })
      await gate('off').reached
      await handle.pause()
      await handle.play()
      gate('off').open()
      await handle.result()
      expect((await handle.history()).map(({ name: entry }) => entry)).not.toContain('paused')
    })

    test('C7: a waiting process is paused, keeps a resume meanwhile, and goes on at play', async () => {
      const engine = await anEngine()
      const handle = await engine.launch(Approval)
      await until(engine, handle.pid, 'waiting')
      await handle.pause()
      expect(await handle.explain()).toMatch(
        /paused; it continues when it is played: `damson play \S+`\nit then waits .* \(waiting for the approval\)$/,
      )
      await handle.resume('kept')
      expect(await handle.explain()).toMatch(/the resume that it waits for is stored/)
      expect(await handle.wait({ timeout: 20 })).toBeNull()
      await handle.play()
      expect(await handle.outputs.all()).toEqual({ answer: 'kept' })
    })

    test('C7: a kill aborts the signal of the running step and drops its command', async () => {
      let reason: unknown
      class Patient extends Process<typeof Patient> {
        override async run(): Promise<unknown> {
          await gate('patient').pass()
          await new Promise((resolve) => this.signal.addEventListener('abort', resolve))
          reason = this.signal.reason
          return new Wait()
        }
      }
      const engine = await anEngine({ processes: [Patient] })
      const handle = await engine.launch(Patient)
      await gate('patient').reached
      gate('patient').open()
      expect(await handle.kill('enough')).toBe(true)
      const error = await handle.result().catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(ProcessKilled)
      expect((error as Error).message).toContain('enough')
      expect(reason).toBeInstanceOf(Error)
      expect(await handle.kill()).toBe(false)
    })

    test('C7: a kill of a step that hangs is enforced at its deadline', async () => {
      const engine = await anEngine({ killGrace: 10 })
      const handle = await engine.launch(Gated, { gate: 'hangs' })
      await gate('hangs').reached
      await handle.kill('too long')
      await expect(handle.result()).rejects.toBeInstanceOf(ProcessKilled)
      // Its slot is free, and the step's late end changes nothing (C5).
      gate('hangs').open()
      expect(await engine.execute(Add, { a: 1 })).toEqual({ sum: 2 })
      expect((await engine.store.read(handle.pid))?.state).toBe('killed')
    })

    test('C7: a forced kill does not wait for the step', async () => {
      const engine = await anEngine({ killGrace: '1h' })
      const handle = await engine.launch(Gated, { gate: 'force' })
      await gate('force').reached
      await handle.kill('now', { force: true })
      await expect(handle.result()).rejects.toThrow('now')
    })

    test('C7: what nobody runs is paused, played and killed from the store alone', async () => {
      const store = await aStore()
      const client = await aClient(store)
      const handle = await client.launch(Add, { a: 1 })
      await handle.pause('not now')
      expect(await handle.refresh()).toMatchObject({ label: 'created', paused: true, message: 'not now' })
      const other = await client.launch(Add, { a: 2 })
      expect(await other.kill('never')).toBe(true)
      expect(await other.wait({ timeout: 0 })).toMatchObject({ label: 'killed' })
      await expect(other.result()).rejects.toThrow('never')
      await handle.play()
      const engine = await anEngine({ store })
      expect(await engine.handle(handle.pid).result()).toEqual({ sum: 2 })
      expect((await store.read(other.pid))?.state).toBe('killed')
    })

    test('a client sees the end of what an engine runs', async () => {
      const store = await aStore()
      const client = await aClient(store)
      const engine = await anEngine({ store })
      const handle = await client.launch(Add, { a: 1 })
      expect(await handle.outputs.all()).toEqual({ sum: 2 })
      expect(engine.handle(handle.pid)).not.toBe(handle)
      expect(await engine.handle(handle.pid).result()).toEqual({ sum: 2 })
    })

    test('the state of a handle is what was read last, and refresh() and find() read the store', async () => {
      const store = await aStore()
      const [client, other] = [await aClient(store), await aClient(store)]
      const handle = await client.launch(Add, { a: 1 })
      const elsewhere = other.handle(handle.pid)
      expect(await elsewhere.refresh()).toMatchObject({ label: 'created' })
      await anEngine({ store })
      await handle.wait()
      expect(handle.state).toMatchObject({ label: 'finished' })
      expect(await elsewhere.refresh()).toMatchObject({ label: 'finished' })
      expect(elsewhere.state).toMatchObject({ label: 'finished' })
      expect(await other.find(handle.pid)).toMatchObject({ name: 'Add', state: { label: 'finished' } })
    })

    test('a process launched by name gets its defaults and validation where its class is known', async () => {
      const store = await aStore()
      const client = await aClient(store)
      const early = await client.launch('Add', { a: 1 })
      const wrong = await client.launch('Add', { a: 'one' })
      await anEngine({ store })
      expect(await early.outputs.all()).toEqual({ sum: 2 })
      const error = (await wrong.result({ raiseOnFailure: false })) as ProcessExcepted
      expect(error.cause).toBeInstanceOf(PortValidationError)
      // Now that an engine has described the class, the client knows it at once.
      const refused = await client.launch('Add', { a: 'one', c: 1 }).catch((thrown: unknown) => thrown)
      expect(refused).toBeInstanceOf(PortValidationError)
      expect((refused as PortValidationError).problems.map(({ port }) => port).toSorted()).toEqual([
        'inputs.a',
        'inputs.c',
      ])
      await expect(client.launch('Add')).rejects.toThrow('inputs.a: is required')
    })

    test('C9: a class that no engine knows is left alone, and explain says so', async () => {
      const store = await aStore()
      const engine = await anEngine({ store, processes: [Count] })
      const client = await aClient(store)
      const stranger = await client.launch(Add, { a: 1 })
      await engine.execute(Count)
      const before = await store.read(stranger.pid)
      expect(before).toMatchObject({ state: 'created', owner: null, parked: null })
      expect(await engine.explain(stranger.pid)).toMatch(/no running engine has class Add/)
      const knowing = await anEngine({ store })
      expect(await knowing.handle(stranger.pid).result()).toEqual({ sum: 2 })
    })

    test('C9: a version that is newer than the engine’s class is left alone', async () => {
      const store = await aStore()
      const client = await aClient(store)
      const handle = await client.launch(NewCounter)
      const old = await anEngine({ store, processes: [OldCounter] })
      await old.execute(OldCounter)
      expect(await store.read(handle.pid)).toMatchObject({ state: 'created', owner: null, version: 2 })
      const latest = await anEngine({ store, processes: [NewCounter] })
      expect(await latest.handle(handle.pid).result()).toBe('new')
    })

    test('a parent launches children, waits for them, and they know their parent', async () => {
      const engine = await anEngine()
      const handle = await engine.launch(Parent, { children: 3 })
      const { total, pids } = await handle.outputs.all()
      expect(total).toBe(6)
      const children = await engine.list({ parent: handle.pid })
      expect(children.processes.map(({ pid }) => pid).toSorted()).toEqual([...pids].toSorted())
    })

    test('with one slot a parent and its children do not lock each other out', async () => {
      const engine = await anEngine({ concurrency: 1 })
      expect((await (await engine.launch(Parent, { children: 4 })).outputs.all()).total).toBe(10)
    })

    test('a nested execute runs in memory, inside the step', async () => {
      class Nesting extends Process<typeof Nesting> {
        static override define(spec: ProcessSpec) {
          super.define(spec)
          return spec.output('sum', { schema: { type: 'number' } })
        }
        override async run(): Promise<void> {
          this.out('sum', (await new Add({ a: 4 }).execute()).sum)
        }
      }
      const engine = await anEngine({ processes: [Nesting] })
      expect(await engine.execute(Nesting)).toEqual({ sum: 5 })
      expect((await engine.list()).processes).toHaveLength(1)
    })

    test('C12: a close lets the step end, gives the claim back, and another engine goes on', async () => {
      const store = await aStore()
      const first = await anEngine({ store })
      const handle = await first.launch(Gated, { gate: 'close' })
      await gate('close').reached
      const closing = first.close()
      gate('close').open()
      await closing
      expect(await store.read(handle.pid)).toMatchObject({
        state: 'running',
        step: 'finish',
        owner: null,
        crashes: 0,
      })
      const second = await anEngine({ store })
      expect(await second.handle(handle.pid).result()).toEqual({ steps: 2 })
      expect(gate('close').visits).toBe(1)
    })

    test('C12: a step that outlasts the drain is aborted, not failed, and runs again elsewhere', async () => {
      const store = await aStore()
      const first = await anEngine({ store })
      const handle = await first.launch(Gated, { gate: 'drain' })
      await gate('drain').reached
      await first.close({ drain: 0 })
      expect(await store.read(handle.pid)).toMatchObject({
        state: 'running',
        step: 'run',
        owner: null,
        crashes: 0,
      })
      gate('drain').open()
      const second = await anEngine({ store })
      expect(await second.handle(handle.pid).result()).toEqual({ steps: 2 })
      expect(gate('drain').visits).toBe(2)
    })

    test('what was committed before another engine comes is not run again', async () => {
      const store = await aStore()
      const first = await anEngine({ store, concurrency: 2 })
      const handles = await Promise.all(Array.from({ length: 10 }, () => first.launch(Count, { steps: 20 })))
      await handles[0]?.result()
      await first.close()
      const second = await anEngine({ store })
      for (const { pid } of handles) expect(await second.handle(pid).result()).toEqual({ count: 20 })
    })

    test('a closed engine refuses with a clear error, and a second close joins the first', async () => {
      const engine = await anEngine()
      const [one, two] = [engine.close(), engine.close()]
      await Promise.all([one, two])
      await expect(engine.launch(Add, { a: 1 })).rejects.toMatchObject({ code: 'CLOSED' })
    })

    test('closing rejects the waits that are pending, and the process goes on later', async () => {
      const store = await aStore()
      const client = await aClient(store)
      const handle = await client.launch(Add, { a: 1 })
      const [waited] = await Promise.allSettled([handle.result(), client.close()])
      expect(waited).toMatchObject({ status: 'rejected', reason: { code: 'CLOSED' } })
    })

    test('pauseAll, playAll and killAll reach what the filter lets through', async () => {
      const store = await aStore()
      const client = await aClient(store)
      const adds = await Promise.all([client.launch(Add, { a: 1 }), client.launch(Add, { a: 2 })])
      const count = await client.launch(Count)
      expect(await client.pauseAll({ className: 'Add' }, 'audit')).toBe(2)
      expect(await Promise.all(adds.map(async (handle) => (await handle.refresh()).paused))).toEqual([
        true,
        true,
      ])
      expect((await count.refresh()).paused).toBe(false)
      expect(await client.playAll({ className: 'Add' })).toBe(2)
      expect(await client.killAll({}, 'the end')).toBe(3)
      expect(await client.killAll()).toBe(0)
      expect((await client.list({ state: 'killed' })).processes).toHaveLength(3)
    })

    test('prune deletes what has ended and the filter lets through, and nothing else', async () => {
      const engine = await anEngine()
      const ended = await engine.launch(Add, { a: 1 }, { key: 'again' })
      await ended.result()
      const counted = await engine.launch(Count)
      await counted.result()
      const waiting = await engine.launch(Approval)
      await until(engine, waiting.pid, 'waiting')
      expect(await engine.prune({ className: 'Add' })).toBe(1)
      expect(await engine.prune({ state: 'waiting' })).toBe(0)
      expect(await engine.store.read(ended.pid)).toBeUndefined()
      expect(await engine.history(ended.pid)).toEqual([])
      expect((await engine.list()).processes.map(({ name: shown }) => shown).toSorted()).toEqual([
        'Approval',
        'Count',
      ])
      // Its key is free.
      expect((await engine.launch(Add, { a: 2 }, { key: 'again' })).pid).not.toBe(ended.pid)
      expect(await engine.prune({ until: 0 })).toBe(0)
    })

    test('a process that saves a large part is warned of', async () => {
      const warnings: string[] = []
      const logger = { ...silentLogger, warn: (_: object, message: string) => void warnings.push(message) }
      const engine = await anEngine({ processes: [Loose], logger })
      await engine.execute(Loose, { value: 'x'.repeat(5 * 2 ** 20) })
      expect(warnings.filter((message) => message.includes('large part'))).toHaveLength(1)
    })

    test('a failed process that nobody looks at is no unhandled rejection', async () => {
      const unhandled: unknown[] = []
      const note = (reason: unknown): void => void unhandled.push(reason)
      process.on('unhandledRejection', note)
      const engine = await anEngine()
      const { pid } = await engine.launch(Failing)
      await until(engine, pid, 'excepted')
      await new Promise((resolve) => setImmediate(resolve))
      process.off('unhandledRejection', note)
      expect(unhandled).toEqual([])
    })

    test('hooks run under the engine as they do in memory', async () => {
      const called: string[] = []
      class Hooked extends Process<typeof Hooked> {
        override onRun(): void {
          called.push('onRun')
        }
        override onRunning(): void {
          called.push('onRunning')
        }
        override onWaiting(): void {
          called.push('onWaiting')
        }
        override onFinish(): void {
          called.push('onFinish')
        }
        override onTerminated(): void {
          called.push('onTerminated')
        }
        override run(): unknown {
          return new Wait(this.end)
        }
        end(): void {}
      }
      const engine = await anEngine({ processes: [Hooked] })
      const handle = await engine.launch(Hooked)
      await handle.resume()
      await handle.result()
      // What comes after the last commit has been done when the engine is closed.
      await engine.close()
      const expected = ['onRun', 'onRunning', 'onWaiting', 'onRun', 'onRunning', 'onFinish', 'onTerminated']
      const heard = deaf ? expected.filter((hook) => called.includes(hook)) : expected
      expect(called).toEqual(heard)
    })

    test('an error in an entered hook of a wait excepts the process', async () => {
      class BadHook extends Process<typeof BadHook> {
        override onWaiting(): void {
          throw new Error('in onWaiting')
        }
        override run(): unknown {
          return new Wait()
        }
      }
      const engine = await anEngine({ processes: [BadHook] })
      const error = (await (
        await engine.launch(BadHook)
      ).result({ raiseOnFailure: false })) as ProcessExcepted
      expect(error.cause).toMatchObject({ message: 'in onWaiting' })
    })
  })
}

class Loose extends Process<typeof Loose> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.input('value').output('value')
  }
  override run(): void {
    this.out('value', this.inputs.value)
  }
}

class OldCounter extends Process<typeof OldCounter> {
  static override processName = 'Counter'
  override run(): string {
    return 'old'
  }
}

class NewCounter extends Process<typeof NewCounter> {
  static override processName = 'Counter'
  static override version = 2
  override run(): string {
    return 'new'
  }
}

/** Waits until a process is seen in a state, or paused, by the changes that the store reports. */
export async function until(client: Client, pid: string, state: string): Promise<void> {
  let stop: (() => void) | undefined
  try {
    await new Promise<void>((resolve, reject) => {
      const look = (): void => {
        client
          .handle(pid)
          .refresh()
          .then((info) => {
            if (info.label === state || (state === 'paused' && info.paused)) resolve()
          }, reject)
      }
      stop = client.store.watch((changes) => {
        if (changes.some((change) => change.pid === pid)) look()
      })
      look()
    })
  } finally {
    stop?.()
  }
}
