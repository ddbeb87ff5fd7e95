import { describe, expect, test } from 'vitest'
import {
  allowFailure,
  PortValidationError,
  Process,
  ProcessExcepted,
  ProcessKilled,
  ProcessLost,
  quote,
  UpstreamFailed,
  type ProcessHandle,
  type ProcessSpec,
  type Settled,
} from '../../src/index.ts'
import { overEachStore, untilRow } from './over-stores.ts'
import { gate, Gated } from './processes.ts'

/** Adds two numbers. */
class Sum extends Process<typeof Sum> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('x', { schema: { type: 'number' } })
      .input('y', { schema: { type: 'number' }, default: 1 })
      .input('more.list', { schema: { type: 'array', items: { type: 'number' } }, required: false })
      .output('sum', { schema: { type: 'number' } })
      .returns({ schema: { type: 'number' } })
  }
  override run(): number {
    const { x, y, more } = this.inputs
    const sum = [x, y, ...(more?.list ?? [])].reduce((all, one) => all + one, 0)
    this.out('sum', sum)
    return sum
  }
}

/** Fails. */
class Fails extends Process<typeof Fails> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec
      .input('how', { schema: { enum: ['throws', 'exits'] }, default: 'throws' })
      .exitCode(418, 'ERROR_TEAPOT', 'short and stout')
      .returns({ schema: { type: 'number' } })
  }
  override run(): unknown {
    if (this.inputs.how === 'exits') return this.exitCodes.ERROR_TEAPOT()
    throw new RangeError('out of paper')
  }
}

/** Returns what its input is, whatever that is. */
class Shows extends Process<typeof Shows> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.input('given', {})
  }
  override run(): unknown {
    const { given } = this.inputs
    ran.push(this.pid)
    return given
  }
}
const ran: string[] = []

/** Has a minute. */
class Hurried extends Shows {
  static override define(spec: ProcessSpec) {
    return super.define(spec).deadline('1m')
  }
}

const CLASSES = [Sum, Fails, Shows, Gated]

