import {
  type Broadcast,
  Client,
  type Communicator,
  Engine,
  LocalCommunicator,
  MemoryStore,
  Process,
  ProcessLauncher,
  type ProcessSpec,
  type ProcessState,
  RemoteProcessController,
  type RemoteStatus,
  type RpcGroup,
  type TaskContext,
  TaskRejected,
  Uuid,
} from 'damson'
import { RabbitCommunicator } from 'damson/rabbitmq'

type Equal<A, B> = (<G>() => G extends A ? 1 : 2) extends <G>() => G extends B ? 1 : 2 ? true : false
function expectType<_T extends true>(): void {}

type Outputs = Readonly<Record<string, unknown>>

class Add extends Process<typeof Add> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('a', { schema: { type: 'number' } })
      .input('b', { schema: { type: 'number' }, default: 1 })
      .output('sum', { schema: { type: 'number' } })
  }
  override messageReceive(message: unknown) {
    // @ts-expect-error a message may be anything
    void message.intent
    return super.messageReceive(message)
  }
  override broadcastReceive(broadcast: Broadcast) {
    expectType<Equal<typeof broadcast.subject, string | null>>()
    expectType<Equal<typeof broadcast.sender, string | number | null>>()
    // @ts-expect-error a broadcast has no intent; its subject says what it is about
    void broadcast.intent
    return super.broadcastReceive(broadcast)
  }
}
class Bare extends Process {}

export async function controlling(communicator: Communicator): Promise<void> {
  const controller = new RemoteProcessController(communicator)
  const status = await controller.getStatus('pid', { timeout: '5s' })
  expectType<Equal<typeof status, RemoteStatus>>()
  expectType<Equal<typeof status.state, ProcessState>>()
  expectType<Equal<typeof status.paused, boolean>>()
  expectType<Equal<typeof status.creationTime, Date>>()
  // @ts-expect-error there is no such state
  if (status.state === 'runing') return
  await controller.getStatus(17)
  await controller.getStatus(new Uuid('01234567-89ab-cdef-0123-456789abcdef'))
  // @ts-expect-error a pid is a string, a number or a Uuid
  await controller.getStatus({ pid: 'pid' })
  // @ts-expect-error a pid is needed
  await controller.getStatus()
  // @ts-expect-error a duration is a number of milliseconds or a text such as 5s
  await controller.getStatus('pid', { timeout: true })
  // @ts-expect-error there is no such option
  await controller.getStatus('pid', { timeOut: '5s' })

  const requests = [
    await controller.pauseProcess('pid', 'for a person'),
    await controller.playProcess('pid'),
    await controller.killProcess('pid', undefined, { force: true, timeout: 5_000 }),
  ] as const
  expectType<Equal<typeof requests, readonly [boolean, boolean, boolean]>>()
  // @ts-expect-error the message is a text
  await controller.pauseProcess('pid', 17)
  // @ts-expect-error only a kill has force
  await controller.pauseProcess('pid', 'text', { force: true })
  // @ts-expect-error a play has no message
  await controller.playProcess('pid', 'text')
  // @ts-expect-error force is a boolean
  await controller.killProcess('pid', 'text', { force: 'yes' })
  // @ts-expect-error a remote process is not resumed
  await controller.resumeProcess('pid')
  // @ts-expect-error the methods have the names of TypeScript
  await controller.pause_process('pid')

  const toAll = [
    await controller.pauseAll('text'),
    await controller.playAll(),
    await controller.killAll(undefined, { force: true }),
  ] as const
  expectType<Equal<typeof toAll, readonly [void, void, void]>>()
  // @ts-expect-error a play has no message
  await controller.playAll('text')
  // @ts-expect-error no one answers a broadcast, so there is nothing to wait for
  await controller.killAll('text', { timeout: '5s' })
  // @ts-expect-error a communicator is needed
  void new RemoteProcessController()
  // @ts-expect-error a store carries no messages
  void new RemoteProcessController(new MemoryStore())
}

export async function launching(controller: RemoteProcessController): Promise<void> {
  const outputs = await controller.launchProcess(Add, { a: 1 })
  // The process may not have emitted it.
  expectType<Equal<typeof outputs.sum, number | undefined>>()
  // @ts-expect-error there is no such output
  void outputs.smu
  const executed = await controller.executeProcess(Add, { a: 1, b: 2 }, { timeout: '1d' })
  expectType<Equal<typeof executed.sum, number | undefined>>()
  const pids = [
    await controller.launchProcess(Add, { a: 1 }, { nowait: true, pid: 'p', persist: true }),
    await controller.executeProcess(Add, { a: 1 }, { nowait: true }),
    await controller.continueProcess('p', { nowait: true, tag: 'start' }),
  ] as const
  expectType<Equal<typeof pids, readonly [string, string, string]>>()
  const byName = await controller.launchProcess('Add', { anything: 1 })
  expectType<Equal<typeof byName, Outputs>>()
  const continued = await controller.continueProcess('p')
  expectType<Equal<typeof continued, Outputs>>()
  await controller.launchProcess(Bare)
  await controller.launchProcess(Bare, undefined, { nowait: true })

  // @ts-expect-error a is needed
  await controller.launchProcess(Add)
  // @ts-expect-error a is needed
  await controller.launchProcess(Add, {}, { nowait: true })
  // @ts-expect-error a is a number
  await controller.launchProcess(Add, { a: 'one' })
  // @ts-expect-error there is no such input
  await controller.executeProcess(Add, { a: 1, c: 2 })
  // @ts-expect-error values are sent, and no references to other processes
  await controller.launchProcess(Add, { a: (await Client.open({ store: 's.db' })).handle('p') })
  // @ts-expect-error the inputs of a class by name are named values
  await controller.launchProcess('Add', [1])
  // @ts-expect-error a class is given, and no object of it
  await controller.launchProcess(new Bare())
  // @ts-expect-error a launch over a communicator has no key
  await controller.launchProcess(Add, { a: 1 }, { key: 'order-17' })
  // @ts-expect-error a pid of a new process is a string
  await controller.launchProcess(Add, { a: 1 }, { pid: 17, nowait: true })
  // @ts-expect-error a process that is continued has its inputs
  await controller.continueProcess('p', { a: 1 })
}

