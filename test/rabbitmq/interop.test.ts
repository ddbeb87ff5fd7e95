// @module-tag more
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, onTestFinished, test } from 'vitest'
import {
  Engine,
  MemoryStore,
  ProcessLauncher,
  RemoteProcessController,
  type Process,
} from '../../src/index.ts'
import { RabbitCommunicator } from '../../src/communication/rabbitmq/index.ts'
import { decodeBody, encodeBody } from '../../src/communication/rabbitmq/yaml-codec.ts'
import { PYTHON, RABBITMQ, RabbitServer } from './server.ts'
import { Sleeper } from './sleeper.ts'

/* A Python program with pika and PyYAML (`client.py`) controls our processes, and we control its. */

describe.skipIf(RABBITMQ === undefined)('a Python program', async () => {
  const server = RABBITMQ === undefined ? (undefined as never) : await RabbitServer.start()
  afterAll(() => server?.remove())
  const options = { messageExchange: 'py.messages', taskExchange: 'py.tasks', taskQueue: 'py.tasks' }

  async function python(): Promise<(...request: readonly unknown[]) => Promise<unknown>> {
    const args = [options.messageExchange, options.taskExchange, options.taskQueue]
    const child = spawn(PYTHON, [fileURLToPath(new URL('client.py', import.meta.url)), server.url, ...args], {
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    onTestFinished(() => void child.kill())
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    const next = async (): Promise<unknown> => {
      const { value } = (await lines.next()) as { value?: string }
      return JSON.parse(value ?? '"the Python program has ended"') as unknown
    }
    expect(await next()).toBe('ready')
    return (...request) => {
      child.stdin.write(`${JSON.stringify(request)}\n`)
      return next()
    }
  }

  async function connect(): Promise<RabbitCommunicator> {
    const communicator = await RabbitCommunicator.connect({ url: server.url, ...options })
    onTestFinished(() => communicator.close())
    return communicator
  }

  test('launches, asks, pauses, plays and kills a process, and hears of it', async () => {
    const communicator = await connect()
    const engine = await Engine.open({
      store: new MemoryStore(),
      processes: [Sleeper],
      communicator,
      handleSignals: false,
    })
    onTestFinished(() => engine.close({ drain: 0 }))
    await communicator.addTaskSubscriber(new ProcessLauncher(engine).receive)
    const ask = await python()
    const launch = {
      task: 'launch',
      args: {
        process_class: 'some.module:Sleeper',
        init_args: null,
        init_kwargs: { inputs: { name: 'yes' } },
        persist: true,
        nowait: true,
      },
    }
    const answers = (await ask('task', launch)) as { result?: string; host?: object }[]
    const pid = answers[1]?.result ?? ''
    const host = { hostname: expect.any(String) as string, pid: process.pid }
    // Exactly one `pending`, then the result.
    expect(answers).toEqual([
      { pending: null, host },
      { result: pid, host },
    ])
    const handle = engine.handle<Process>(pid)
    await expect.poll(async () => (await handle.refresh()).label).toBe('waiting')
    expect(await handle.inputs()).toEqual({ name: 'yes' })
    await expect
      .poll(() => ask('rpc', pid, { intent: 'status', message: null }))
      .toEqual([
        {
          result: {
            ctime: expect.any(Number) as number,
            paused: false,
            process_string: `Sleeper<${pid}> (waiting)`,
            state: 'ProcessState.WAITING',
          },
        },
      ])
    const later = [{ pending: null }, { result: true }]
    expect(await ask('rpc', pid, { intent: 'pause', message: 'hold tight' })).toEqual(later)
    expect(await handle.refresh()).toMatchObject({ paused: true, message: 'hold tight' })
    expect(await ask('rpc', pid, { intent: 'play', message: null })).toEqual(later)
    expect((await handle.refresh()).paused).toBe(false)
    const waited = ask('task', { task: 'continue', args: { pid, tag: null, nowait: false } })
    await handle.resume({ n: 1e21 })
    expect(await waited).toEqual([
      { pending: null, host },
      { result: { woken: { n: 1e21 } }, host },
    ])
    expect(await ask('rpc', pid, { intent: 'status' })).toEqual(['unroutable'])

    const second = await engine.launch(Sleeper, { name: 'two' })
    await ask('broadcast', { body: 'all of you', sender: null, subject: 'pause', correlation_id: null })
    await expect.poll(async () => (await second.refresh()).paused).toBe(true)
    const killed = await ask('rpc', second.pid, { intent: 'kill', message: 'over', force_kill: false })
    expect(killed).toEqual(later)
    expect(await second.wait()).toMatchObject({ label: 'killed', message: 'over' })
    const heard = async (): Promise<unknown[]> =>
      ((await ask('broadcasts')) as { sender: unknown; subject: unknown }[])
        .filter(({ sender }) => sender === second.pid)
        .map(({ subject }) => subject)
    await expect
      .poll(heard)
      .toEqual([
        'state_changed.None.created',
        'state_changed.created.running',
        'state_changed.running.waiting',
        'state_changed.waiting.killed',
      ])
  }, 60_000)

  test('its processes are controlled, and its workers launch for us', async () => {
    const controller = new RemoteProcessController(await connect())
    const ask = await python()
    expect(await ask('serve', 'python-pid')).toBe('python-pid')
    expect(await controller.getStatus('python-pid')).toEqual({
      state: 'running',
      paused: false,
      creationTime: new Date(1_700_000_000_250),
      processString: 'py',
    })
    expect(await controller.pauseProcess('python-pid', 'why')).toBe(true)
    expect(await controller.playProcess('python-pid')).toBe(true)
    await expect(controller.killProcess('python-pid', 'später')).rejects.toThrow('not now: später')
    await ask('work')
    expect(await controller.launchProcess('module:Name', { a: [1, 'yes'] })).toEqual({
      task: {
        task: 'launch',
        args: {
          process_class: 'module:Name',
          init_args: [],
          init_kwargs: { inputs: { a: [1, 'yes'] } },
          persist: false,
          nowait: false,
        },
      },
      no_reply: false,
    })
  }, 60_000)

  test('PyYAML reads what we write, and we read what it makes of that', async () => {
    const ask = await python()
    const values = [
      [1e21, -1.5e-7, 5, -0.5, Number.NaN, Number.NEGATIVE_INFINITY],
      ['yes', '1e3', '~', '', ' x ', '\u0000\u007f\u0085\u2028\u2029\ufeff😀\n\t"\\', 'a: b', '- c'],
      { 'a.b': [{}, [], null, true], ['k'.repeat(2_000)]: 'long', ä: { deep: [[[1]]] } },
      'x'.repeat(5_000),
    ]
    for (const value of values) {
      const [, text] = (await ask('read', encodeBody(value).toString())) as [string, string]
      expect(decodeBody(Buffer.from(text))).toEqual(value)
    }
    for (const text of [
      'y',
      '1e3',
      '0o7',
      '010',
      '1:30',
      '1_000.5',
      '0x1F',
      '.5',
      '2e+3',
      '1.0e+3',
      'on',
      'NULL',
    ]) {
      const [shown] = (await ask('read', text)) as [string]
      const value = decodeBody(Buffer.from(text))
      const ours = typeof value === 'string' ? `'${value}'` : String(value)
      expect([text, ours]).toEqual([
        text,
        shown
          .replace(/^True$/, 'true')
          .replace(/^None$/, 'null')
          .replace(/\.0$/, ''),
      ])
    }
  }, 60_000)
})
