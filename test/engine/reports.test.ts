import { expect, it } from 'vitest'
import {
  Continue,
  Process,
  ProcessLost,
  SerializationError,
  type EventRecord,
  type LogChunk,
  type Logger,
  type ProcessHandle,
  type ProcessSpec,
} from '../../src/index.ts'
import { overEachStore, untilRow } from './over-stores.ts'
import { gate } from './processes.ts'

/** Prints around gates, in two steps. */
class Talks extends Process {
  override async run(): Promise<Continue> {
    this.print('begins')
    this.print('a warning', { stream: 'stderr' })
    await gate('first').pass()
    this.print('goes on')
    this.progress({ done: 1, total: 2, message: 'half' })
    return new Continue(this.last)
  }
  async last(): Promise<void> {
    this.print('last step')
    this.addEvent('loss', { value: Number.NaN, at: new Date(0) })
    this.progress({ done: 2, total: 2 })
    await gate('second').pass()
  }
}

/** Fails at its first attempt. */
class Retries extends Process {
  static override define(spec: ProcessSpec) {
    return spec.retry({ attempts: 2, backoff: { initial: 1_000, jitter: 0 } })
  }
  override run(): void {
    this.print(`attempt ${this.attempt}`)
    if (this.attempt === 1) throw new Error('no luck')
  }
}

class Logs extends Process {
  override run(): void {
    this.logger.debug({}, 'not stored')
    this.logger.info({ free: 3 }, 'the disk is nearly full')
    this.logger.error({ err: new RangeError('too much') }, 'it failed')
  }
}

/** Logs errors and values that JSON does not have. */
class OddLogs extends Process {
  override run(): void {
    this.logger.error(new RangeError('too much'), 'it failed')
    this.logger.warn({ error: new RangeError('too much'), free: 3n }, 'nearly')
  }
}

/** Adds an event in each of two steps, and before an effect. */
class Steps extends Process {
  override async run(): Promise<Continue> {
    this.addEvent('before the effect')
    await this.effect('pay', () => 1)
    this.addEvent('in run')
    return new Continue(this.next)
  }
  next(): void {
    this.addEvent('in next')
  }
}

async function all<T>(entries: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const entry of entries) found.push(entry)
  return found
}

function texts(chunks: readonly LogChunk[]): string[] {
  return chunks.map(({ text }) => text.trimEnd())
}

async function logOf(handle: ProcessHandle): Promise<string[]> {
  return texts(await all(handle.logs()))
}

