// @module-tag more
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import amqp from 'amqplib'
import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import {
  CommunicationError,
  ConnectionLost,
  Engine,
  MemoryStore,
  ProcessLauncher,
  RemoteProcessController,
  UnroutableError,
  type Logger,
} from '../../src/index.ts'
import { RabbitCommunicator, type RabbitOptions } from '../../src/communication/rabbitmq/index.ts'
import { communicatorSuite } from '../communication/communicator-suite.ts'
import { RABBITMQ, RabbitServer } from './server.ts'
import { Sleeper } from './sleeper.ts'

/* RabbitMQ itself: a server that is stopped and started, connections that break, and programs that are killed. */

describe.skipIf(RABBITMQ === undefined)('RabbitMQ', async () => {
  const server = RABBITMQ === undefined ? (undefined as never) : await RabbitServer.start()
  afterAll(() => server?.remove())
  let tests = 0

  /** Names that no other test uses. */
  function names(): { messageExchange: string; taskExchange: string; taskQueue: string } {
    const name = `test-${++tests}`
    return { messageExchange: `${name}.messages`, taskExchange: `${name}.tasks`, taskQueue: `${name}.tasks` }
  }

  async function connect(options: Partial<RabbitOptions>): Promise<RabbitCommunicator> {
    const communicator = await RabbitCommunicator.connect({ url: server.url, ...options })
    onTestFinished(() => communicator.close())
    return communicator
  }

  communicatorSuite('RabbitCommunicator', async () => {
    const own = names()
    const opened: RabbitCommunicator[] = []
    return {
      open: async () => {
        const communicator = await RabbitCommunicator.connect({ url: server.url, ...own })
        opened.push(communicator)
        return communicator
      },
      close: async () => {
        for (const communicator of opened) await communicator.close()
      },
    }
  })

  function logged(): { logger: Logger; lines: [string, string][] } {
    const lines: [string, string][] = []
    const log = (level: string) => (_facts: unknown, text?: string) => void lines.push([level, text ?? ''])
    return {
      lines,
      logger: { debug: log('debug'), info: log('info'), warn: log('warn'), error: log('error') },
    }
  }

  async function engineWith(communicator: RabbitCommunicator): Promise<Engine> {
    const engine = await Engine.open({
      store: new MemoryStore(),
      processes: [Sleeper],
      communicator,
      handleSignals: false,
    })
    onTestFinished(() => engine.close({ drain: 0 }))
    await communicator.addTaskSubscriber(new ProcessLauncher(engine).receive)
    return engine
  }

  /** An answer, however long the subscriptions take to come back. */
  function eventually<T>(work: () => Promise<T>): Promise<T> {
    return vi.waitFor(work, { timeout: 30_000, interval: 100 })
  }

  test('an engine is controlled over it, and broadcasts', async () => {
    const own = names()
    const engine = await engineWith(await connect(own))
    const other = await connect(own)
    const subjects: unknown[] = []
    await other.addBroadcastSubscriber(({ subject }) => void subjects.push(subject))
    const controller = new RemoteProcessController(other)
    const pid = await controller.launchProcess(Sleeper, { name: 'one' }, { nowait: true })
    expect(await eventually(() => controller.getStatus(pid))).toMatchObject({ paused: false })
    expect(await controller.pauseProcess(pid, 'hold')).toBe(true)
    expect(await engine.handle(pid).refresh()).toMatchObject({ paused: true, message: 'hold' })
    expect(await controller.playProcess(pid)).toBe(true)
    await controller.pauseAll('all')
    await expect.poll(async () => (await engine.handle(pid).refresh()).paused).toBe(true)
    expect(await controller.killProcess(pid)).toBe(true)
    await expect.poll(() => subjects.at(-1)).toBe('state_changed.waiting.killed')
    expect(subjects[0]).toBe('state_changed.None.created')
    await expect
      .poll(() => controller.getStatus(pid).catch((error: unknown) => error))
      .toBeInstanceOf(UnroutableError)
  })

  test('a server that stops and starts again aborts nothing, and everything is subscribed again', async () => {
    const own = names()
    const { logger, lines } = logged()
    const engine = await engineWith(await connect({ ...own, logger }))
    const other = await connect(own)
    const controller = new RemoteProcessController(other)
    const pid = await controller.launchProcess(Sleeper, { name: 'one' }, { nowait: true })
    await eventually(() => controller.getStatus(pid))
    const outputs = controller.continueProcess(pid)
    await other.addRpcSubscriber(() => new Promise(() => {}), 'silent')
    const lost = other.rpcSend('silent', null).catch((error: unknown) => error)
    await other.broadcastSend('a round trip')
    await server.kill()
    expect(await lost).toBeInstanceOf(ConnectionLost)
    // Goes out once the server is back.
    const queued = controller.launchProcess(Sleeper, { name: 'two' }, { nowait: true })
    await server.start()
    const second = await queued
    expect(await eventually(() => controller.getStatus(pid))).toMatchObject({ state: 'waiting' })
    expect(await eventually(() => controller.pauseProcess(second))).toBe(true)
    await engine.handle(pid).resume('woken')
    expect(await outputs).toEqual({ woken: 'woken' })
    expect(lines.map(([, text]) => text)).toContain('the connection to RabbitMQ was lost; it is made again')
  }, 120_000)

  test('a connection that is cut is made again', async () => {
    const own = names()
    const engine = await engineWith(await connect(own))
    const other = await connect(own)
    const controller = new RemoteProcessController(other)
    const { pid } = await engine.launch(Sleeper, { name: 'one' })
    await eventually(() => controller.getStatus(pid))
    server.control('close_all_connections', 'a test cuts them')
    expect(await eventually(() => controller.pauseProcess(pid))).toBe(true)
    expect((await engine.handle(pid).refresh()).paused).toBe(true)
  }, 60_000)

  test('a task that cannot be read is dropped once, logged and answered, and holds nothing up', async () => {
    const own = names()
    const { logger, lines } = logged()
    const communicator = await connect({ ...own, logger })
    const handled: unknown[] = []
    await communicator.addTaskSubscriber((task) => {
      handled.push(task)
      return 'done'
    })
    const model = await amqp.connect(server.url)
    onTestFinished(() => model.close())
    const channel = await model.createConfirmChannel()
    const { queue } = await channel.assertQueue('', { exclusive: true })
    await channel.bindQueue(queue, own.taskExchange, queue)
    const answers: string[] = []
    await channel.consume(queue, (message) => void answers.push(String(message?.content)), { noAck: true })
    for (const body of ['{[1', '!!python/object/apply:os.system [ls]', '[1, 2, 3]', '"text"'])
      channel.publish(own.taskExchange, own.taskQueue, Buffer.from(body), {
        replyTo: queue,
        correlationId: body,
      })
    await channel.waitForConfirms()
    const sender = await connect(own)
    expect(await sender.taskSend('good')).toBe('done')
    expect(handled).toEqual(['good'])
    await expect.poll(() => answers).toHaveLength(4)
    expect(answers[0]).toContain('"exception"')
    expect(lines.filter(([level]) => level === 'error')).toHaveLength(4)
    expect((await channel.checkQueue(own.taskQueue)).messageCount).toBe(0)
  })

  test('a program that is killed between storing and acknowledging launches one process', async () => {
    const own = names()
    const folder = mkdtempSync(join(tmpdir(), 'damson-rabbit-killed-'))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const store = join(folder, 'store.db')
    const sender = await connect(own)
    const program = fileURLToPath(new URL('killed-program.ts', import.meta.url))
    const child = spawn(process.execPath, ['--import', 'tsx', program], {
      env: { ...process.env, KILLED_STORE: store, KILLED_URL: server.url, KILLED_NAMES: JSON.stringify(own) },
      stdio: ['ignore', 'inherit', 'inherit'],
    })
    const ended = new Promise((resolve) => void child.once('exit', (_code, signal) => resolve(signal)))
    const launched = new RemoteProcessController(sender).launchProcess(
      Sleeper,
      { name: 'one' },
      { nowait: true },
    )
    expect(await ended).toBe('SIGKILL')

    const communicator = await connect(own)
    const engine = await Engine.open({ store, processes: [Sleeper], communicator, handleSignals: false })
    onTestFinished(() => engine.close({ drain: 0 }))
    await communicator.addTaskSubscriber(new ProcessLauncher(engine).receive)
    const pid = await launched
    expect((await engine.list()).processes.map((process) => process.pid)).toEqual([pid])
  }, 60_000)

  test('a server that cannot be reached, or has other settings, is reported when connecting', async () => {
    const url = 'amqp://user:secret@127.0.0.1:1/'
    const failed = RabbitCommunicator.connect({ url })
    await expect(failed).rejects.toThrow(CommunicationError)
    await expect(failed).rejects.toThrow('amqp://127.0.0.1:1/')
    await expect(failed).rejects.not.toThrow('secret')
    await expect(RabbitCommunicator.connect({ url: 'http://x' })).rejects.toThrow(TypeError)
    const own = names()
    const model = await amqp.connect(server.url)
    const channel = await model.createChannel()
    await channel.assertExchange(own.taskExchange, 'fanout')
    await model.close()
    await expect(connect(own)).rejects.toThrow('PRECONDITION')
  })
})