overEachStore((over) => {
  describe('a handle in the inputs of a launch', () => {
    test('stands for the result of its process, at any depth', async () => {
      const engine = await over().engine(CLASSES)
      const one = await engine.launch(Sum, { x: 1, y: 2 })
      const two = await engine.launch(Sum, {
        x: one,
        y: one.outputs.ref('sum'),
        more: { list: [one, 4, one] },
      })
      expect(await two.result()).toBe(16)
      const three = await engine.launch(Shows, {
        given: { deep: [new Map([['a', two]]), new Set([one])], at: one },
      })
      expect(await three.result()).toEqual({ deep: [new Map([['a', 16]]), new Set([3])], at: 3 })
    })

    test('lets the process wait without a slot, and explains for what', async () => {
      const engine = await over().engine(CLASSES, { concurrency: 1 })
      const upstream = await engine.launch(Gated, { gate: 'slow' })
      const dependent = await engine.launch(Shows, { given: { list: [upstream] } })
      expect(await dependent.refresh()).toMatchObject({ label: 'created', reason: 'inputs' })
      expect(await dependent.explain()).toMatch(
        new RegExp(`inputs\\.given\\.list\\[0\\] waits for Gated ${upstream.pid}, which is running`),
      )
      await gate('slow').reached
      gate('slow').open()
      await dependent.result()
    })
  })

  test('a reference by index takes an item of a list, and the whole of any other result', async () => {
    const engine = await over().engine(CLASSES)
    const list = await engine.launch(Shows, { given: ['first', 'second'] })
    const text = await engine.launch(Shows, { given: 'text' })
    const shown = await engine.launch(Shows, { given: [list.outputs.ref(1), text.outputs.ref(0)] })
    expect(await shown.result()).toEqual(['second', 'text'])
  })

  test('a launch by name refuses references under unknown names, as far as the class is known', async () => {
    const client = await over().client()
    const one = client.handle((await (await over().engine(CLASSES)).launch(Sum, { x: 1 })).pid)
    await expect(client.launch('Sum', { x: one, z: one })).rejects.toThrow(/inputs\.z: has no 'z'/)
    await expect(client.launch('Sum', { x: 1, more: { lists: [one] } })).rejects.toThrow(
      /inputs\.more\.lists/,
    )
    await expect(client.launch('Sum', { x: one, y: 'text' })).rejects.toThrow(/inputs\.y/)
    await (await client.launch('Unknown', { z: one })).kill('enough')
  })

  test('a process that is launched by name and waits for inputs has the deadline of its class', async () => {
    const engine = await over().engine([...CLASSES, Hurried])
    const client = await over().client()
    const slow = await engine.launch(Gated, { gate: 'hurry' })
    const hurried = await client.launch('Hurried', { given: client.handle(slow.pid) })
    expect((await over().store.read(hurried.pid))?.deadline).toBe(over().clock.now() + 60_000)
    await over().clock.advance('1m')
    await expect(hurried.result()).rejects.toThrow(/DeadlineExceeded/)
    expect(slow.done).toBe(false)
  })

  test('a group in the inputs is refused with what to give in its place, which stands for its results', async () => {
    const engine = await over().engine(CLASSES)
    const group = engine.group([await engine.launch(Sum, { x: 1 }), await engine.launch(Sum, { x: 2 })])
    const instead = 'a group: give `group.handles`, which stand for the list of its results'
    await expect(engine.launch(Sum, { x: 1, more: { list: group as never } })).rejects.toThrow(
      `must be array, not ${instead}`,
    )
    await expect(engine.launch(Shows, { given: [group] })).rejects.toThrow('give `group.handles`')
    const shown = await engine.launch(Shows, { given: group.handles })
    expect(await shown.result()).toEqual([2, 3])
  })

  test('a quoted handle stays a handle', async () => {
    const engine = await over().engine(CLASSES)
    const one = await engine.launch(Sum, { x: 1 })
    const shown = await engine.launch(Shows, { given: [quote(one)] })
    const [handle] = (await shown.result()) as [ProcessHandle]
    expect(handle).toBe(engine.handle(one.pid))
  })

  test('the inputs of a client may refer to processes too, by class and by name', async () => {
    const client = await over().client()
    const knowing = await over().client(CLASSES)
    const one = await knowing.launch(Sum, { x: 1 })
    const two = await client.launch('Sum', { x: client.handle(one.pid), y: 5 })
    const three = await knowing.launch(Sum, { x: two.outputs.ref('sum') as never })
    await over().engine(CLASSES)
    expect(await three.result()).toBe(8)
  })

  test.each(['throws', 'exits'] as const)(
    'a process whose upstream %s fails at once, without a run of its code',
    async (how) => {
      const engine = await over().engine(CLASSES)
      const upstream = await engine.launch(Fails, { how })
      const slow = await engine.launch(Gated, { gate: 'never' })
      const middle = await engine.launch(Shows, { given: [slow, upstream] }, { retry: 5 })
      const last = await engine.launch(Shows, { given: middle })
      const error = (await last.result({ raiseOnFailure: false })) as UpstreamFailed
      expect(error).toBeInstanceOf(UpstreamFailed)
      expect(error).toMatchObject({ pid: last.pid, upstream: middle.pid })
      expect(error.cause).toBeInstanceOf(UpstreamFailed)
      expect(error.cause).toMatchObject({ pid: middle.pid, upstream: upstream.pid })
      expect((error.cause as UpstreamFailed).message).toContain('inputs.given[1]')
      const wanted = {
        throws: { name: 'ProcessExcepted', cause: { message: 'out of paper' } },
        exits: { name: 'ProcessUnsuccessful', exitCode: { code: 418 } },
      }
      expect((error.cause as UpstreamFailed).cause).toMatchObject(wanted[how])
      expect(await middle.refresh()).toMatchObject({ label: 'excepted', reason: 'upstream' })
      expect(last.state).toMatchObject({ label: 'excepted', reason: 'upstream' })
      expect(ran).not.toContain(middle.pid)
      expect(ran).not.toContain(last.pid)
      expect(slow.done).toBe(false)
      gate('never').open()
    },
  )

  test('a process whose upstream is killed fails, and one that allows the failure runs', async () => {
    const engine = await over().engine(CLASSES)
    const upstream = await engine.launch(Gated, { gate: 'killed' })
    const strict = await engine.launch(Shows, { given: upstream })
    const lenient = await engine.launch(Shows, { given: [allowFailure(upstream)] })
    await upstream.kill('enough', { force: true })
    await expect(strict.result()).rejects.toThrow(UpstreamFailed)
    const [settled] = (await lenient.result()) as [Settled<unknown>]
    expect(settled).toMatchObject({ status: 'rejected', state: { label: 'killed' } })
    expect((settled as { reason: unknown }).reason).toBeInstanceOf(ProcessKilled)
  })

  test('a missing output fails the process and is named', async () => {
    const engine = await over().engine(CLASSES)
    const one = await engine.launch(Sum, { x: 1 })
    const two = await engine.launch(Shows, { given: one.outputs.ref('smu' as 'sum') })
    await expect(two.result()).rejects.toThrow(/inputs\.given: .*"smu"/)
    await expect(one.outputs.ref('smu' as 'sum').result()).rejects.toThrow(/"smu"/)
  })

  test('values that do not fit the ports except the process', async () => {
    const engine = await over().engine(CLASSES)
    const text = await engine.launch(Shows, { given: 'text' })
    const sum = await engine.launch(Sum, { x: text as never })
    await expect(sum.result()).rejects.toThrow(/inputs\.x/)
    expect((sum.exception() as ProcessExcepted).cause).toBeInstanceOf(PortValidationError)
  })

  test('what can be checked is checked at the launch', async () => {
    const engine = await over().engine(CLASSES)
    const one = await engine.launch(Sum, { x: 1 })
    await expect(engine.launch(Sum, { y: one } as never)).rejects.toThrow(/inputs\.x/)
    await expect(engine.launch(Sum, { x: one, y: 'text' } as never)).rejects.toThrow(/inputs\.y/)
    await expect(engine.launch(Sum, { x: one, z: one } as never)).rejects.toThrow(/'z'/)
  })

  test('a reference to a process that is not in the store, or to itself, is refused at the launch', async () => {
    const engine = await over().engine(CLASSES)
    const nowhere = engine.handle('nowhere')
    await expect(engine.launch(Shows, { given: nowhere })).rejects.toThrow(ProcessLost)
    await expect(engine.launch(Shows, { given: engine.handle('itself') }, { pid: 'itself' })).rejects.toThrow(
      /its own end/,
    )
    expect(await engine.find('itself')).toBeUndefined()
  })

  test('what a process that has not started needs is not pruned', async () => {
    const engine = await over().engine(CLASSES)
    const done = await engine.launch(Sum, { x: 1 })
    await done.wait()
    const slow = await engine.launch(Gated, { gate: 'prune' })
    const dependent = await engine.launch(Shows, { given: [done, slow] })
    expect(await engine.prune()).toBe(0)
    const [refused] = await over().store.commit([{ kind: 'prune', pid: done.pid }])
    expect(refused).toMatchObject({
      status: 'conflict',
      reason: expect.stringContaining(dependent.pid) as string,
    })
    gate('prune').open()
    await dependent.result()
    expect(await engine.prune()).toBe(3)
  })

  test('a process that waits for inputs can be paused, played and killed, and keeps its delay', async () => {
    const { clock, store } = over()
    const engine = await over().engine(CLASSES)
    const one = await engine.launch(Gated, { gate: 'control' })
    const paused = await engine.launch(Shows, { given: one })
    const killed = await engine.launch(Shows, { given: one })
    const delayed = await engine.launch(Shows, { given: one }, { delay: '1h' })
    const late = await engine.launch(Shows, { given: one }, { deadline: '1s' })
    expect(await paused.pause('wait')).toBe(true)
    expect(await killed.kill('no')).toBe(true)
    expect(killed.state.label).toBe('killed')
    await clock.advance(1_000)
    await expect(late.result()).rejects.toThrow(/DeadlineExceeded/)
    gate('control').open()
    await one.wait()
    const row = await untilRow(store, delayed.pid, ({ readyAt }) => readyAt !== null)
    expect(row.readyAt).toBe(row.createdAt + 3_600_000)
    expect(paused.state).toMatchObject({ label: 'created', paused: true })
    await paused.play()
    await paused.result()
    await clock.advance(3_600_000)
    await delayed.result()
  })

  test('a resubmitted process refers to the same processes, and a key finds the same launch', async () => {
    const engine = await over().engine(CLASSES)
    const one = await engine.launch(Sum, { x: 1 })
    const two = await engine.launch(Sum, { x: one }, { key: 'two' })
    expect(await two.result()).toBe(3)
    expect((await engine.launch(Sum, { x: one }, { key: 'two' })).pid).toBe(two.pid)
    const again = await engine.resubmit(two.pid)
    expect(await again.result()).toBe(3)
    const other = await engine.launch(Sum, { x: 10 })
    const changed = await engine.resubmit(again.pid, { set: { 'inputs.x': other } })
    expect(await changed.result()).toBe(12)
    const failed = await engine.launch(Sum, { x: await engine.launch(Fails) })
    await failed.wait()
    const restarted = await engine.restart(failed.pid)
    await expect(restarted.result()).rejects.toThrow(UpstreamFailed)
  })

  test('a step finds the child again that it launched with a reference', async () => {
    const engine = await over().engine([...CLASSES, Pipeline])
    const pipeline = await engine.launch(Pipeline)
    expect(await pipeline.result()).toBe(11)
    expect((await engine.list({ parent: pipeline.pid })).processes).toHaveLength(2)
  })
})

/** Launches two children, the second with the result of the first, and fails once after that. */
class Pipeline extends Process<typeof Pipeline> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.retry({ attempts: 2, backoff: { initial: 0 } })
  }
  override async run(): Promise<unknown> {
    const one = await this.launch(Sum, { x: 4, y: 5 })
    const two = await this.launch(Sum, { x: one, y: 2 })
    if (this.attempt === 1) throw new Error('once more')
    return two.result()
  }
}
