// @module-tag more
import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import {
  ConnectionLost,
  Engine,
  MemoryStore,
  ProcessLauncher,
  RemoteProcessController,
  ResponseTimeout,
  type Communicator,
  type Logger,
} from '../../src/index.ts'
import { RabbitCommunicator, type RabbitOptions } from '../../src/communication/rabbitmq/index.ts'
import { Gate } from '../engine/processes.ts'
import { TcpProxy } from '../postgres/tcp-proxy.ts'
import { RABBITMQ, RabbitServer } from './server.ts'
import { Sleeper } from './sleeper.ts'

/*
 * The connection breaks between a request and its answer: on the side that asks, on the side that answers, or on
 * both, since the server is stopped and started.
 */

const NOWHERE = 'amqp://127.0.0.1:1/'

describe.skipIf(RABBITMQ === undefined)('over RabbitMQ', async () => {
  const server = RABBITMQ === undefined ? (undefined as never) : await RabbitServer.start()
  afterAll(() => server?.remove())
  let tests = 0

  interface Side {
    readonly communicator: RabbitCommunicator
    readonly proxy: TcpProxy
    /** What it has logged. */
    readonly lines: string[]
  }

  function names(): Partial<RabbitOptions> {
    const name = `lost-${++tests}`
    return { messageExchange: `${name}.messages`, taskExchange: `${name}.tasks`, taskQueue: `${name}.tasks` }
  }

  /** A communicator behind a proxy of its own. */
  async function side(options: Partial<RabbitOptions>): Promise<Side> {
    const proxy = await TcpProxy.start(server.url)
    onTestFinished(() => proxy.close())
    const lines: string[] = []
    const log = (_facts: unknown, text?: string): void => void lines.push(text ?? '')
    const logger: Logger = { debug: log, info: log, warn: log, error: log }
    const communicator = await RabbitCommunicator.connect({ url: proxy.url, logger, ...options })
    onTestFinished(() => communicator.close())
    return { communicator, proxy, lines }
  }

  async function engineWith(communicator: Communicator): Promise<Engine> {
    const engine = await Engine.open({
      store: new MemoryStore(),
      processes: [Sleeper],
      communicator,
      handleSignals: false,
    })
    onTestFinished(() => engine.close({ drain: 0 }))
    return engine
  }

  /** A process that one side runs, and a controller at the other side, which reaches it. */
  async function controlled() {
    const own = names()
    const [asks, answers] = [await side(own), await side(own)]
    const engine = await engineWith(answers.communicator)
    const handle = await engine.launch(Sleeper, { name: 'one' })
    const controller = new RemoteProcessController(asks.communicator)
    await vi.waitFor(() => controller.getStatus(handle.pid), { timeout: 10_000 })
    return { asks, engine, handle, controller }
  }

  function isBack({ lines }: Side): Promise<void> {
    return vi.waitFor(() => expect(lines).toContain('there is a connection to RabbitMQ again'), {
      timeout: 30_000,
      interval: 20,
    })
  }

  test('an RPC is answered though the connection of the side that answers breaks before', async () => {
    const own = names()
    const [asks, answers] = [await side(own), await side(own)]
    for (const waits of [false, true]) {
      const door = new Gate()
      await answers.communicator.addRpcSubscriber(async () => {
        await door.pass()
        return 'answered'
      }, `waits ${waits}`)
      const asked = asks.communicator.rpcSend(`waits ${waits}`, null, { timeout: '30s' })
      await door.reached
      answers.lines.length = 0
      answers.proxy.cut()
      // Both before the loss is noticed, and once there is a connection again.
      if (waits) await isBack(answers)
      door.open()
      expect(await asked).toBe('answered')
    }
  }, 60_000)

  test('the result of a task reaches a side that was away when it was sent', async () => {
    const own = names()
    const [asks, answers] = [await side(own), await side(own)]
    const door = new Gate()
    await answers.communicator.addTaskSubscriber(async (_task, context) => {
      context.accept()
      await door.pass()
      return 'done'
    })
    const asked = asks.communicator.taskSend('work', { timeout: '1m' })
    await door.reached
    asks.proxy.leadTo(NOWHERE)
    await expect.poll(() => asks.lines).toContain('the connection to RabbitMQ was lost; it is made again')
    door.open()
    await expect.poll(() => answers.lines).toContain('an answer has reached no one; it is sent again')
    asks.proxy.leadTo(server.url)
    expect(await asked).toBe('done')
    expect(door.visits).toBe(1)
  }, 60_000)

  test('an answer that stays lost is a clear error within the time limit', async () => {
    const own = names()
    const [asks, answers] = [await side({ ...own, heartbeat: 1 }), await side(own)]
    await answers.communicator.addRpcSubscriber(() => 'answered', 'one')
    asks.proxy.holdAnswers()
    const asked = asks.communicator.rpcSend('one', null, { timeout: 500 })
    await expect(asked).rejects.toThrow(ResponseTimeout)
    await expect(asked).rejects.toThrow('it may still be handled')
    // The heartbeats notice it.
    await expect(asks.communicator.rpcSend('one', null)).rejects.toThrow(ConnectionLost)
    await expect(
      vi.waitFor(() => asks.communicator.rpcSend('one', null), { timeout: 20_000, interval: 100 }),
    ).resolves.toBe('answered')
  }, 60_000)

  test('nothing hangs on a connection that is silent, not even its end (C7)', async () => {
    const own = names()
    const { communicator, proxy } = await side({ ...own, heartbeat: 60 })
    proxy.stall()
    const began = Date.now()
    const unsent = communicator.taskSend('work').catch((error: unknown) => error)
    await communicator.close()
    expect(await unsent).toMatchObject({ code: 'CLOSED' })
    // The limit of the close is five seconds.
    expect(Date.now() - began).toBeLessThan(20_000)
  }, 60_000)

  test('a pause whose answer is lost is asked for again, and takes effect once (C7)', async () => {
    const { asks, engine, handle, controller } = await controlled()
    asks.proxy.holdAnswers()
    const paused = controller.pauseProcess(handle.pid, 'hold')
    await expect.poll(async () => (await handle.refresh()).paused).toBe(true)
    asks.proxy.cut()
    expect(await paused).toBe(true)
    const events = (await engine.history(handle.pid)).filter(({ name }) => name === 'paused')
    expect(events).toHaveLength(1)
  }, 60_000)

  test('a kill whose answer is lost, and whose repetition finds no one, is not said to have done nothing', async () => {
    const { asks, handle, controller } = await controlled()
    asks.proxy.holdAnswers()
    const killed = controller
      .killProcess(handle.pid, 'over', { timeout: '3s' })
      .catch((error: unknown) => error)
    await handle.wait()
    asks.proxy.cut()
    const error = await killed
    // An `UnroutableError` would say that nothing was done.
    expect(error).toBeInstanceOf(ConnectionLost)
    expect((error as Error).message).toContain('may have taken effect')
  }, 60_000)

  test('a server that is stopped and started between a request and its answer loses neither (C7)', async () => {
    const own = names()
    const [asks, answers] = [await side(own), await side(own)]
    const engine = await engineWith(answers.communicator)
    const { receive } = new ProcessLauncher(engine)
    const door = new Gate()
    let deliveries = 0
    // The process is stored, and the task neither accepted nor answered.
    await answers.communicator.addTaskSubscriber(async (task, context) => {
      deliveries++
      const answer = await receive(task, { ...context, accept: () => {} })
      await door.pass()
      return answer
    })
    const controller = new RemoteProcessController(asks.communicator)
    const held = await engine.launch(Sleeper, { name: 'held' })
    await vi.waitFor(() => controller.getStatus(held.pid), { timeout: 10_000 })
    const launched = controller.launchProcess(Sleeper, { name: 'one' }, { nowait: true })
    await door.reached
    asks.proxy.holdAnswers()
    const paused = controller.pauseProcess(held.pid, 'hold')
    await expect.poll(async () => (await held.refresh()).paused).toBe(true)
    await server.kill()
    await server.start()
    door.open()
    const pid = await launched
    expect(await paused).toBe(true)
    await expect.poll(() => deliveries, { timeout: 30_000 }).toBe(2)
    const pids = (await engine.list()).processes.map((process) => process.pid)
    expect(pids.toSorted()).toEqual([held.pid, pid].toSorted())
    const events = (await engine.history(held.pid)).filter(({ name }) => name === 'paused')
    expect(events).toHaveLength(1)
  }, 120_000)
})
