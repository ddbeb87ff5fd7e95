import { expect, test } from 'vitest'
import {
  allowFailure,
  Process,
  UpstreamFailed,
  WaitTimeout,
  type ProcessExcepted,
  type ProcessSpec,
} from '../../src/index.ts'
import { overEachStore } from './over-stores.ts'
import { Failing, gate, Gated } from './processes.ts'

class Quick extends Process<typeof Quick> {
  override run(): string {
    return 'done'
  }
}

class Takes extends Process<typeof Takes> {
  static override define(spec: ProcessSpec) {
    super.define(spec)
    return spec.input('given', {})
  }
  override run(): unknown {
    return this.inputs.given
  }
}

const CLASSES = [Quick, Failing, Gated]

overEachStore((over) => {
  test('a process starts after others have ended successfully', async () => {
    const engine = await over().engine(CLASSES)
    const one = await engine.launch(Gated, { gate: 'one' })
    const two = await engine.launch(Gated, { gate: 'two' })
    const last = await engine.launch(Quick, {}, { after: [one, two.outputs.done] })
    gate('one').open()
    await one.wait()
    expect(await last.refresh()).toMatchObject({ label: 'created', reason: 'inputs' })
    expect(await last.explain()).toContain(`it waits for Gated ${two.pid}`)
    gate('two').open()
    expect(await last.result()).toBe('done')
  })

  test('what it waits for may have ended before the launch', async () => {
    const engine = await over().engine(CLASSES)
    const one = await engine.launch(Quick)
    await one.wait()
    expect(await (await engine.launch(Quick, {}, { after: [one] })).result()).toBe('done')
    expect(await (await engine.launch(Quick, {}, { after: [] })).result()).toBe('done')
  })

  test('a failure of any of them excepts it at once, unless either end will do', async () => {
    const engine = await over().engine(CLASSES)
    const slow = await engine.launch(Gated, { gate: 'slow' })
    const failing = await engine.launch(Failing)
    const strict = await engine.launch(Quick, {}, { after: [slow, failing] })
    const lenient = await engine.launch(Quick, {}, { after: { on: [failing], ended: 'either' } })
    const allowing = await engine.launch(Quick, {}, { after: [allowFailure(failing)] })
    await expect(strict.result()).rejects.toMatchObject({
      name: 'UpstreamFailed',
      upstream: failing.pid,
      message: expect.stringContaining('it was to start after the process') as string,
    })
    expect(await lenient.result()).toBe('done')
    expect(await allowing.result()).toBe('done')
    expect(slow.done).toBe(false)
  })

  test('a process may start after a failure, and cannot if there is none', async () => {
    const engine = await over().engine(CLASSES)
    const failing = await engine.launch(Failing)
    const quick = await engine.launch(Quick)
    const alarm = await engine.launch(Quick, {}, { after: { on: [failing], ended: 'failed' } })
    const never = await engine.launch(Quick, {}, { after: { on: [quick], ended: 'failed' } })
    expect(await alarm.result()).toBe('done')
    await expect(never.result()).rejects.toThrow(UpstreamFailed)
  })

  test('of any, the first that ends well is enough, and all have to fail to except it', async () => {
    const engine = await over().engine(CLASSES)
    const slow = await engine.launch(Gated, { gate: 'any' })
    const failing = await engine.launch(Failing)
    const quick = await engine.launch(Quick)
    const first = await engine.launch(Quick, {}, { after: { on: [slow, failing, quick], when: 'any' } })
    expect(await first.result()).toBe('done')
    const waits = await engine.launch(Quick, {}, { after: { on: [slow, failing], when: 'any' } })
    expect(await waits.refresh()).toMatchObject({ reason: 'inputs' })
    const fails = await engine.launch(Quick, {}, { after: { on: [failing, failing], when: 'any' } })
    await expect(fails.result()).rejects.toThrow(UpstreamFailed)
    await slow.kill('enough', { force: true })
    await expect(waits.result()).rejects.toThrow(UpstreamFailed)
  })

  test('once none of any can end as needed, it is excepted at once, also while it waits for a value', async () => {
    const engine = await over().engine([...CLASSES, Takes])
    const [slow, fails] = [
      await engine.launch(Gated, { gate: 'value' }),
      await engine.launch(Gated, { gate: 'fails' }),
    ]
    const after = { on: [fails], when: 'any' } as const
    const early = await engine.launch(Takes, { given: slow }, { after, delay: '1d' })
    await fails.kill('enough', { force: true })
    await expect(early.result()).rejects.toMatchObject({ name: 'UpstreamFailed', upstream: fails.pid })
    const late = await engine.launch(Takes, { given: slow }, { after })
    await expect(late.result()).rejects.toMatchObject({ name: 'UpstreamFailed', upstream: fails.pid })
    expect(slow.done).toBe(false)
  })

  test('a timeout excepts the process, and what it waited for continues', async () => {
    const { clock } = over()
    const engine = await over().engine(CLASSES)
    const slow = await engine.launch(Gated, { gate: 'late' })
    const late = await engine.launch(Quick, {}, { after: { on: [slow], timeout: '1m' } })
    expect(await late.explain()).toContain('it is excepted unless they have ended by')
    await clock.advance('1m')
    const error = (await late.result({ raiseOnFailure: false })) as ProcessExcepted
    expect(error.cause).toBeInstanceOf(WaitTimeout)
    expect(error.cause).toMatchObject({ pending: [slow.pid] })
    expect(slow.done).toBe(false)
  })

  test('a resubmitted process waits again for the same processes', async () => {
    const engine = await over().engine(CLASSES)
    const failing = await engine.launch(Failing)
    const quick = await engine.launch(Quick, {}, { after: [failing], retry: 2 })
    await quick.wait()
    const again = await engine.resubmit(quick.pid)
    await expect(again.result()).rejects.toThrow(UpstreamFailed)
  })

  test('wrong dependencies are refused, and nothing is launched', async () => {
    const engine = await over().engine(CLASSES)
    const one = await engine.launch(Quick)
    const launch = (after: unknown): Promise<unknown> => engine.launch(Quick, {}, { after: after as [] })
    await expect(launch('pid')).rejects.toThrow(TypeError)
    await expect(launch([1])).rejects.toThrow(/after\[0\] takes a handle/)
    await expect(launch({ on: [one], ended: 'well' })).rejects.toThrow(/ended is one of/)
    await expect(launch({ on: [one], wen: 'any' })).rejects.toThrow(/did you mean "when"/)
    await expect(launch({ on: [], when: 'any' })).rejects.toThrow(RangeError)
    await expect(launch({ on: [one], timeout: -1 })).rejects.toThrow(RangeError)
    expect((await engine.list()).processes).toHaveLength(1)
  })
})
