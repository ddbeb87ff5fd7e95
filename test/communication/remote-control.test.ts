import { expect, onTestFinished, test } from 'vitest'
import {
  Client,
  Engine,
  LocalCommunicator,
  MemoryStore,
  PendingReply,
  Process,
  ProcessLauncher,
  RemoteException,
  RemoteProcessController,
  UnroutableError,
  Wait,
  type AnyProcessClass,
  type Broadcast,
  type EngineOptions,
  type ProcessSpec,
} from '../../src/index.ts'

/* An engine with a communicator: what plumpy's controllers and launchers do with its processes. */

class Waiter extends Process<typeof Waiter> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.output('woken', { schema: {} })
  }
  override run() {
    return new Wait(this.after)
  }
  after(value: unknown) {
    this.out('woken', value)
  }
}

class Dummy extends Process<typeof Dummy> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('a', { schema: { type: 'integer' }, default: 5 })
      .output('default', { schema: { type: 'integer' } })
  }
  override run() {
    this.out('default', this.inputs.a)
  }
}

class Fails extends Process {
  override run() {
    throw new Error('went wrong')
  }
}

class Talks extends Process<typeof Talks> {
  static readonly heard: [string, unknown][] = []
  declare ctx: { name: string }
  override run() {
    this.ctx.name = 'saved'
    return new Wait(this.after)
  }
  after() {}
  override messageReceive(message: unknown): unknown {
    return message === 'name' ? `${this.ctx.name} ${this.state}` : super.messageReceive(message)
  }
  override broadcastReceive({ subject, body }: Broadcast): unknown {
    Talks.heard.push([this.pid, subject])
    return body === 'not you'
      ? undefined
      : super.broadcastReceive({ subject, body, sender: null, correlationId: null })
  }
}

const CLASSES: readonly AnyProcessClass[] = [Waiter, Dummy, Fails, Talks]

interface Opened {
  readonly engine: Engine
  readonly communicator: LocalCommunicator
  readonly controller: RemoteProcessController
  readonly heard: Broadcast[]
}

async function open(options: Partial<EngineOptions> = {}): Promise<Opened> {
  const communicator = new LocalCommunicator()
  const heard: Broadcast[] = []
  await communicator.addBroadcastSubscriber((broadcast) => void heard.push(broadcast))
  const engine = await Engine.open({
    store: new MemoryStore(),
    processes: CLASSES,
    communicator,
    handleSignals: false,
    ...options,
  } as EngineOptions)
  onTestFinished(() => engine.close({ drain: 0 }))
  await communicator.addTaskSubscriber(new ProcessLauncher(engine).receive)
  return { engine, communicator, controller: new RemoteProcessController(communicator), heard }
}

async function waiting(engine: Engine, processClass: AnyProcessClass = Waiter) {
  const handle = await engine.launch(processClass as typeof Waiter)
  await expect.poll(async () => (await handle.refresh()).label).toBe('waiting')
  return handle
}

test('a process is paused by RPC, played and killed, and each request is stored when it is answered', async () => {
  const { engine, controller } = await open()
  const handle = await waiting(engine)
  expect(await controller.pauseProcess(handle.pid, 'hold tight')).toBe(true)
  expect(await handle.refresh()).toMatchObject({ paused: true, message: 'hold tight' })
  expect(await controller.playProcess(handle.pid)).toBe(true)
  expect(await handle.refresh()).toMatchObject({ label: 'waiting', paused: false })
  expect(await controller.killProcess(handle.pid, 'enough')).toBe(true)
  expect(await handle.refresh()).toMatchObject({ label: 'killed', message: 'enough' })
})

test('the status of a process is as plumpy’s controllers expect it', async () => {
  const { engine, controller, communicator } = await open()
  const handle = await waiting(engine)
  const raw = await communicator.rpcSend(handle.pid, { intent: 'status' })
  expect(raw).toEqual({
    ctime: expect.any(Number) as number,
    paused: false,
    process_string: `Waiter<${handle.pid}> (waiting)`,
    state: 'ProcessState.WAITING',
  })
  const status = await controller.getStatus(handle.pid)
  expect(status).toMatchObject({ state: 'waiting', paused: false })
  expect(Math.abs(Date.now() - status.creationTime.getTime())).toBeLessThan(60_000)
})

test('no one answers for a process that has ended or does not exist, and an unknown intent is an error', async () => {
  const { engine, controller, communicator } = await open()
  const handle = await waiting(engine)
  await expect(communicator.rpcSend(handle.pid, { intent: 'dance' })).rejects.toThrow(
    'unknown intent "dance"',
  )
  await expect(communicator.rpcSend(handle.pid, 'pause')).rejects.toThrow(RemoteException)
  await handle.resume(1)
  await handle.wait()
  await expect(controller.getStatus(handle.pid)).rejects.toThrow(UnroutableError)
  await expect(controller.killProcess('no such pid')).rejects.toThrow(UnroutableError)
})