overEachStore((over) => {
  it('stores what a step prints within a second, and with the commit that ends the step', async () => {
    const engine = await over().engine([Talks])
    const { clock } = over()
    const handle = await engine.launch(Talks)
    await gate('first').reached
    expect(await logOf(handle)).toEqual([])
    await clock.advance(1_000)
    await clock.quiet()
    expect(await logOf(handle)).toEqual(['begins', 'a warning'])
    gate('first').open()
    await gate('second').reached
    expect(await logOf(handle)).toEqual(['begins', 'a warning', 'goes on'])
    gate('second').open()
    await handle.result()
    const chunks = await all(handle.logs())
    expect(texts(chunks)).toEqual(['begins', 'a warning', 'goes on', 'last step'])
    expect(chunks[1]).toMatchObject({ pid: handle.pid, n: 2, stream: 'stderr', attempt: 1 })
    expect(chunks[1]?.at).toBeInstanceOf(Date)
    expect(await handle.outputComplete()).toBe(true)
  })

  it('follows the log of a process that another client runs, until its end', async () => {
    const engine = await over().engine([Talks])
    const client = await over().client()
    const { clock } = over()
    const { pid } = await engine.launch(Talks)
    const handle = client.handle(pid)
    const seen: string[] = []
    await gate('first').reached
    await clock.advance(1_000)
    void gate('second').reached.then(() => clock.advance(1_000))
    for await (const { text } of handle.logs({ follow: true })) {
      seen.push(text.trimEnd())
      if (text === 'a warning\n') gate('first').open()
      if (text === 'last step\n') gate('second').open()
    }
    expect(seen).toEqual(['begins', 'a warning', 'goes on', 'last step'])
    expect((await handle.refresh()).label).toBe('finished')
  })

  it('leaves nothing pending when a loop is left or its signal aborts', async () => {
    const engine = await over().engine([Talks])
    const handle = await engine.launch(Talks)
    await gate('first').reached
    void over().clock.advance(1_000)
    for await (const { text } of handle.logs({ follow: true })) if (text === 'begins\n') break
    const stop = new AbortController()
    const reading = (async () => {
      for await (const { text } of handle.logs({ follow: true, signal: stop.signal }))
        if (text === 'a warning\n') setImmediate(() => stop.abort(new Error('enough')))
    })()
    await expect(reading).rejects.toThrow('enough')
    await expect(all(handle.logs({ signal: stop.signal }))).rejects.toThrow('enough')
    gate('first').open()
    gate('second').open()
    await handle.result()
    await engine.close()
  })

  it('stores what a hook prints before the first commit, however long that takes', async () => {
    class Hooked extends Process {
      protected override async onRun(): Promise<void> {
        this.print('from a hook')
        await gate('hook').pass()
      }
    }
    const engine = await over().engine([Hooked, Talks], { concurrency: 1 })
    const first = await engine.launch(Talks)
    await gate('first').reached
    const queued = await engine.launch(Hooked)
    gate('first').open()
    gate('second').open()
    await first.wait()
    await gate('hook').reached
    await over().clock.advance(2_000)
    gate('hook').open()
    await queued.result()
    expect(await logOf(queued)).toEqual(['from a hook'])
    const direct = await engine.launch(Hooked)
    await direct.result()
    expect(await logOf(direct)).toEqual(['from a hook'])
  })

  it('numbers the attempts of a step that prints again', async () => {
    const engine = await over().engine([Retries])
    const handle = await engine.launch(Retries)
    await untilRow(over().store, handle.pid, ({ attempt }) => attempt === 2)
    await over().clock.quiet()
    await over().clock.advance(1_000)
    await handle.result()
    expect((await all(handle.logs())).map(({ text, attempt }) => [text, attempt])).toEqual([
      ['attempt 1\n', 1],
      ['attempt 2\n', 2],
    ])
  })

  it('C4: an attempt that the process goes on without reports nothing more', async () => {
    class Late extends Process<typeof Late> {
      static override define(spec: ProcessSpec) {
        super.define(spec)
        return spec.timeout('run', '1s').retry({ attempts: 2, backoff: { initial: 1_000, jitter: 0 } })
      }
      override async run(): Promise<void> {
        const { attempt } = this
        this.print(`attempt ${attempt} begins`)
        await gate(`attempt ${attempt}`).pass()
        this.print(`attempt ${attempt} ends`)
        this.progress({ done: attempt })
        this.addEvent(`attempt ${attempt}`)
        if (attempt === 1) gate('late').open()
      }
    }
    const engine = await over().engine([Late])
    const { clock, store } = over()
    const handle = await engine.launch(Late)
    await gate('attempt 1').reached
    await clock.advance(1_000)
    await untilRow(store, handle.pid, ({ attempt }) => attempt === 2)
    await clock.quiet()
    await clock.advance(1_000)
    await gate('attempt 2').reached
    gate('attempt 1').open()
    await gate('late').pass()
    gate('attempt 2').open()
    await handle.result()
    expect(await logOf(handle)).toEqual(['attempt 1 begins', 'attempt 2 begins', 'attempt 2 ends'])
    expect(handle.state.progress).toEqual({ done: 2 })
    expect((await handle.history()).filter(({ name }) => name === 'event')).toHaveLength(1)
  })

  it('stores what the logger of a process writes, except details for debugging', async () => {
    const written: string[] = []
    const write =
      (level: string) =>
      (_: object, message: string): void =>
        void written.push(`${level} ${message}`)
    const logger: Logger = {
      debug: write('debug'),
      info: write('info'),
      warn: write('warn'),
      error: write('error'),
    }
    const engine = await over().engine([Logs], { logger })
    const handle = await engine.launch(Logs)
    await handle.result()
    const chunks = await all(handle.logs())
    expect(chunks.map(({ stream, level }) => [stream, level])).toEqual([
      ['stderr', 'info'],
      ['stderr', 'error'],
    ])
    expect(chunks[0]?.text).toBe('info: the disk is nearly full {"free":3}\n')
    expect(chunks[1]?.text).toMatch(/^error: it failed\nRangeError: too much\n {4}at /)
    expect(written.filter((line) => !line.startsWith('warn'))).toEqual([
      'debug not stored',
      'info the disk is nearly full',
      'error it failed',
    ])
  })

  it('stores errors that are logged as the details or among them', async () => {
    const engine = await over().engine([OddLogs])
    const handle = await engine.launch(OddLogs)
    await handle.result()
    const [failed, nearly] = await all(handle.logs())
    expect(failed?.text).toMatch(/^error: it failed\nRangeError: too much\n {4}at /)
    expect(nearly?.text).toBe('warn: nearly {"error":"RangeError: too much","free":"3n"}\n')
  })

  it('shows the progress of a process to those who run it and to others', async () => {
    const engine = await over().engine([Talks])
    const client = await over().client()
    const handle = await engine.launch(Talks)
    const remote = client.handle(handle.pid)
    const ended = remote.wait()
    gate('first').open()
    await gate('second').reached
    const half = { done: 1, total: 2, message: 'half' }
    await handle.refresh()
    expect(handle.state.progress).toEqual(half)
    expect((await client.find(handle.pid))?.progress).toEqual(half)
    await over().clock.advance(1_000)
    await untilRow(over().store, handle.pid, ({ progress }) => progress?.done === 2)
    await over().clock.quiet()
    // Notified, without a read of its own.
    expect(remote.state.progress).toEqual({ done: 2, total: 2 })
    gate('second').open()
    await ended
    await handle.wait()
    expect(handle.state.progress).toEqual({ done: 2, total: 2 })
    expect(remote.state.progress).toEqual({ done: 2, total: 2 })
  })

  it('gives the record of a process with the events that were added to it', async () => {
    const engine = await over().engine([Talks])
    const client = await over().client()
    const handle = await engine.launch(Talks)
    const remote = client.handle(handle.pid)
    const seen: EventRecord[] = []
    const reading = (async () => {
      for await (const event of remote.events({ follow: true })) seen.push(event)
    })()
    gate('first').open()
    await gate('second').reached
    await remote.addEvent('seen by a person', { by: 'Ann' })
    gate('second').open()
    await handle.result()
    await reading
    await remote.addEvent('archived')
    expect(seen.map(({ n, name }) => [n, name])).toEqual([
      [1, 'created'],
      [2, 'running'],
      [3, 'running'],
      [4, 'event'],
      [5, 'event'],
      [6, 'finished'],
    ])
    const added = (await all(handle.events())).flatMap((event) =>
      event.name === 'event' ? [[event.side, event.data.name, event.data.data]] : [],
    )
    expect(added).toEqual([
      ['caller', 'seen by a person', { by: 'Ann' }],
      ['process', 'loss', { value: Number.NaN, at: new Date(0) }],
      ['caller', 'archived', undefined],
    ])
    const times = (await all(handle.events())).map(({ at }) => at.getTime())
    expect(times).toEqual(times.toSorted((a, b) => a - b))
  })

  it('puts an event before what the process did after it', async () => {
    const engine = await over().engine([Steps])
    const handle = await engine.launch(Steps)
    await handle.wait()
    const names = (await all(handle.events())).map((event) =>
      event.name === 'event' ? event.data.name : event.name,
    )
    expect(names).toEqual([
      'created',
      'running',
      'before the effect',
      'effect',
      'in run',
      'running',
      'in next',
      'finished',
    ])
  })

  it('refuses what cannot be printed, reported, added or followed', async () => {
    const problems: unknown[] = []
    class Wrong extends Process {
      override run(): void {
        const tries: (() => unknown)[] = [
          () => this.print(5 as never),
          () => this.print('x', { stream: 'stdin' as never }),
          () => this.progress({ done: -1 }),
          () => this.progress({ done: Number.NaN }),
          () => this.progress({ total: 3 } as never),
          () => this.progress({ done: 1, of: 2 } as never),
          () => this.addEvent(''),
          () => this.addEvent('socket', () => {}),
          () => this.addEvent('large', 'x'.repeat(70_000)),
          () => this.addEvent('n'.repeat(70_000)),
        ]
        for (const one of tries) {
          try {
            one()
            problems.push('none')
          } catch (error) {
            problems.push((error as Error).constructor)
          }
        }
      }
    }
    const engine = await over().engine([Wrong])
    const handle = await engine.launch(Wrong)
    await handle.result()
    expect(problems).toEqual([
      TypeError,
      TypeError,
      RangeError,
      RangeError,
      TypeError,
      TypeError,
      TypeError,
      SerializationError,
      SerializationError,
      SerializationError,
    ])
    expect(() => handle.logs({ folow: true } as never)).toThrow('did you mean "follow"?')
    expect(() => handle.events({ follow: 'yes' as never })).toThrow(TypeError)
    const nobody = engine.handle('nobody')
    await expect(all(nobody.logs())).rejects.toThrow(ProcessLost)
    await expect(all(nobody.logs({ follow: true }))).rejects.toThrow(ProcessLost)
    await expect(all(nobody.events())).rejects.toThrow(ProcessLost)
    await expect(nobody.addEvent('lost')).rejects.toThrow(ProcessLost)
  })

  it('gives a restarted process an empty log and no progress', async () => {
    class Fails extends Process {
      override run(): void {
        this.print('here')
        this.progress({ done: 1 })
        if (gate('again').visits === 0) throw new Error('once')
      }
    }
    const engine = await over().engine([Fails])
    const handle = await engine.launch(Fails)
    await handle.wait()
    expect(await logOf(handle)).toEqual(['here'])
    gate('again').open()
    await gate('again').pass()
    const again = await engine.restart(handle.pid)
    await again.result()
    expect(await logOf(again)).toEqual(['here'])
    expect(again.state.progress).toEqual({ done: 1 })
    await engine.prune({ state: 'excepted' })
    await expect(all(engine.handle(handle.pid).logs())).rejects.toThrow(ProcessLost)
  })
})