export async function opening(communicator: Communicator, client: Client): Promise<void> {
  const engine = await Engine.open({ store: 's.db', processes: [Add], communicator })
  const launchers = [new ProcessLauncher(engine), new ProcessLauncher(client)]
  for (const { receive } of launchers)
    expectType<
      Equal<typeof receive extends (task: unknown, context: TaskContext) => unknown ? true : false, true>
    >()
  void new ProcessLauncher(client, { loader: (identifier) => (identifier === 'add' ? Add : undefined) })
  // @ts-expect-error a loader returns a class or its name
  void new ProcessLauncher(client, { loader: () => 17 })
  // @ts-expect-error there is no such option
  void new ProcessLauncher(client, { persister: new MemoryStore() })
  // @ts-expect-error a launcher launches by a client, which has the store
  void new ProcessLauncher(new MemoryStore())
  // @ts-expect-error only an engine answers messages
  await Client.open({ store: 's.db', communicator })
  // @ts-expect-error a URL makes no communicator by itself
  await Engine.open({ store: 's.db', processes: [Add], communicator: 'amqp://localhost' })
}

export async function carrying(): Promise<void> {
  const rabbit = await RabbitCommunicator.connect({ url: 'amqp://localhost', prefetch: 5, heartbeat: 1 })
  // @ts-expect-error the URL is needed
  await RabbitCommunicator.connect({ taskQueue: 'tasks' })
  // @ts-expect-error there is no such option
  await RabbitCommunicator.connect({ url: 'amqp://localhost', queue: 'tasks' })
  // @ts-expect-error use connect
  void new RabbitCommunicator({ url: 'amqp://localhost' })
  const communicators: readonly Communicator[] = [rabbit, new LocalCommunicator()]
  for (const communicator of communicators) {
    const answer = await communicator.rpcSend('pid', { intent: 'status' }, { timeout: '5s' })
    expectType<Equal<typeof answer, unknown>>()
    // @ts-expect-error a recipient is a text
    await communicator.rpcSend(17, null)
    // @ts-expect-error a message is needed, if only null
    await communicator.rpcSend('pid')
    // @ts-expect-error an RPC always has an answer
    await communicator.rpcSend('pid', null, { noReply: true })
    await communicator.taskSend({ task: 'launch' }, { noReply: true })
    // @ts-expect-error a task has no recipient
    await communicator.taskSend('pid', { task: 'launch' }, {})
    await communicator.broadcastSend(null, { sender: 17, subject: 'pause', correlationId: 'one' })
    // @ts-expect-error the subject is a text
    await communicator.broadcastSend(null, { subject: /pause/ })

    const identifier = await communicator.addRpcSubscriber((message) => {
      expectType<Equal<typeof message, unknown>>()
      return true
    })
    expectType<Equal<typeof identifier, string>>()
    await communicator.removeRpcSubscriber(identifier)
    await communicator.addTaskSubscriber((task, { id, redelivered, accept }) => {
      expectType<Equal<typeof task, unknown>>()
      expectType<Equal<typeof id, string | undefined>>()
      expectType<Equal<typeof redelivered, boolean>>()
      if (id === undefined) throw new TaskRejected('it has no id')
      accept()
    }, 'worker')
    await communicator.addBroadcastSubscriber(
      (broadcast) => expectType<Equal<typeof broadcast, Broadcast>>(),
      { subject: /^state_changed/, group: 'g', identifier: 'i' },
    )
    // @ts-expect-error a filter has no sender
    await communicator.addBroadcastSubscriber(() => {}, { sender: 'pid' })
    // @ts-expect-error a subscriber is a function
    await communicator.addRpcSubscriber('pid')
    const group = await communicator.joinRpcGroup('g', (_message, recipient) => {
      expectType<Equal<typeof recipient, string>>()
    })
    expectType<Equal<typeof group, RpcGroup>>()
    group.add('pid')
    // @ts-expect-error an identifier is a text
    group.remove(17)
  }
  // @ts-expect-error a carrier has all methods
  const half: Communicator = { rpcSend: async () => null, close: async () => {} }
  void half
}