test('pauseAll, playAll and killAll reach all processes', async () => {
  const { engine, controller } = await open()
  const handles = await Promise.all(Array.from({ length: 10 }, () => waiting(engine)))
  const all = async (property: 'paused' | 'label'): Promise<unknown[]> => [
    ...new Set(await Promise.all(handles.map(async (handle) => (await handle.refresh())[property]))),
  ]
  await controller.pauseAll("Slow yo' roll")
  await expect.poll(() => all('paused')).toEqual([true])
  await controller.playAll()
  await expect.poll(() => all('paused')).toEqual([false])
  await controller.killAll('bang bang')
  await expect.poll(() => all('label')).toEqual(['killed'])
})

test('each change of a state is broadcast once, in order, the first from None', async () => {
  const { engine, heard } = await open()
  const handle = await engine.launch(Dummy)
  await handle.wait()
  const killed = await waiting(engine)
  await killed.kill()
  const of = (pid: string) => heard.filter(({ sender }) => sender === pid).map(({ subject }) => subject)
  await expect
    .poll(() => of(handle.pid))
    .toEqual([
      'state_changed.None.created',
      'state_changed.created.running',
      'state_changed.running.finished',
    ])
  await expect
    .poll(() => of(killed.pid))
    .toEqual([
      'state_changed.None.created',
      'state_changed.created.running',
      'state_changed.running.waiting',
      'state_changed.waiting.killed',
    ])
  expect(heard[0]).toMatchObject({ body: null, correlationId: null })
})

test('a process that waited before the engine was opened answers, and what a client does is broadcast', async () => {
  const store = new MemoryStore()
  const first = await open({ store })
  const handle = await waiting(first.engine)
  await first.engine.close()
  await expect(first.controller.getStatus(handle.pid)).rejects.toThrow(UnroutableError)

  const { controller, heard } = await open({ store })
  expect(await controller.getStatus(handle.pid)).toMatchObject({ state: 'waiting' })
  const client = await Client.open({ store })
  onTestFinished(() => client.close())
  const other = await client.launch('Dummy')
  await other.wait()
  await client.handle(handle.pid).kill()
  await expect
    .poll(() => heard.filter(({ sender }) => sender === handle.pid).map(({ subject }) => subject))
    .toEqual(['state_changed.waiting.killed'])
  await expect.poll(() => heard.filter(({ sender }) => sender === other.pid)).toHaveLength(3)
})

test('a class may answer messages in its own way, in memory or saved', async () => {
  const { engine, communicator, controller } = await open()
  const handle = await waiting(engine, Talks)
  expect(await communicator.rpcSend(handle.pid, 'name')).toBe('saved waiting')
  expect(await controller.pauseProcess(handle.pid)).toBe(true)
  expect((await handle.refresh()).paused).toBe(true)
  expect(await controller.getStatus(handle.pid)).toMatchObject({ state: 'waiting', paused: true })
  expect(await controller.killProcess(handle.pid, 'over')).toBe(true)
  expect(await handle.wait()).toMatchObject({ label: 'killed', message: 'over' })
})

test('a class may hear broadcasts in its own way, beside those that do not', async () => {
  const { engine, communicator } = await open()
  const [own, other] = [await waiting(engine, Talks), await waiting(engine)]
  Talks.heard.length = 0
  await communicator.broadcastSend('not you', { subject: 'kill' })
  expect(await other.wait()).toMatchObject({ label: 'killed', message: 'not you' })
  await communicator.broadcastSend(null, { subject: 'weather' })
  await expect
    .poll(() => Talks.heard.filter(([pid]) => pid === own.pid))
    .toEqual([
      [own.pid, 'kill'],
      [own.pid, 'weather'],
    ])
  expect((await own.refresh()).label).toBe('waiting')
  await communicator.broadcastSend(null, { subject: 'pause' })
  await expect.poll(async () => (await own.refresh()).paused).toBe(true)
})

test('a process without an engine answers its own messages', async () => {
  const process = new Waiter()
  expect(process.messageReceive({ intent: 'status' })).toMatchObject({ state: 'ProcessState.CREATED' })
  const answer = process.messageReceive({ intent: 'kill', message: 'now' })
  expect(await (answer as PendingReply).result).toBe(true)
  await process.stepUntilTerminated()
  expect(process.killedMessage()).toBe('now')
})

test('a process is launched by a task, and its outputs are the result', async () => {
  const { controller } = await open()
  expect(await controller.launchProcess(Dummy)).toEqual({ default: 5 })
  expect(await controller.launchProcess('some.module:Dummy', { a: 7 })).toEqual({ default: 7 })
})

test('launches without waiting resolve to the pids', async () => {
  const { engine, controller } = await open()
  const pids = await Promise.all(
    Array.from({ length: 10 }, (_, a) => controller.launchProcess(Dummy, { a }, { nowait: true })),
  )
  expect(new Set(pids).size).toBe(10)
  const outputs = await Promise.all(pids.map((pid) => engine.handle(Dummy, pid).outputs.all()))
  expect(outputs.map((each) => each.default)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])
})

test('executeProcess creates and continues a process', async () => {
  const { engine, controller } = await open()
  expect(await controller.executeProcess(Dummy, { a: 1 })).toEqual({ default: 1 })
  const pid = await controller.executeProcess(Dummy, { a: 2 }, { nowait: true, pid: 'mine' })
  expect(pid).toBe('mine')
  expect(await engine.handle(pid).wait()).toMatchObject({ label: 'finished' })
})

test('continueProcess resolves to the outputs of a stored process, also of one that has ended', async () => {
  const { engine, controller } = await open()
  const handle = await waiting(engine)
  const continued = controller.continueProcess(handle.pid)
  await handle.resume('now')
  expect(await continued).toEqual({ woken: 'now' })
  expect(await controller.continueProcess(handle.pid)).toEqual({ woken: 'now' })
  expect(await controller.continueProcess(handle.pid, { nowait: true })).toBe(handle.pid)
  await expect(controller.continueProcess('no such pid')).rejects.toThrow('ProcessLost')
  await expect(controller.continueProcess(handle.pid, { tag: 'early' })).rejects.toThrow('checkpoint')
})

test('a task that is delivered again finds the process that it has launched', async () => {
  const { engine } = await open()
  const { receive } = new ProcessLauncher(engine)
  const task = { task: 'launch', args: { process_class: 'Dummy', init_args: [{ a: 3 }], nowait: true } }
  let accepted = 0
  const deliver = () => receive(task, { id: 'one', redelivered: false, accept: () => accepted++ })
  const pid = await deliver()
  expect(await deliver()).toBe(pid)
  expect(accepted).toBe(2)
  expect(await engine.handle(Dummy, pid as string).outputs.all()).toEqual({ default: 3 })
  expect((await engine.list({ className: 'Dummy' })).processes).toHaveLength(1)
})

test('what a process fails with, and what a launcher refuses, reaches the sender', async () => {
  const { communicator, controller } = await open()
  await expect(controller.launchProcess('Fails')).rejects.toThrow('went wrong')
  await expect(controller.launchProcess('Dummy', { a: 'text' })).rejects.toThrow('inputs.a')
  const send = (args: unknown) => communicator.taskSend({ task: 'launch', args })
  await expect(send({})).rejects.toThrow('process_class is the name of a class')
  await expect(send({ process_class: 'Dummy', init_kwargs: { logger: 1 } })).rejects.toThrow('logger')
  await expect(send({ process_class: 'Dummy', init_args: [1] })).rejects.toThrow('inputs is an object')
})

test('a launcher leaves to others what it does not know, and may be given its own names', async () => {
  const { engine, communicator, controller } = await open()
  await communicator.addTaskSubscriber((task) => ['other', task])
  expect(await communicator.taskSend('anything')).toEqual(['other', 'anything'])
  expect(await controller.launchProcess('Unknown', {}, { nowait: true })).toContain('other')
  const launcher = new ProcessLauncher(engine, {
    loader: (identifier) => (identifier === 'jimmy' ? Dummy : undefined),
  })
  const context = { id: undefined, redelivered: false, accept: () => {} }
  const launch = (name: string) =>
    launcher.receive({ task: 'launch', args: { process_class: name } }, context)
  expect(await launch('jimmy')).toEqual({ default: 5 })
  await expect(launch('Dummy')).rejects.toThrow('has the class Dummy')
})

test('two engines of a store answer for it together, and each change is broadcast by one', async () => {
  const store = new MemoryStore()
  const { engine, communicator, controller, heard } = await open({ store })
  const second = await Engine.open({ store, processes: [Waiter], communicator, handleSignals: false })
  const handle = await waiting(second)
  expect(await controller.pauseProcess(handle.pid)).toBe(true)
  await second.close({ drain: 0 })
  expect(await controller.getStatus(handle.pid)).toMatchObject({ paused: true })
  await engine.handle(handle.pid).kill()
  const moves = () =>
    heard.filter(({ sender, subject }) => sender === handle.pid && !subject?.includes('None'))
  await expect.poll(() => moves().at(-1)?.subject).toBe('state_changed.waiting.killed')
  expect(moves()).toHaveLength(3)
})

test('a wrong communicator is refused', async () => {
  await expect(
    Engine.open({ store: new MemoryStore(), processes: [Dummy], communicator: {} as LocalCommunicator }),
  ).rejects.toThrow('Engine.open: communicator takes a communicator')
})
